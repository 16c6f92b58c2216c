"""Charts: pure functions from plain data to Altair charts, for the report and the dashboard alike.

Every function takes what :meth:`workbench.judge.leaderboard.Comparison.document` has, and ``colors`` from
:func:`colors`. Names of classes and candidates are values of the data and never names of fields, in which Vega-Lite
would read dots and brackets as paths. Axes and background are left to the theme of whoever shows a
chart; labels take the colour of the page.
"""

from workbench.judge.charts.cost import anytime, learning_curve, learning_seconds, ledger
from workbench.judge.charts.mistakes import class_recall, confusion_matrix, reliability
from workbench.judge.charts.parts import Chart, colors
from workbench.judge.charts.trade import accuracy_against_time, pareto_front

__all__ = [
    "Chart",
    "accuracy_against_time",
    "anytime",
    "class_recall",
    "colors",
    "confusion_matrix",
    "learning_curve",
    "learning_seconds",
    "ledger",
    "pareto_front",
    "reliability",
]
