"""The layers that settings come from, lowest first, each as dotted keys with an origin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from cwm_agent.config.trust import TrustedFiles, is_guarded
from cwm_agent.errors import ConfigError
from cwm_agent.parsing import parse_json, parse_toml, parse_yaml

ENVIRONMENT_PREFIX = "CWM_AGENT_"
API_KEY = "CWM_AGENT_API_KEY"
"""The key of served models; no setting, since settings are kept with a run."""
NOT_SETTINGS = frozenset({"CWM_AGENT_DEBUG", API_KEY})
"""Variables with our prefix that switch something else."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Values by dotted key, and where they stand (a file, "environment", "--set", a flag).

    `ignored` are values that stand there without effect, because the folder is not trusted.
    """

    values: Mapping[str, object]
    origins: Mapping[str, str]
    ignored: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConfigFiles:
    """Where settings are looked for; the defaults are those of the running process."""

    system: Path = Path("/etc/cwm-agent/config.toml")
    user: Path = field(
        default_factory=lambda: platformdirs.user_config_path("cwm-agent") / "config.toml"
    )
    project: Path = field(default_factory=Path.cwd)
    trusted: TrustedFiles = field(default_factory=TrustedFiles.of_user)

    def files(self) -> list[Path]:
        """The files that are read when they exist, lowest layer first."""
        return [self.system, self.user, *self.project_files()]

    def project_files(self) -> list[Path]:
        """Those that a checkout may bring."""
        return [self.project / "pyproject.toml", self.project / "cwm-agent.toml"]


def file_layers(places: ConfigFiles, extra: Sequence[Path]) -> Iterator[Layer]:
    """Layers of the files that exist, then of the `--config` files, which must exist."""
    for path in (places.system, places.user):
        if path.is_file():
            yield table_layer(read_table(path), str(path))
    named = {path.absolute() for path in extra}
    for path, layer in project_layers(places).items():
        if places.trusted.holds(path, layer.values) or path.absolute() in named:
            yield layer
        else:
            yield _guarded(layer)
    for path in extra:
        yield table_layer(read_table(path), str(path))


def project_layers(places: ConfigFiles) -> dict[Path, Layer]:
    """What the folder's own files say, trusted or not; raises ConfigError."""
    found = {}
    for path in places.project_files():
        if path.is_file():
            table = read_table(path)
            if path.name == "pyproject.toml":
                table = _tool_table(table, path)
            found[path] = table_layer(table, str(path))
    return found


def _tool_table(table: Mapping[str, object], path: Path) -> dict[str, object]:
    tool = table.get("tool")
    ours = tool.get("cwm-agent", {}) if isinstance(tool, dict) else {}
    if not isinstance(ours, dict):
        raise ConfigError(f"tool.cwm-agent in {path} must be a table of settings")
    return ours


def _guarded(layer: Layer) -> Layer:
    """The layer without the settings that only a trusted folder may set."""
    ignored = {key: value for key, value in layer.values.items() if is_guarded(key)}
    free = {key: value for key, value in layer.values.items() if key not in ignored}
    return Layer(free, layer.origins, ignored)


def read_table(path: Path) -> dict[str, object]:
    """The mapping in a TOML (`.toml`) or YAML (`.yaml`, `.yml`) file; raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(f"there is no configuration file {path}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read configuration file {path}: {error}") from error
    if path.suffix in (".yaml", ".yml"):
        return _parse_yaml(text, path)
    if path.suffix != ".toml":
        raise ConfigError(f"configuration file {path} must end in .toml, .yaml or .yml")
    try:
        return parse_toml(text)
    except ValueError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error


def _parse_yaml(text: str, path: Path) -> dict[str, object]:
    try:
        table = parse_yaml(text)
    except ValueError as error:
        raise ConfigError(f"{path} is not valid YAML: {error}") from error
    if table is None:
        return {}
    if not isinstance(table, dict) or not all(isinstance(key, str) for key in table):
        raise ConfigError(f"{path} must map setting names to values at its top level")
    return table


def environment_layer(environment: Mapping[str, str]) -> Layer:
    """`CWM_AGENT_LIMITS__TURNS=9` sets `limits.turns`."""
    values: dict[str, object] = {}
    origins: dict[str, str] = {}
    for name, text in sorted(environment.items()):
        if name.startswith(ENVIRONMENT_PREFIX) and name not in NOT_SETTINGS:
            key = name.removeprefix(ENVIRONMENT_PREFIX).lower().replace("__", ".")
            values[key] = _value(key, text)
            origins[key] = f"environment variable {name}"
    return Layer(values, origins)


def assignments_layer(assignments: Sequence[str]) -> Layer:
    """`--set limits.turns=9`; raises ConfigError for text without '='."""
    values: dict[str, object] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or not key.strip():
            raise ConfigError(
                f"--set takes KEY=VALUE, such as --set limits.turns=64, not {assignment!r}"
            )
        values[key.strip()] = _value(key.strip(), text.strip())
    return Layer(values, dict.fromkeys(values, "--set"))


def flags_layer(flags: Mapping[str, object]) -> Layer:
    """Options of the command itself by dotted key; None means not given."""
    values = {key: value for key, value in flags.items() if value is not None}
    return Layer(values, dict.fromkeys(values, "command line"))


def table_layer(table: Mapping[str, object], origin: str) -> Layer:
    """The layer of a nested table."""
    values = dict(_flatten(table, ""))
    return Layer(values, dict.fromkeys(values, origin))


def _flatten(table: Mapping[str, object], prefix: str) -> Iterator[tuple[str, object]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _value(key: str, text: str) -> object:
    """Text as a value. Known settings convert themselves; a switch has no declared type."""
    if not key.startswith("switches."):
        return text
    try:
        value: object = parse_json(text)
    except ValueError:
        return text
    return value if isinstance(value, bool | int | float | str) else text
