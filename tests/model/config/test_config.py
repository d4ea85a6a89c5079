"""What a config.json may say, and what is said about one that is wrong."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from model.config.config import Llama3Scaling, ModelConfig, parse_config, read_config
from model.config.rope import inverse_frequencies
from model.errors import CheckpointError, ConfigError

LLAMA: dict[str, Any] = {
    "model_type": "llama",
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "vocab_size": 100,
    "max_position_embeddings": 128,
    "rms_norm_eps": 1e-6,
}
SCALING = {
    "rope_type": "llama3",
    "factor": 16.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}
CWM: dict[str, Any] = LLAMA | {
    "model_type": "cwm",
    "num_key_value_heads": 2,
    "head_dim": 128,
    "layer_types": ["full_attention", "sliding_attention"],
    "sliding_window": 16,
    "rope_parameters": SCALING | {"rope_theta": 1e6},
    "eos_token_id": [1, 8, 9],
}


def test_a_cwm_config() -> None:
    config = parse_config(CWM)
    assert config.windows == (None, 16)
    assert (config.heads, config.kv_heads, config.head_dim) == (4, 2, 128)
    assert config.rope_theta == 1e6
    assert config.rope_scaling == Llama3Scaling(16.0, 1.0, 4.0, 8192)
    assert config.eos_ids == (1, 8, 9)


def test_the_old_rope_keys_mean_the_same() -> None:
    old = {key: value for key, value in CWM.items() if key != "rope_parameters"}
    named_type = {("type" if key == "rope_type" else key): value for key, value in SCALING.items()}
    for scaling in (SCALING, named_type):
        assert parse_config(old | {"rope_theta": 1e6, "rope_scaling": scaling}) == parse_config(CWM)


def test_a_plain_llama_config_takes_the_defaults_of_its_format() -> None:
    config = parse_config(LLAMA)
    assert config.windows == (None, None)
    assert (config.kv_heads, config.head_dim, config.rope_theta) == (4, 8, 10_000.0)
    assert config.rope_scaling is None
    assert not config.tied_embeddings
    assert config.eos_ids == ()


def test_the_published_shape_under_the_llama_name_keeps_its_windows() -> None:
    config = parse_config(CWM | {"model_type": "llama"})
    assert config.windows == (None, 16)


WRONG = [
    ({"model_type": "mamba"}, ["model_type", "'mamba'", "'cwm' or 'llama'"]),
    ({"model_type": None}, ["model_type is missing"]),
    ({"hidden_size": -4}, ["hidden_size", "-4", "at least 1"]),
    ({"hidden_size": "32"}, ["hidden_size", "'32'", "whole number"]),
    ({"hidden_size": True}, ["hidden_size", "True", "whole number"]),
    ({"vocab_size": None}, ["vocab_size is missing"]),
    ({"num_key_value_heads": 3}, ["num_key_value_heads", "3", "divisor", "4"]),
    ({"head_dim": 7}, ["head_dim", "7", "even"]),
    ({"rms_norm_eps": 0}, ["rms_norm_eps", "above 0"]),
    ({"rms_norm_eps": math.nan}, ["rms_norm_eps", "finite"]),
    ({"layer_types": None}, ["layer_types is missing", "2 entries"]),
    ({"layer_types": ["full_attention"]}, ["layer_types", "num_hidden_layers (2)"]),
    ({"layer_types": ["full_attention", "chunked"]}, ["layer_types", "chunked"]),
    ({"layer_types": [["full_attention"], []]}, ["layer_types", "sliding_attention"]),
    ({"sliding_window": None}, ["sliding_window is missing"]),
    ({"sliding_window": 0}, ["sliding_window", "0"]),
    ({"rope_parameters": [1]}, ["rope_parameters", "an object"]),
    ({"rope_parameters": SCALING}, ["rope_theta is missing"]),
    ({"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e6}}, ["rope_type", "'yarn'"]),
    (
        {"rope_parameters": SCALING | {"rope_theta": 1e6, "factor": "16"}},
        ["rope_parameters: factor", "'16'"],
    ),
    (
        {"rope_parameters": SCALING | {"rope_theta": 1e6, "high_freq_factor": 1.0}},
        ["high_freq_factor", "more than"],
    ),
    ({"hidden_act": "gelu"}, ["hidden_act", "'gelu'", "'silu'"]),
    ({"attention_bias": True}, ["attention_bias", "False".lower()]),
    ({"tie_word_embeddings": "no"}, ["tie_word_embeddings", "'no'", "true or false"]),
    ({"eos_token_id": [1, 100]}, ["eos_token_id", "0 to 99"]),
    ({"quantization_config": {"bits": 4}}, ["quantization_config"]),
    ({"torch_dtype": "int8"}, ["torch_dtype", "'int8'", "'bfloat16'"]),
]


@pytest.mark.parametrize(("change", "said"), WRONG, ids=[next(iter(c)) for c, _ in WRONG])
def test_a_wrong_value_is_named_with_what_was_expected(
    change: dict[str, Any], said: list[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(CWM | change, source="here/config.json")
    assert str(caught.value).startswith("here/config.json: ")
    assert [text for text in said if text not in str(caught.value)] == []


def test_a_window_without_a_pattern_is_not_guessed() -> None:
    with pytest.raises(ConfigError, match="layer_types is missing"):
        parse_config(LLAMA | {"sliding_window": 8192})


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "is missing"), ("{", "download"), ("[]", "no JSON object"), ("\udcff", "cannot read")],
)
def test_an_unreadable_file_is_named(tmp_path: Path, content: str | None, said: str) -> None:
    path = tmp_path / "config.json"
    if content is not None:
        path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises((CheckpointError, ConfigError), match=said) as caught:
        read_config(tmp_path)
    assert str(path) in str(caught.value)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no checkpoint folder .*nowhere"):
        read_config(tmp_path / "nowhere")


def published() -> ModelConfig:
    return parse_config(CWM | {"rope_parameters": SCALING | {"rope_theta": 1e6}})


def test_llama3_scaling_slows_only_long_wavelengths() -> None:
    """Wavelength 2 pi / f: below 2048 unchanged, above 8192 divided by 16, blended between."""
    scaled = inverse_frequencies(published()).tolist()
    plain = [1e6 ** (-2 * i / 128) for i in range(64)]
    kinds = set()
    for fast, slow in zip(plain, scaled, strict=True):
        wavelength = 2 * math.pi / fast
        if wavelength < 2048:
            expected, kind = fast, "kept"
        elif wavelength > 8192:
            expected, kind = fast / 16, "slowed"
        else:
            weight = (8192 / wavelength - 1) / (4 - 1)
            expected, kind = weight * fast + (1 - weight) * fast / 16, "blended"
        kinds.add(kind)
        assert slow == pytest.approx(expected, rel=1e-5)
    assert kinds == {"kept", "slowed", "blended"}
