"""``workbench plugins check``: does a plugin keep the contract?"""

from __future__ import annotations

import click


@click.command("check", short_help="Run the contract's checks on a plugin.")
@click.argument("name")
def command(name: str) -> int:
    """Run the contract's checks on the plugin NAME (or KIND/NAME), and exit with 1 if it breaks a rule."""
    from workbench.cli import DONE, NO_RESULT
    from workbench.cli.tables import console
    from workbench.testing.kit import checks_for, find, run_check, verdict
    from workbench.testing.subject import Subject

    plugin, out = find(name), console()
    out.print(f"{plugin} ({plugin.target})", markup=False)
    subject, results = Subject(plugin), []
    for check in checks_for(plugin):
        result = run_check(check, subject)
        results.append(result)
        mark, style = {"passed": ("ok", "green"), "failed": ("FAILED", "bold red"), "skipped": ("-", "dim")}[
            result.state
        ]
        rule = (check.__doc__ or check.__name__).strip().splitlines()[0].replace("``", "")
        out.print(f"  {mark:>6}  {rule}", markup=False, style=style)
        if result.message:
            for line in result.message.splitlines():
                out.print(f"          {line}", markup=False, style=style if result.state == "failed" else "dim")
    nothing = verdict(results)
    failed = sum(result.state == "failed" for result in results) + (nothing is not None)
    passed, skipped = (sum(result.state == state for result in results) for state in ("passed", "skipped"))
    out.print(nothing.message if nothing else f"{passed} passed, {failed} failed, {skipped} had nothing to look at")
    return NO_RESULT if failed else DONE
