"""Prompt packs: complete or refused."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
import yaml

from cwm_agent.prompts.packs import available, dump, load, problems, save
from cwm_agent.prompts.schema import NEEDED, TEXTS
from envs.issue.goal import PATCH, STATE
from envs.testgen.environment import TEST
from tools.errors import CallErrorKind
from tools.registry import TOOLS
from tools.texts import TextError, Texts

ROOT = Path(__file__).parents[3]


def rendered_texts() -> Iterator[tuple[str, frozenset[str]]]:
    """Key and variables of every text that the code of tools, environments and server names."""
    for room in ("tools", "envs", "cwm_agent/attempt", "cwm_agent/server"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if not isinstance(node, ast.Call):
                    continue
                called = ast.unparse(node.func)
                first = node.args[0] if node.args else None
                if not isinstance(first, ast.Constant):
                    continue
                names = frozenset(word.arg for word in node.keywords if word.arg)
                if called.endswith("texts.render"):
                    yield first.value, names
                elif called == "CallError":
                    yield f"format.{first.value}", names


def test_the_schema_is_what_the_code_uses() -> None:
    used = dict(rendered_texts()) | {spec.text_key: frozenset() for spec in TOOLS}
    for goal in (PATCH, STATE, TEST):  # their texts are rendered by the key that they hold
        used[goal.text] = frozenset({"issue", "repo_root"})
    assert {key: set(names) for key, names in used.items()} == {
        key: set(names) for key, names in TEXTS.items()
    }


def test_every_kind_of_call_error_has_a_text() -> None:
    kinds = {key.removeprefix("format.") for key in TEXTS if key.startswith("format.")}
    assert kinds - {"reply_cut"} == set(get_args(CallErrorKind))


def test_the_default_pack_is_complete() -> None:
    texts = load("default")
    assert problems(dict(texts.templates)) == []
    assert list(texts.templates) == list(TEXTS)


def test_a_pack_survives_printing_and_saving(tmp_path: Path) -> None:
    texts = Texts("mine", {**load("default").templates, "bash.lost": "  {{ö}}\n\n gone: \t# "})
    assert yaml.safe_load(dump(texts)) == dict(texts.templates)
    path = save(texts, "my own\nwords", folder=tmp_path)
    assert load("mine", folder=tmp_path).hash == texts.hash == load(str(path)).hash
    built_in = {"default": "built in", "nano": "built in"}
    assert available(folder=tmp_path) == {**built_in, "mine": str(path)}


@pytest.mark.parametrize(
    ("key", "text", "problem"),
    [
        ("bash.lost", None, "text 'bash.lost' is missing"),
        ("bash.lots", "x", "text 'bash.lots' is unknown"),
        ("bash.lost", 3, "not a string"),
        ("bash.lost", "{path}", "uses {path}; it may use no variable"),
        ("edit.missing", "{path.__class__}", "it may use path"),
        ("edit.missing", "{path!r}", "only plain {name}"),
        ("edit.missing", "{path:>9}", "only plain {name}"),
        ("edit.missing", "{}", "uses {}"),
        ("edit.missing", "{path", "stray brace"),
        ("task.issue", "Fix it in {repo_root}", "has to use {issue}"),
    ],
)
def test_an_incomplete_pack_is_refused_with_the_reason(
    tmp_path: Path, key: str, text: object, problem: str
) -> None:
    templates: dict[str, object] = {**load("default").templates, key: text}
    if text is None:
        del templates[key]
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(templates))
    with pytest.raises(TextError) as caught:
        load(str(path))
    assert problem in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", ["- a\n- b\n", "a: [", "", "\xff\xfe"])
def test_what_is_no_pack_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(TextError, match=r"bad\.yaml"):
        load(str(path))


def test_unknown_packs_name_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(TextError, match="there are: default"):
        load("fancy", folder=tmp_path)
    with pytest.raises(TextError, match="prompts import CHECKOUT"):
        load("original", folder=tmp_path)
    with pytest.raises(TextError, match="cannot read"):
        load(str(tmp_path / "absent.yaml"))


def test_needed_variables_are_allowed_ones() -> None:
    assert all(set(names) <= set(TEXTS[key]) for key, names in NEEDED.items())
