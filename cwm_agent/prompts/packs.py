"""Load and check prompt packs: YAML files that map each text's key to its template."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from string import Formatter

import platformdirs
import yaml

from cwm_agent.parsing import parse_yaml
from cwm_agent.prompts.schema import NEEDED, TEXTS, WORDING
from tools.texts import TextError, Texts

BUILT_IN = ("default", "nano")
SHARED = ("scaling.yaml", "reasoning.yaml")


def user_folder() -> Path:
    """Where imported and own packs live, for instance ~/.config/cwm-agent/prompts."""
    return Path(platformdirs.user_config_dir("cwm-agent")) / "prompts"


def load(name_or_path: str, *, folder: Path | None = None) -> Texts:
    """A built-in pack, one of the user's packs by name, or a file; raises TextError.

    A name with a slash or ending in .yaml or .yml is a path.
    """
    if "/" in name_or_path or name_or_path.endswith((".yaml", ".yml")):
        path = Path(name_or_path)
        return _parse(path.stem, _read(path), str(path))
    if name_or_path in BUILT_IN:
        source = resources.files("cwm_agent.prompts").joinpath(f"{name_or_path}.yaml")
        return _parse(name_or_path, source.read_text("utf-8"), f"{name_or_path}.yaml")
    path = (folder or user_folder()) / f"{name_or_path}.yaml"
    if not path.is_file():
        raise TextError(
            f"there is no prompt pack '{name_or_path}'; {_remedy(name_or_path, folder)}"
        )
    return _parse(name_or_path, _read(path), str(path))


def available(*, folder: Path | None = None) -> dict[str, str]:
    """Names of all packs and where each comes from."""
    found = dict.fromkeys(BUILT_IN, "built in")
    for path in sorted((folder or user_folder()).glob("*.yaml")):
        found.setdefault(path.stem, str(path))
    return found


def dump(texts: Texts) -> str:
    """The pack as YAML that `load` reads back to the same texts."""
    return yaml.dump(
        dict(texts.templates), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=2**20
    )


def save(texts: Texts, comment: str, *, folder: Path | None = None) -> Path:
    """Write a pack under its name among the user's, replacing one; raises TextError."""
    target = (folder or user_folder()) / f"{texts.name}.yaml"
    heading = "".join(f"# {line}\n" for line in comment.splitlines())
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = target.with_suffix(".tmp")
        scratch.write_text(f"{heading}\n{dump(texts)}", "utf-8")
        scratch.replace(target)
    except OSError as error:
        raise TextError(f"cannot write the prompt pack {target}: {error.strerror}") from error
    return target


def problems(templates: dict[str, object]) -> list[str]:
    """Everything that keeps `templates` from being a complete pack, one sentence each."""
    found = [f"text '{key}' is missing" for key in TEXTS if key not in templates]
    for key, template in templates.items():
        if key not in TEXTS:
            found.append(f"text '{key}' is unknown")
        elif not isinstance(template, str):
            found.append(f"text '{key}' is not a string; put it in quotes")
        else:
            found += _template_problems(key, template)
    return found


def _template_problems(key: str, template: str) -> list[str]:
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        return [f"text '{key}' has a stray brace ({error}); write literal braces twice"]
    used = {field for _, field, _, _ in parts if field is not None}
    found = [
        f"text '{key}' uses {{{name}}}; it may use {', '.join(TEXTS[key]) or 'no variable'}"
        for name in sorted(used - set(TEXTS[key]))
    ]
    if any(form or conversion for _, _, form, conversion in parts):
        found.append(f"text '{key}' formats a variable; only plain {{name}} is allowed")
    found += [
        f"text '{key}' has to use {{{name}}}" for name in NEEDED.get(key, ()) if name not in used
    ]
    return found


def _parse(name: str, source: str, where: str) -> Texts:
    try:
        content = parse_yaml(source)
    except ValueError as error:
        raise TextError(f"{where} is not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise TextError(f"{where} is not a prompt pack: it has to map text keys to templates")
    templates: dict[str, object] = {str(key): value for key, value in content.items()}
    complete = {**WORDING, **_shared(), **templates}
    if found := problems(complete):
        more = f" (and {len(found) - 1} more problems)" if len(found) > 1 else ""
        raise TextError(
            f"{where} is not a complete prompt pack: {found[0]}{more}; "
            "`cwm-agent prompts show default` prints a complete one"
        )
    return Texts(name, {key: str(complete[key]) for key in TEXTS})


def _shared() -> dict[str, object]:
    """Texts that every pack may leave to us."""
    texts: dict[str, object] = {}
    for name in SHARED:
        source = resources.files("cwm_agent.prompts").joinpath(name).read_text("utf-8")
        shared = parse_yaml(source)
        assert isinstance(shared, dict)
        texts |= {str(key): value for key, value in shared.items()}
    return texts


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TextError(f"cannot read the prompt pack {path}: {error}") from error


def _remedy(name: str, folder: Path | None) -> str:
    if name == "original":
        return (
            "make it with `cwm-agent prompts import CHECKOUT` from a clone of facebookresearch/cwm"
        )
    return f"there are: {', '.join(available(folder=folder))}"


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as literal blocks, which people can read and edit."""


def _literal(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _literal)
