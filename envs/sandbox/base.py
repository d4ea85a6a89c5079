"""What every sandbox over a session offers in the same words."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self

from envs.sandbox.session import Session
from tools.workspace import CommandResult, PathKind


class SessionSandbox(ABC):
    """A Sandbox whose commands and files are those of its session.

    A subclass makes the session, says how the sandbox opens, closes and is
    killed, and how a folder gets into it.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    @abstractmethod
    def open(self) -> None:
        """See Sandbox."""

    @abstractmethod
    def close(self) -> None:
        """See Sandbox."""

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def cwd(self) -> str:
        """See Workspace."""
        return self._session.cwd

    def run(self, command: str, *, timeout: float) -> CommandResult:
        """See Workspace."""
        return self._session.run(command, timeout=timeout)

    def control(self, command: str, *, timeout: float) -> CommandResult:
        """See Sandbox."""
        return self._session.control(command, timeout=timeout)

    def run_fresh(self, command: str, *, timeout: float) -> CommandResult:
        """See Sandbox."""
        return self._session.run_fresh(command, timeout=timeout)

    def restart_shell(self, *, cwd: str) -> None:
        """See Sandbox."""
        self._session.restart_shell(cwd=cwd)

    def path_kind(self, path: str) -> PathKind:
        """See Workspace."""
        return self._session.path_kind(path)

    def read_file(self, path: str) -> bytes:
        """See Workspace."""
        return self._session.read_file(path)

    def write_file(self, path: str, data: bytes) -> None:
        """See Workspace."""
        self._session.write_file(path, data)
