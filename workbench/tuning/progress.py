"""Shows on stderr what a run is doing: a live table on a terminal, a line for each trial elsewhere."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn
from rich.progress import Progress as RichProgress
from rich.progress_bar import ProgressBar
from rich.table import Table

from workbench.tuning.specification import format_seconds

if TYPE_CHECKING:
    from workbench.tuning.supervisor import Ended
    from workbench.tuning.tuner import Contender


class Silent:
    """Shows nothing."""

    def say(self, text: str) -> None:
        """Says a sentence."""

    def loading(self, what: str, done: int, total: int) -> None:
        """Images are being read or decoded."""

    def tuning(self, contenders: list[Contender]) -> None:
        """Something changed while tuning."""

    def ended(self, contender: Contender, number: int, ended: Ended, value: float | None) -> None:
        """A trial ended."""

    @contextlib.contextmanager
    def live(self) -> Iterator[None]:
        """Inside, the display may be a live one."""
        yield


class Display(Silent):
    """Shows everything, on stderr.

    Args:
        console: Where to show it; default: stderr.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False)
        self._live: Live | None = None
        self._contenders: list[Contender] = []
        self._bar: RichProgress | None = None
        self._task: tuple[str, TaskID] | None = None

    def say(self, text: str) -> None:
        """Says a sentence."""
        self._close_bar()
        self._console.print(text, markup=False, soft_wrap=True)

    def loading(self, what: str, done: int, total: int) -> None:
        """Moves the bar of what is being read or decoded."""
        if self._task is None or self._task[0] != what:
            self._close_bar()
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
            self._bar = RichProgress(*columns, console=self._console)
            self._bar.start()
            self._task = what, self._bar.add_task(what, total=total)
        assert self._bar is not None
        self._bar.update(self._task[1], completed=done)
        if done >= total:
            self._close_bar()

    def _close_bar(self) -> None:
        if self._bar is not None:
            self._bar.stop()
        self._bar = self._task = None

    @contextlib.contextmanager
    def live(self) -> Iterator[None]:
        """Shows a live table on a terminal."""
        if not self._console.is_terminal:
            yield
            return
        with Live(console=self._console, get_renderable=self._table, refresh_per_second=4) as self._live:
            yield
        self._live = None

    def tuning(self, contenders: list[Contender]) -> None:
        """Keeps what the live table draws."""
        self._contenders = contenders

    def ended(self, contender: Contender, number: int, ended: Ended, value: float | None) -> None:
        """Prints a line for a trial; on a terminal only for a failed one."""
        failed = ended.state in ("failed", "skipped")
        if self._live is not None and not failed:
            return
        what = f"validation accuracy {value:.4f}" if value is not None else f"{ended.state}: {ended.reason}"
        if ended.state == "pruned":
            what = "pruned"
        best = "" if contender.best is None else f", best {contender.best:.4f}"
        used = f"{format_seconds(contender.used)} of {format_seconds(contender.share)}"
        self._console.print(
            f"  {contender.candidate.name}  trial {number}: {what} in {format_seconds(ended.seconds)}{best} "
            f"(used {used})",
            markup=False,
            style="yellow" if failed else "",
            soft_wrap=True,
        )

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("candidate", no_wrap=True)
        table.add_column("best validation accuracy", justify="right")
        table.add_column("trials", justify="right")
        table.add_column("time used of its share", justify="right")
        table.add_column("", width=20)
        table.add_column("")
        for contender in self._contenders:
            running = contender.running_since
            used = contender.used + (time.monotonic() - running if running is not None else 0.0)
            counts = contender.counts
            rest = [f"{counts[state]} {state}" for state in ("pruned", "failed") if counts[state]]
            state = "running" if running is not None else contender.closed.split(";")[0]
            table.add_row(
                contender.candidate.name,
                "" if contender.best is None else f"{contender.best:.4f}",
                str(counts["complete"]) + (f" ({', '.join(rest)})" if rest else ""),
                f"{format_seconds(used)} / {format_seconds(contender.share)}",
                ProgressBar(total=max(contender.share, 1e-9), completed=used, width=20),
                state,
            )
        return table
