"""``workbench plugins show``: what one plugin is, and what it asks a trial for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from workbench.registry import Plugin

_SAMPLES = 50


@click.command("show", short_help="Show a plugin's description and search space.")
@click.argument("name")
def command(name: str) -> None:
    """Show the description, the distribution and the search space of the plugin NAME (or KIND/NAME)."""
    from rich.table import Table

    from workbench.cli.tables import console
    from workbench.scaffold import example
    from workbench.testing.kit import find

    plugin, out = find(name), console()
    lines = (plugin.load().__doc__ or "(no docstring)").strip().splitlines()
    out.print(f"{plugin.kind} {plugin.name}: {lines[0]}", markup=False, style="bold")
    out.print(f"from {plugin.distribution} {plugin.version} ({plugin.target})", markup=False)
    for line in lines[1:]:
        out.print(line.strip(), markup=False)
    if plugin.kind != "dataset":
        spaces, skips, starts = _search_space(plugin)
        if spaces:
            table = Table(header_style="bold")
            for heading in ("parameter", "values", "scale", "tried first", "asked"):
                table.add_column(heading, overflow="fold")
            for parameter, (distribution, when) in spaces.items():
                first = starts.get(parameter, "-")
                table.add_row(parameter, *_describe(distribution), str(first), when)
            out.print(table)
        else:
            out.print("It asks for nothing: it is tried once.")
        for what, reason in skips.items():
            out.print(f"It skips {what} images: {reason}", markup=False)
    out.print(f"Try it:  {example(plugin.name, plugin.kind)}", markup=False)
    out.print(f"Check it:  workbench plugins check {plugin.kind}/{plugin.name}", markup=False)


def _search_space(plugin: Plugin) -> tuple[dict[str, tuple[Any, str]], dict[str, str], dict[str, Any]]:
    """Asks the plugin as trials would.

    Returns:
        Distribution of each parameter, and when it is asked for; the reason for each kind of images that it skips; and
        what is tried first.
    """
    import optuna

    from workbench.candidate import ScopedTrial
    from workbench.plugin import Skip
    from workbench.testing.subject import COLOUR, GREY

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    function = plugin.load()
    skips: dict[str, str] = {}
    starts: dict[str, Any] = {}
    seen: dict[str, Any] = {}
    asked: dict[str, dict[str, int]] = {}
    trials = dict.fromkeys(("colour", "grey"), 0)
    for what, task in (("grey", GREY), ("colour", COLOUR)):
        for seed in range(_SAMPLES):
            trial = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed)).ask()
            try:
                function(ScopedTrial(trial, plugin.name), task)
            except Skip as skip:
                skips[what] = str(skip)
                break
            trials[what] += 1
            for name, distribution in trial.distributions.items():
                bare = name.removeprefix(f"{plugin.name}.")
                seen[bare] = distribution
                asked.setdefault(bare, dict.fromkeys(trials, 0))[what] += 1
        if what not in skips and hasattr(function, "start"):
            starts |= function.start(task)
    return {name: (seen[name], _when(asked[name], trials)) for name in seen}, skips, starts


def _when(asked: dict[str, int], trials: dict[str, int]) -> str:
    always = {what for what, n in trials.items() if n and asked[what] == n}
    if always == {what for what, n in trials.items() if n}:
        return "always"
    if always and all(asked[what] == 0 for what in set(trials) - always):
        return f"for {' and '.join(sorted(always))} images"
    return "in some trials"


def _describe(distribution: Any) -> tuple[str, str]:
    """Returns the values and the scale of a distribution, in words."""
    if hasattr(distribution, "choices"):
        return ", ".join(map(str, distribution.choices)), "choice"
    step = getattr(distribution, "step", None)
    values = f"{distribution.low:g} to {distribution.high:g}" + (f" by {step:g}" if step and step != 1 else "")
    whole = isinstance(distribution.low, int)
    return values, " ".join(["whole" if whole else "real", "logarithmic" if distribution.log else "linear"])
