"""`cwm-agent config`: show, path, init, schema."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import jsonschema

Command = Callable[..., subprocess.CompletedProcess[str]]


def test_show_names_the_origin_of_each_value(cwm_agent: Command, tmp_path: Path) -> None:
    (tmp_path / "cwm-agent.toml").write_text("samples = 4\n")
    shown = cwm_agent("config", "show", "--origin", CWM_AGENT_MODE="faithful").stdout
    rows = {
        line.split(" = ")[0]: [part.strip() for part in line.split(" = ")[1].split("# ")]
        for line in shown.splitlines()
    }
    assert rows["samples"] == ["4", str(tmp_path / "cwm-agent.toml")]
    assert rows["mode"] == ['"faithful"', "environment variable CWM_AGENT_MODE"]
    assert rows["limits.turns"] == ["128", "default"]


def test_show_as_json(cwm_agent: Command) -> None:
    plain = json.loads(cwm_agent("config", "show", "--json").stdout)
    assert plain["limits"]["turns"] == 128
    arguments = ("config", "show", "--json", "--origin", "--set", "limits.turns=5")
    table = json.loads(cwm_agent(*arguments).stdout)
    assert table["limits.turns"] == {"value": 5, "origin": "--set"}


def test_a_wrong_setting_ends_with_2_and_one_line(cwm_agent: Command) -> None:
    done = cwm_agent("config", "show", CWM_AGENT_LIMITS__TRUNS="3")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "error: unknown setting 'limits.truns' = '3' (environment variable "
        "CWM_AGENT_LIMITS__TRUNS); did you mean 'limits.turns'?\n"
    )


def test_init_writes_a_file_once_and_path_lists_it(cwm_agent: Command, tmp_path: Path) -> None:
    assert cwm_agent("config", "init", "--project").stdout == "cwm-agent.toml\n"
    again = cwm_agent("config", "init", "--project")
    assert again.returncode == 2
    assert "--force" in again.stderr
    assert cwm_agent("config", "init", "--project", "--force").returncode == 0
    user = tmp_path / ".config" / "cwm-agent" / "config.toml"
    assert cwm_agent("config", "init").stdout == f"{user}\n"
    files = {row["path"]: row["exists"]
             for row in json.loads(cwm_agent("config", "path", "--json").stdout)}  # fmt: skip
    assert files[str(user)] is True
    assert files[str(tmp_path / "cwm-agent.toml")] is True
    assert files[str(tmp_path / "pyproject.toml")] is False
    assert "pyproject.toml  (absent)\n" in cwm_agent("config", "path").stdout


def test_the_schema_accepts_what_show_prints(cwm_agent: Command) -> None:
    schema = json.loads(cwm_agent("config", "schema").stdout)
    settings = json.loads(cwm_agent("config", "show", "--json").stdout)
    jsonschema.validate(settings, schema)
    assert schema["additionalProperties"] is False


def test_an_unwritable_place_is_one_clear_error(cwm_agent: Command, tmp_path: Path) -> None:
    (tmp_path / ".config").write_text("in the way")
    done = cwm_agent("config", "init")
    assert done.returncode == 2
    assert done.stderr.startswith("error: cannot write ")


def test_trust_applies_what_a_checkout_brings(cwm_agent: Command, tmp_path: Path) -> None:
    assert cwm_agent("config", "trust").returncode == 2
    (tmp_path / "pyproject.toml").write_text("[tool.cwm-agent.sandbox]\nnetwork = true\n")
    shown = cwm_agent("config", "show")
    assert "sandbox.network = false\n" in shown.stdout
    assert "pyproject.toml in this folder sets sandbox.network" in shown.stderr
    assert cwm_agent("config", "trust").stdout == "pyproject.toml: sandbox.network = true\n"
    trusted = cwm_agent("config", "show")
    assert "sandbox.network = true\n" in trusted.stdout
    assert trusted.stderr == ""
    assert cwm_agent("config", "trust", "--revoke").stdout == ""
    assert "sandbox.network = false\n" in cwm_agent("config", "show").stdout
