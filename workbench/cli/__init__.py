"""The command line: one thin module a command. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Any

import click

from workbench.errors import WorkbenchError

#: Command -> attribute of the module of the same name; the order is the order of ``--help``.
_COMMANDS = (
    "tune", "audit", "show", "report", "explain", "curve", "transfer", "runs", "plugins", "cache", "dashboard",
    "doctor",
)  # fmt: skip

#: Exit codes.
DONE, NO_RESULT, USER_MISTAKE, INTERRUPTED = 0, 1, 2, 130


class LazyGroup(click.Group):
    """Imports a command's module when the command is looked up.

    Args:
        package: Where the modules are.
        names: Names of the commands, and of their modules, in the order of ``--help``.
    """

    def __init__(self, *args: Any, package: str, names: Sequence[str], **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._package = package
        self._names = names

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the commands in the order of ``--help``."""
        return list(self._names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports a command's module and returns its command."""
        if cmd_name not in self._names:
            return None
        command: click.Command = importlib.import_module(f"{self._package}.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Answers an unknown command with the nearest one."""
        if args and args[0] not in self._names and not args[0].startswith("-"):
            from workbench.errors import did_you_mean

            raise click.UsageError(f"there is no command {args[0]!r}; {did_you_mean(args[0], self._names)}", ctx)
        return super().resolve_command(ctx, args)


def _version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        from workbench import __version__

        click.echo(f"workbench {__version__}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    package="workbench.cli",
    names=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version.")
def cli() -> None:
    """Do I need deep learning here, or do hand-crafted features and a shallow classifier do?

    Point it at labelled images:

    \b
      workbench tune digits                       a data set that comes along
      workbench tune my-photos/ --budget 20m      a folder with a folder for each class
      workbench audit my-photos/                  duplicates, leaks, contradictory labels
      workbench show digits-1                     the leaderboard of a run, again
      workbench curve digits-1                    from how many images on does the network win?
      workbench report digits-1                   all there is to say of it, in one HTML file
      workbench explain digits-1 photo.png        what each candidate sees of an image
    """  # noqa: D301 - click's mark for lines that shall not be wrapped


def main() -> None:
    """Runs the command line and exits: 0 done, 1 a run without any result, 2 the user's mistake, 130 interrupted."""
    try:
        code = cli.main(standalone_mode=False)
    except WorkbenchError as error:
        click.echo(f"error: {error}", err=True)
        code = USER_MISTAKE
    except click.ClickException as error:
        error.show()
        code = USER_MISTAKE
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        code = INTERRUPTED
    except BrokenPipeError:  # the reader of our output went away (``| head``)
        sys.stderr.close()
        code = DONE
    sys.exit(code if isinstance(code, int) else DONE)
