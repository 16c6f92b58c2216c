from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

from rich.console import Console

from workbench.tuning.progress import Display
from workbench.tuning.supervisor import Ended


def contender(**changes: Any) -> Any:
    values = {
        "candidate": SimpleNamespace(name="hog/svm"),
        "best": 0.91234,
        "used": 12.0,
        "share": 60.0,
        "counts": {"complete": 3, "pruned": 1, "failed": 0},
        "closed": "",
        "running_since": None,
    }
    return SimpleNamespace(**{**values, **changes})


def test_a_line_a_trial_tells_value_best_and_time_where_there_is_no_terminal() -> None:
    out = io.StringIO()
    display = Display(Console(file=out, width=200))
    with display.live():
        display.ended(contender(), 3, Ended("complete", 2.0), 0.9)
        display.ended(contender(best=None), 0, Ended("failed", 1.0, reason="ValueError: no [luck]"), None)
    assert out.getvalue().splitlines() == [
        "  hog/svm  trial 3: validation accuracy 0.9000 in 2.0 s, best 0.9123 (used 12.0 s of 1m00s)",
        "  hog/svm  trial 0: failed: ValueError: no [luck] in 1.0 s (used 12.0 s of 1m00s)",
    ]


def test_a_terminal_shows_a_live_table_with_every_candidate() -> None:
    out = io.StringIO()
    display = Display(Console(file=out, width=120, force_terminal=True))
    with display.live():
        display.tuning(
            [contender(), contender(candidate=SimpleNamespace(name="cnn"), best=None, closed="done; really")]
        )
        display.ended(contender(), 3, Ended("failed", 2.0, reason="singular matrix"), None)
    text = out.getvalue()
    for said in ("hog/svm", "0.9123", "3 (1 pruned)", "12.0 s / 1m00s", "cnn", "done", "failed: singular matrix"):
        assert said in text


def test_bars_follow_what_is_being_done() -> None:
    out = io.StringIO()
    display = Display(Console(file=out, width=120, force_terminal=True))
    for what in ("reading files", "decoding images"):
        for done in (1, 2, 3):
            display.loading(what, done, 3)
    display.say("done")
    assert "reading files" in out.getvalue()
    assert "3/3" in out.getvalue()
