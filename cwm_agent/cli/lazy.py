"""A command group whose commands are imported only when one is called.

Typer imports every command to print help. Here names and summaries stand in
a table of strings, so `--help` and completion stay fast and a broken command
cannot break the others.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer.main
from typer.core import TyperCommand, TyperGroup

from cwm_agent.errors import UsageError


@dataclass(frozen=True, slots=True)
class Lazy:
    """Where a command lives: a module with a typer `app`.

    With `group` the app is a group of commands even if it has only one;
    otherwise its single command is the command.
    """

    module: str
    summary: str
    group: bool = False

    def load(self) -> Any:
        """Import it and build the command object."""
        try:
            module = import_module(self.module)
        except ModuleNotFoundError as error:
            if error.name != self.module:
                raise
            raise UsageError(
                f"this installation lacks the command's module {self.module}; reinstall cwm-agent"
            ) from error
        app: typer.Typer = module.app
        app.rich_markup_mode = None  # plain help: no import of rich, no boxes in a pipe
        return typer.main.get_group(app) if self.group else typer.main.get_command(app)


class LazyCommands(MutableMapping[str, Any]):
    """Command objects by name, each built on first access."""

    def __init__(self, table: dict[str, Lazy]) -> None:
        self.table = table
        self._built: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._built:
            self._built[name] = self.table[name].load()
        return self._built[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._built[name] = command

    def __delitem__(self, name: str) -> None:
        del self._built[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.table)

    def __len__(self) -> int:
        return len(self.table)


def lazy_group(table: dict[str, Lazy]) -> type[TyperGroup]:
    """The class of a group with the commands of `table`, for `typer.Typer(cls=...)`."""

    class LazyGroup(TyperGroup):
        def __init__(self, **attributes: Any) -> None:
            super().__init__(**attributes)
            self.commands = LazyCommands(table)

        def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - typer's interface
            return list(table)

        def format_commands(self, ctx: Any, formatter: Any) -> None:
            with self._summaries_only():
                super().format_commands(ctx, formatter)

        def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
            with self._summaries_only():
                return list(super().shell_complete(ctx, incomplete))

        @contextmanager
        def _summaries_only(self) -> Iterator[None]:
            """Within it every command is an empty one that has only its name and summary."""
            commands = self.commands
            self.commands = {
                name: TyperCommand(name, help=lazy.summary) for name, lazy in table.items()
            }
            try:
                yield
            finally:
                self.commands = commands

    return LazyGroup
