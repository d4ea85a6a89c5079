"""The command `serve`: from its options to a server that runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cwm_agent.config.layers import Layer
from cwm_agent.config.resolve import Resolved, load_settings, with_defaults
from cwm_agent.errors import UsageError
from cwm_agent.policies import bundled
from cwm_agent.policies.choose import find_checkpoint
from cwm_agent.prompts.packs import load
from cwm_agent.server.chat.headers import RULES
from cwm_agent.server.guard.keys import read_keys
from cwm_agent.server.options import ServeOptions


@dataclass(frozen=True, slots=True)
class ServeCommand:
    """The options of the command, as given; see ServeOptions."""

    model: str | None = None
    name: str | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    keys: Path | None = None
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    requests: int = 512
    requests_per_key: int = 256
    keep: int = 1024
    normalize: str = ",".join(RULES)
    drain_seconds: float = 300.0


def run_serve(
    command: ServeCommand,
    *,
    config_files: Sequence[Path],
    assignments: Sequence[str],
    say: Callable[[str], None],
) -> None:
    """Serve until a signal. Raises UsageError, NotReadyError, ModelError."""
    try:
        from cwm_agent.server.running import serve
    except ImportError as error:
        raise UsageError("serve needs the extra `serve`: pip install 'cwm-agent[serve]'") from error
    resolved = load_settings(
        config_files=config_files, assignments=assignments, flags={"model": command.model}
    )
    settings = served_settings(resolved).settings
    options = options_of(command, find_checkpoint(settings.model or bundled.NAME))
    say(f"loading the checkpoint {options.folder}")
    asyncio.run(serve(options, settings, load(settings.prompt_pack), say))


def served_settings(resolved: Resolved) -> Resolved:
    """With what the bundled model needs, where it is the one that is served."""
    if resolved.settings.model not in (None, bundled.NAME):
        return resolved
    origins = dict.fromkeys(bundled.SETTINGS, bundled.ORIGIN)
    return with_defaults(resolved, Layer(bundled.SETTINGS, origins))


def options_of(command: ServeCommand, folder: Path) -> ServeOptions:
    """What the server needs to know; raises UsageError and NotReadyError."""
    rules = tuple(name for name in command.normalize.split(",") if name not in ("", "none"))
    if unknown := set(rules) - set(RULES):
        raise UsageError(
            f"--normalize: there is no rule {', '.join(sorted(unknown))}; say none, or some of "
            f"{', '.join(RULES)}"
        )
    keys = read_keys(command.keys) if command.keys else ()
    if not keys and not _is_local(command.host):
        raise UsageError(
            f"--host {command.host} can be reached from elsewhere; give API keys with --keys FILE"
        )
    bundled_folder = folder == bundled.folder()
    return ServeOptions(
        folder=folder,
        name=command.name or (bundled.NAME if bundled_folder else folder.resolve().name),
        host=command.host,
        port=command.port,
        keys=keys,
        hosts=command.hosts,
        origins=command.origins,
        requests=command.requests,
        requests_per_key=command.requests_per_key,
        keep=command.keep,
        normalize=rules,
        drain_seconds=command.drain_seconds,
    )


def _is_local(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")
