"""Resolves the settings and remembers where each value came from.

Lowest to highest: built-in defaults (in faithful mode, the published ones of
its sandbox above them), /etc, the user's file, the project's
file, `--config` files, `CWM_AGENT_*` variables, `--set`, flags. Layers merge
key by key.
"""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from cwm_agent.config.layers import (
    ConfigFiles,
    Layer,
    assignments_layer,
    environment_layer,
    file_layers,
    flags_layer,
)
from cwm_agent.config.paths import expand
from cwm_agent.config.settings import Settings, leaf_keys
from cwm_agent.errors import ConfigError
from results.records import SettingRecord

DEFAULT = "default"
FAITHFUL = "mode = faithful"
PUBLISHED_PLACE: Mapping[str, object] = {
    "sandbox.memory": "16GiB",
    "sandbox.cpus": 4.0,
    "sandbox.pids": 65536,
    "limits.total_seconds": 7200.0,
}
"""What the published evaluation gives its sandbox, where nothing else is set."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """The settings and, by dotted key, where each value came from."""

    settings: Settings
    origins: Mapping[str, str]

    def records(self) -> dict[str, SettingRecord]:
        """Every setting with its JSON value and origin, for `run.json` and `config show`."""
        dumped = self.settings.model_dump(mode="json")
        keys = [*leaf_keys(), *(f"switches.{name}" for name in self.settings.switches)]
        return {
            key: SettingRecord(_look_up(dumped, key), self.origins.get(key, DEFAULT))
            for key in keys
        }

    def runs_folder(self) -> Path:
        """The folder of the runs, `~` expanded."""
        return expand(self.settings.runs)


def load_settings(
    *,
    config_files: Sequence[Path] = (),
    assignments: Sequence[str] = (),
    flags: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
    places: ConfigFiles | None = None,
    notify: Callable[[str], None] | None = None,
) -> Resolved:
    """Merge all layers and check them.

    `flags` are the command's own options by dotted key (None: not given).
    `notify` (None: standard error) is told what the current folder wanted to set in vain.
    Raises ConfigError that names key, value, origin and, for an unknown key,
    the nearest known one.
    """
    layers = [
        *file_layers(places or ConfigFiles(), config_files),
        environment_layer(os.environ if environment is None else environment),
        assignments_layer(assignments),
        flags_layer(flags or {}),
    ]
    resolved = resolve(layers)
    for layer in layers:
        if layer.ignored:
            (notify or _to_stderr)(_not_trusted(layer))
    if resolved.settings.mode != "faithful":
        return resolved
    return with_defaults(resolved, Layer(PUBLISHED_PLACE, dict.fromkeys(PUBLISHED_PLACE, FAITHFUL)))


def resolve(layers: Sequence[Layer]) -> Resolved:
    """Merge `layers`, the last one winning, and check every value; raises ConfigError."""
    values: dict[str, object] = {}
    origins: dict[str, str] = {}
    known = set(leaf_keys())
    for layer in layers:
        for key, value in [*layer.ignored.items(), *layer.values.items()]:
            if key not in known and not _is_switch(key):
                raise ConfigError(_unknown(key, value, layer.origins[key]))
        for key, value in layer.values.items():
            values[key] = value
            origins[key] = layer.origins[key]
    try:
        settings = Settings.model_validate(_nest(values))
    except ValidationError as error:
        raise ConfigError(_invalid(error, values, origins)) from error
    return Resolved(settings, origins)


def with_defaults(resolved: Resolved, layer: Layer) -> Resolved:
    """The same settings with `layer` put just above the built-in defaults."""
    records = resolved.records()
    own = {key: record for key, record in records.items() if record.origin != DEFAULT}
    return resolve([layer, _layer_of(own)])


def recorded(
    records: Mapping[str, SettingRecord], flags: Mapping[str, object] | None = None
) -> Resolved:
    """The settings that a run was made with, as its `run.json` holds them; raises ConfigError.

    `flags` (None: not given) are put above them.
    """
    return resolve([_layer_of(records), flags_layer(flags or {})])


def _not_trusted(layer: Layer) -> str:
    name = Path(next(iter(layer.origins.values()))).name
    return (
        f"notice: {name} in this folder sets {', '.join(layer.ignored)}: not applied, as a "
        "repository could open ways out by it. If you know the file, `cwm-agent config trust` "
        "applies it from now on"
    )


def _to_stderr(text: str) -> None:
    print(text, file=sys.stderr)


def _layer_of(records: Mapping[str, SettingRecord]) -> Layer:
    values = {key: record.value for key, record in records.items()}
    origins = {key: record.origin for key, record in records.items()}
    return Layer(values, origins)


def _is_switch(key: str) -> bool:
    section, dot, name = key.partition(".")
    return section == "switches" and bool(dot) and bool(name) and "." not in name


def _unknown(key: str, value: object, origin: str) -> str:
    known = leaf_keys()
    near = max(known, key=lambda name: _likeness(key, name))
    sections = {name.split(".")[0] for name in known if "." in name} | {"switches"}
    if key in sections:
        hint = f"it is a section; set one of its keys, such as {key}.KEY"
    elif _likeness(key, near) > 0.6:
        hint = f"did you mean '{near}'?"
    else:
        hint = "`cwm-agent config show` lists all settings"
    return f"unknown setting '{key}' = {value!r} ({origin}); {hint}"


def _likeness(key: str, known: str) -> float:
    """From 0 to 1; a right name in the wrong section counts too."""
    whole = difflib.SequenceMatcher(None, key, known).ratio()
    last = difflib.SequenceMatcher(None, key.split(".")[-1], known.split(".")[-1]).ratio()
    return max(whole, last)


def _invalid(
    error: ValidationError, values: Mapping[str, object], origins: Mapping[str, str]
) -> str:
    messages: dict[str, str] = {}
    for problem in error.errors(include_url=False, include_context=False):
        path = ".".join(map(str, problem["loc"]))
        key = next((key for key in values if path == key or path.startswith(f"{key}.")), path)
        reason = problem["msg"][:1].lower() + problem["msg"][1:]
        value, origin = values.get(key), origins.get(key, DEFAULT)
        messages.setdefault(key, f"setting '{key}' = {value!r} ({origin}): {reason}")
    return "; ".join(messages.values())


def _nest(values: Mapping[str, object]) -> dict[str, object]:
    nested: dict[str, object] = {}
    for key, value in values.items():
        *sections, name = key.split(".")
        table = nested
        for section in sections:
            table = table.setdefault(section, {})  # type: ignore[assignment]
        table[name] = value
    return nested


def _look_up(table: Mapping[str, object], key: str) -> object:
    value: object = table
    for part in key.split("."):
        assert isinstance(value, Mapping)
        value = value[part]
    return value


def field_help(key: str) -> str:
    """The help text of a setting."""
    section: type[BaseModel] = Settings
    *parents, name = key.split(".")
    for parent in parents:
        kind = section.model_fields[parent].annotation
        assert isinstance(kind, type)
        assert issubclass(kind, BaseModel)
        section = kind
    return section.model_fields[name].description or ""
