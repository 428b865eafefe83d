"""How the commands behave, all alike: found by name when called, helpful when mistyped, and led to
the demo's home by `--demo`."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from typing import Any, cast

import click

from heirpay_pipelines.console.errors import FAILED
from heirpay_pipelines.console.lost_readers import LIKE_SIGPIPE
from heirpay_pipelines.text.nearest import did_you_mean, nearest
from heirpay_pipelines.text.shown import many_lines, say

NOT_OF_THE_DEMO = frozenset({"demo", "run", "sandbox", "receive", "key", "backup", "restore"})
"""Commands that read no published home, or must not be pointed at the demo's by a flag."""

INTERRUPTED = "interrupted; nothing half made stays, and the same command may be started again."


class NearestChoice(click.Choice[Any]):
    """A choice that answers a mistyped value with the nearest right one."""

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        text = super().get_invalid_choice_message(value, ctx)
        return text + did_you_mean(str(value), map(str, self.choices))


class WrongKey(click.ClickException):
    """A command worded an error whose exit code is that of a wrong setting."""

    exit_code = 2


class LazyGroup(click.Group):
    """Lists commands from `places`; imports the one that is called.

    `places` gives by name where the command lives (`module:attribute` below the package) and its
    line in the help.
    """

    places: Mapping[str, tuple[str, str]] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.places:
            return None
        module, _, attribute = self.places[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(f"heirpay_pipelines.{module}"), attribute)
        prepare(command, with_demo=cmd_name not in NOT_OF_THE_DEMO)
        return cast("click.Command", command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in self.places and not name.startswith("-"):
            meant = nearest(name, self.places)
            hint = f" Did you mean {meant!r}?" if meant else ""
            raise click.UsageError(f"No such command {name!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """A wrong setting ends every command alike, also one that words the error itself; click
        would end a lost reader with the code of a failed run, and Ctrl-C with a word of its own."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            ctx.exit(LIKE_SIGPIPE)
        except KeyboardInterrupt:
            say(f"heirpay: {INTERRUPTED}", err=True)
            ctx.exit(FAILED)
        except click.ClickException as error:
            error.message = many_lines(error.message)  # type: ignore[misc]
            if getattr(error.__context__, "exit_code", None) == WrongKey.exit_code and not (
                isinstance(error, click.UsageError)
            ):
                raise WrongKey(error.message) from None
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in self.places.items()])


def prepare(command: click.Command, *, with_demo: bool) -> None:
    """Give a command, and those below it, what all commands have."""
    _suggest_choices(command.params)
    if isinstance(command, click.Group):
        for below in command.commands.values():
            prepare(below, with_demo=with_demo)
    elif with_demo and not any(parameter.name == "demo" for parameter in command.params):
        command.params.append(
            click.Option(
                ["--demo"],
                is_flag=True,
                is_eager=True,
                expose_value=False,
                callback=_show_demo,
                help="Of the demo's home, not of HEIRPAY_HOME.",
            )
        )


def _show_demo(ctx: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        from heirpay_pipelines.console.demo_home import show_demo

        show_demo(ctx, parameter, wanted)


def _suggest_choices(parameters: Iterable[click.Parameter]) -> None:
    for parameter in parameters:
        if type(parameter.type) is click.Choice:
            given = parameter.type
            parameter.type = NearestChoice(given.choices, case_sensitive=given.case_sensitive)
