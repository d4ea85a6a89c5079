"""Writing a model's shape: `config.json` for transformers, `params.json` for the original code."""

from __future__ import annotations

from typing import Any

from model.config.config import FULL, SLIDING, ModelConfig
from model.errors import ConfigError


def to_config_json(config: ModelConfig, dtype: str) -> dict[str, Any]:
    """`config.json` in the form of transformers 5, from which `parse_config` gives `config` again.

    Raises ConfigError for windows that the format cannot express.
    """
    windows = {window for window in config.windows if window is not None}
    if len(windows) > 1:
        raise ConfigError(
            f"the layers have windows of {sorted(windows)} tokens; config.json knows only one size"
        )
    kinds = [FULL if window is None else SLIDING for window in config.windows]
    rope: dict[str, Any] = {"rope_type": "default", "rope_theta": config.rope_theta}
    if (scaling := config.rope_scaling) is not None:
        rope |= {
            "rope_type": "llama3",
            "factor": scaling.factor,
            "low_freq_factor": scaling.low_freq_factor,
            "high_freq_factor": scaling.high_freq_factor,
            "original_max_position_embeddings": scaling.original_context,
        }
    cwm = config.model_type == "cwm"
    return {
        "architectures": ["CwmForCausalLM" if cwm else "LlamaForCausalLM"],
        "model_type": config.model_type,
        "dtype": dtype,
        "hidden_act": "silu",
        "hidden_size": config.hidden,
        "intermediate_size": config.intermediate,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.kv_heads,
        "head_dim": config.head_dim,
        "vocab_size": config.vocabulary,
        "max_position_embeddings": config.context,
        "rms_norm_eps": config.norm_eps,
        "layer_types": kinds,
        "sliding_window": next(iter(windows), None),
        "rope_parameters": rope,
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": config.tied_embeddings,
        "bos_token_id": config.bos_id,
        "eos_token_id": list(config.eos_ids) or None,
    }


def to_params_json(config: ModelConfig) -> dict[str, Any]:
    """`params.json` from which `parse_params` gives `config` again, without token ids and format.

    The original code checks types: a whole number in a field of its own type, never 16.0. It
    takes `tokenizer.model` from the same folder where no path is given, and knows CWM's control
    tokens by the name `cwm_instruct`. Raises ConfigError for what it cannot express.
    """
    if config.tied_embeddings:
        raise ConfigError("a distributed checkpoint of CWM cannot have tied embeddings")
    scaling = config.rope_scaling
    base = int(8 * config.hidden / 3)
    model = {
        "dim": config.hidden,
        "n_layers": config.layers,
        "n_heads": config.heads,
        "n_kv_heads": config.kv_heads,
        "head_dim": config.head_dim,
        "max_seq_len": config.context,
        "vocab_size": config.vocabulary,
        "ffn_exp": 4,
        # The width is rounded down from a product; half a unit more keeps it off the edge.
        "ffn_dim_multiplier": (config.intermediate + 0.5) / base,
        "multiple_of": 1,
        "norm_eps": config.norm_eps,
        "pos_embed_impl": "rope" if scaling is None else "scaled_rope",
        "rope_theta": config.rope_theta,
        "window_attn": _window_fields(config.windows),
        "weight_tying": False,
        "qkv_biases": False,
    }
    if scaling is not None:
        model["scaled_rope"] = {
            "scale_factor": _whole("factor", scaling.factor),
            "old_context_len": scaling.original_context,
            "low_freq_factor": _whole("low_freq_factor", scaling.low_freq_factor),
            "high_freq_factor": _whole("high_freq_factor", scaling.high_freq_factor),
            "use_attn_scale": False,
        }
    return {"model": model, "tokenizer": {"name": "cwm_instruct"}}


def _whole(name: str, value: float) -> int:
    if value != int(value):
        raise ConfigError(
            f"{name} of the RoPE scaling is {value}; a distributed checkpoint of CWM takes "
            "whole numbers only"
        )
    return int(value)


def _window_fields(windows: tuple[int | None, ...]) -> dict[str, Any] | None:
    """The original code's rule that gives these windows; see `model.config.meta`."""
    if not any(windows):
        return None
    count = len(windows)
    near = next((window for window in windows if window != windows[0]), windows[0])
    for pattern in range(1, count + 1):
        for last in (True, False):
            rule = tuple(
                windows[0] if i % pattern == 0 or (last and i == count - 1) else near
                for i in range(count)
            )
            if rule == windows and (pattern == 1 or near is not None):
                return {
                    "window_pattern": pattern,
                    "global_window": windows[0],
                    "local_window": near if pattern > 1 else None,
                    "global_last_layer": last,
                }
    raise ConfigError("a distributed checkpoint cannot express these layer types")
