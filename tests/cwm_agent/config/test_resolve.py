"""Layers of settings: which one wins, where a value came from, what is refused."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from cwm_agent.config.layers import ConfigFiles, table_layer
from cwm_agent.config.resolve import Resolved, field_help, load_settings, resolve
from cwm_agent.config.settings import Settings, leaf_keys
from cwm_agent.config.template import template
from cwm_agent.config.trust import TrustedFiles
from cwm_agent.errors import ConfigError
from results.records import SettingRecord
from tools.registry import PUBLISHED_TOOLS


@pytest.fixture
def places(tmp_path: Path) -> ConfigFiles:
    (tmp_path / "project").mkdir()
    trusted = TrustedFiles(tmp_path / "trusted.json")
    return ConfigFiles(tmp_path / "etc.toml", tmp_path / "user.toml", tmp_path / "project", trusted)


def load(places: ConfigFiles, **layers: Any) -> Resolved:
    return load_settings(places=places, **({"environment": {}} | layers))


def test_every_layer_overrides_those_below_it(places: ConfigFiles, tmp_path: Path) -> None:
    extra, more = tmp_path / "extra.toml", tmp_path / "more.yaml"
    assert load(places).settings.limits.turns == 128
    for turns, path, text in (
        (1, places.system, "[limits]\nturns = {}"),
        (2, places.user, "[limits]\nturns = {}"),
        (3, places.project / "pyproject.toml", "[tool.cwm-agent.limits]\nturns = {}"),
        (4, places.project / "cwm-agent.toml", "[limits]\nturns = {}"),
        (5, extra, "[limits]\nturns = {}"),
        (6, more, "limits:\n  turns: {}"),
    ):
        path.write_text(text.format(turns))
        resolved = load(places, config_files=[file for file in (extra, more) if file.exists()])
        assert resolved.settings.limits.turns == turns
        assert resolved.origins["limits.turns"] == str(path)
    layers: dict[str, Any] = {"config_files": [extra, more]}
    for turns, origin, layer in (
        (7, "environment variable CWM_AGENT_LIMITS__TURNS",
         {"environment": {"CWM_AGENT_LIMITS__TURNS": "7", "CWM_AGENT_DEBUG": "1", "HOME": "/"}}),
        (8, "--set", {"assignments": ["limits.turns=9", "limits.turns = 8"]}),
        (10, "command line", {"flags": {"limits.turns": 10, "samples": None}}),
    ):  # fmt: skip
        layers |= layer
        resolved = load(places, **layers)
        assert resolved.settings.limits.turns == turns
        assert resolved.origins["limits.turns"] == origin
    assert resolved.records()["limits.turns"] == SettingRecord(10, "command line")
    assert resolved.records()["samples"] == SettingRecord(1, "default")


def test_layers_merge_key_by_key(places: ConfigFiles) -> None:
    places.user.write_text("samples = 3\n[sandbox]\npids = 100\n[switches]\nhide_future = true\n")
    (places.project / "cwm-agent.toml").write_text('[sandbox]\nmemory = "2GiB"\n')
    places.trusted.trust({places.project / "cwm-agent.toml": {"sandbox.memory": "2GiB"}})
    resolved = load(places, environment={"CWM_AGENT_SWITCHES__EDIT": "false"})
    assert resolved.settings.samples == 3
    assert resolved.settings.sandbox.pids == 100
    assert resolved.settings.sandbox.memory == 2 * 2**30
    assert resolved.settings.switches == {"hide_future": True, "edit": False}
    assert resolved.records()["switches.edit"].value is False


def test_an_empty_text_unsets(places: ConfigFiles) -> None:
    places.user.write_text('model = "/models/cwm"\n[limits]\ntotal_seconds = 5\n')
    resolved = load(places, assignments=["model=", "limits.total_seconds="])
    assert resolved.settings.model is None
    assert resolved.settings.limits.total_seconds is None


def test_faithful_mode_brings_the_published_place_below_what_is_set(places: ConfigFiles) -> None:
    places.user.write_text('mode = "faithful"\n[sandbox]\npids = 100\n')
    resolved = load(places)
    settings = resolved.settings
    assert (settings.sandbox.memory, settings.sandbox.cpus) == (16 * 2**30, 4.0)
    assert (settings.sandbox.pids, settings.limits.total_seconds) == (100, 7200.0)
    assert resolved.origins["sandbox.memory"] == "mode = faithful"
    assert load(places, assignments=["limits.total_seconds="]).settings.limits.total_seconds is None
    assert load(places, assignments=["mode=improved"]).settings.sandbox.memory == 4 * 2**30


def test_the_tools_are_all_or_the_published_two(places: ConfigFiles) -> None:
    assert load(places).settings.tools == PUBLISHED_TOOLS
    two = load(places, assignments=["tools=submit,bash"])
    assert two.settings.tools == ("bash", "submit")
    assert two.records()["tools"].value == ["bash", "submit"]
    for wrong in ("tools=bash", "tools=bash,submit,sed"):
        with pytest.raises(ConfigError, match="setting 'tools"):
            load(places, assignments=[wrong])


def test_allowed_hosts_are_a_list_or_a_text(places: ConfigFiles) -> None:
    places.user.write_text('[sandbox]\nallow_hosts = ["example.com", "*.example.net"]\n')
    listed = load(places)
    assert listed.settings.sandbox.allow_hosts == ("example.com", "*.example.net")
    text = load(places, assignments=["sandbox.allow_hosts=a.org, b.org:81"])
    assert text.settings.sandbox.allow_hosts == ("a.org", "b.org:81")
    assert load(places, assignments=["sandbox.allow_hosts="]).settings.sandbox.allow_hosts == ()


def test_all_hosts_and_a_list_of_hosts_exclude_each_other(places: ConfigFiles) -> None:
    with pytest.raises(ConfigError, match="network = true opens all hosts"):
        load(places, assignments=["sandbox.network=true", "sandbox.allow_hosts=a.org"])


@pytest.mark.parametrize(
    ("assignment", "complaint"),
    [
        ("limits.turnes=3", "unknown setting 'limits.turnes' = '3' (--set); "
         "did you mean 'limits.turns'?"),
        ("turns=3", "did you mean 'limits.turns'?"),
        ("limits=3", "it is a section; set one of its keys, such as limits.KEY"),
        ("colour=3", "`cwm-agent config show` lists all settings"),
        ("switches.a.b=3", "unknown setting 'switches.a.b'"),
        ("limits.turns=many", "setting 'limits.turns' = 'many' (--set): input should be a valid "
         "integer"),
        ("limits.turns=0", "setting 'limits.turns' = '0' (--set): input should be greater than or "
         "equal to 1"),
        ("sampling.temperature=nan", "setting 'sampling.temperature' = 'nan' (--set)"),
        ("mode=strict", "input should be 'improved' or 'faithful'"),
        ("device=gpu", "setting 'device' = 'gpu' (--set)"),
        ("sandbox.allow_hosts=example.com,10.0.0.1", "'10.0.0.1' is an address"),
        ("limits.turns", "--set takes KEY=VALUE"),
        ("=3", "--set takes KEY=VALUE"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_refused_with_key_value_and_origin(
    places: ConfigFiles, assignment: str, complaint: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(places, assignments=[assignment])
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_all_wrong_values_are_named_at_once(places: ConfigFiles) -> None:
    places.user.write_text('samples = "x"\n')
    with pytest.raises(ConfigError) as caught:
        load(places, environment={"CWM_AGENT_LIMITS__TURNS": "y"})
    assert f"'samples' = 'x' ({places.user})" in str(caught.value)
    assert "(environment variable CWM_AGENT_LIMITS__TURNS)" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("a.toml", "samples = ", "is not valid TOML"),
        ("a.yaml", "a: [", "is not valid YAML"),
        ("a.yaml", "- 1\n", "must map setting names"),
        ("a.yaml", "1: 2\n", "must map setting names"),
        ("a.json", "{}", "must end in .toml, .yaml or .yml"),
        ("a.toml", "\udcff", "cannot read configuration file"),
    ],
)
def test_an_unreadable_file_is_named(
    places: ConfigFiles, tmp_path: Path, name: str, text: str, complaint: str
) -> None:
    (tmp_path / name).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ConfigError) as caught:
        load(places, config_files=[tmp_path / name])
    assert complaint in str(caught.value)
    assert str(tmp_path / name) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_config_file_that_was_asked_for_must_exist(places: ConfigFiles, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no configuration file"):
        load(places, config_files=[tmp_path / "absent.toml"])


def test_an_empty_yaml_file_sets_nothing(places: ConfigFiles, tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("# nothing yet\n")
    assert load(places, config_files=[tmp_path / "empty.yaml"]).settings == Settings()


def test_every_setting_is_explained() -> None:
    assert [key for key in leaf_keys() if not field_help(key)] == []


def test_the_template_sets_nothing_and_uncommented_it_sets_the_defaults() -> None:
    assert resolve([table_layer(tomllib.loads(template()), "t")]).settings == Settings()
    lines = [line.removeprefix("#") if line[1:2].isalpha() else line
             for line in template().splitlines()]  # fmt: skip
    resolved = resolve([table_layer(tomllib.loads("\n".join(lines)), "t")])
    assert resolved.settings == Settings()
    assert sorted(resolved.origins) == sorted(leaf_keys())
