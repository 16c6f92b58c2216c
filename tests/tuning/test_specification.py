from __future__ import annotations

import pytest

from workbench.errors import WorkbenchError
from workbench.tuning.specification import format_seconds, parse_budget


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("10m", 600), ("1h", 3600), ("1h30m", 5400), ("1.5m", 90), ("45", 45), (30, 30), ("2 m", 120)],
)
def test_a_budget_is_a_duration(text: str | int, seconds: float) -> None:
    assert parse_budget(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "10x", "m", "-5s", "0s", 0, "5m later", float("inf"), float("nan")])
def test_anything_else_is_refused_with_the_mend(text: str | float) -> None:
    with pytest.raises(WorkbenchError, match="write it like 90s, 10m, 1h or 1h30m"):
        parse_budget(text)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.123, "0.12 s"), (12.34, "12.3 s"), (245, "4m05s"), (59.97, "1m00s"), (3725, "1h02m")]
)
def test_seconds_are_written_for_people(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text
