"""`cwm-agent score --on ray` grades as `score` does, on nodes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers import Batch

from cwm_agent.cluster.grading import NodeAffinity

from ...envs.graded import BUGGY, NAMES, Greetings, greetings_image


def test_patches_of_an_image_keep_to_a_node_until_it_is_much_busier() -> None:
    affinity, nodes = NodeAffinity(), {"a": "one", "b": "two"}
    with affinity.node("x", nodes) as first, affinity.node("x", nodes) as second:
        assert first == second == "a"
        with affinity.node("y", nodes) as other, affinity.node("x", nodes) as third:
            assert (other, third) == ("b", "a")
    with affinity.node("x", {"b": "two"}) as left:
        assert left == "b"


@pytest.mark.docker
@pytest.mark.slow
def test_verdicts_are_those_of_one_machine(batch: Batch, cluster: Any, tmp_path: Path) -> None:
    greetings = Greetings(tmp_path / "greetings")
    with greetings_image(greetings, tmp_path / "state") as image:
        rows = [greetings.row(name, image) for name in NAMES]
        (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        right, wrong = (
            greetings.fix("greet"),
            greetings.patch("greet.py", BUGGY.replace("'Bye '", "'Bye'")),
        )
        for name in ("here", "far"):
            lines = [
                json.dumps({"instance_id": i, "model_name_or_path": "m", "model_patch": patch})
                for i, patch in zip(NAMES.values(), (right, wrong), strict=True)
            ]
            (tmp_path / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
        common = ("--dataset", "rows.jsonl", "--workers", 2, "--json")
        here = json.loads(batch("score", "here.jsonl", *common)[0])
        far = json.loads(batch("score", "far.jsonl", *common, "--on", "ray")[0])
    for report in (here, far):
        for line in report["lines"]:
            assert (tmp_path / report["folder"] / line["log"]).is_dir()
            del line["log"], line["grading_seconds"]
    assert far["lines"] == here["lines"]
    assert [line["outcome"] for line in far["lines"]] == ["resolved", "unresolved"]
    assert not list(tmp_path.glob("far-scores/.seen-*"))
