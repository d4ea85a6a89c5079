"""`cwm-agent prompts`: the texts that the model sees."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from cwm_agent.cli.options import Json

app = typer.Typer(help="List, show and import prompt packs.", no_args_is_help=True)


@app.command("ls")
def list_packs(as_json: Json = False) -> None:
    """List the prompt packs that `--set prompt_pack=NAME` accepts.

    \b
    Example:
      cwm-agent prompts ls
    """
    from cwm_agent.prompts.packs import available, load
    from tools.texts import TextError

    rows = []
    for name, place in available().items():
        try:
            rows.append({"name": name, "hash": load(name).hash, "place": place, "problem": None})
        except TextError as error:
            rows.append({"name": name, "hash": None, "place": place, "problem": str(error)})
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    for row in rows:
        print(
            f"{row['name']:<12}  {row['hash'] or 'unusable':<16}  {row['problem'] or row['place']}"
        )


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Pack name or YAML file.")] = "default",
    key: Annotated[str | None, typer.Option("--key", help="Only this text.")] = None,
    as_json: Json = False,
) -> None:
    """Print a complete pack, ready to be edited into your own.

    \b
    Example:
      cwm-agent prompts show default > mine.yaml
      cwm-agent solve issue.md --repo . --set prompt_pack=./mine.yaml
    """
    from cwm_agent.errors import UsageError
    from cwm_agent.prompts.packs import dump, load

    texts = load(name)
    if key is not None and key not in texts.templates:
        raise UsageError(f"there is no text '{key}'; the keys are: {', '.join(texts.templates)}")
    if as_json:
        chosen = dict(texts.templates) if key is None else {key: texts.templates[key]}
        print(json.dumps({"name": texts.name, "hash": texts.hash, "texts": chosen}, indent=2))
    elif key is not None:
        print(texts.templates[key])
    else:
        print(dump(texts), end="")


@app.command("import")
def import_pack(
    checkout: Annotated[Path, typer.Argument(help="A clone of facebookresearch/cwm.")],
    as_json: Json = False,
) -> None:
    """Import the original texts from a clone of facebookresearch/cwm, without running it.

    \b
    They become the pack `original`. Texts missing from the original keep the
    default's wording.

    \b
    Example:
      git clone https://github.com/facebookresearch/cwm ~/cwm
      cwm-agent prompts import ~/cwm
      cwm-agent solve issue.md --repo . --set prompt_pack=original
    """
    from cwm_agent.prompts.importer import import_original
    from cwm_agent.prompts.packs import load, save

    imported = import_original(checkout, load("default"))
    comment = (
        f"Read from {checkout.resolve()} by `cwm-agent prompts import`.\n"
        "The wording belongs to facebookresearch/cwm and stands under its BSD-3 licence."
    )
    target = save(imported.texts, comment)
    if as_json:
        summary = {
            "name": imported.texts.name,
            "hash": imported.texts.hash,
            "path": str(target),
            "found": imported.found,
            "missing": imported.missing,
        }
        print(json.dumps(summary, indent=2))
        return
    print(target)
    print(f"{len(imported.found)} texts imported, hash {imported.texts.hash}", file=sys.stderr)
    print(f"default wording kept for: {', '.join(imported.missing)}", file=sys.stderr)
