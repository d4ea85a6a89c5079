"""Settings as text: single values, and a file to start from."""

from __future__ import annotations

import tomlkit

from cwm_agent.config.resolve import field_help, resolve
from cwm_agent.config.settings import leaf_keys


def shown_value(value: object) -> str:
    """A setting's JSON value in TOML; an unset one as an empty text."""
    return tomlkit.item("" if value is None else value).as_string()


def template() -> str:
    """A TOML file of all settings, explained, with the defaults commented out."""
    defaults = resolve([]).records()
    lines = ["# Settings of cwm-agent. Remove a '#' to change one."]
    section = ""
    for key in leaf_keys():
        *parents, name = key.split(".")
        if parents and parents[0] != section:
            section = parents[0]
            lines += ["", f"[{section}]"]
        lines += ["", f"# {field_help(key)}", f"#{name} = {shown_value(defaults[key].value)}"]
    lines += ["", "# Single differences between the modes (docs/modes.md).", "[switches]"]
    return "\n".join(lines) + "\n"
