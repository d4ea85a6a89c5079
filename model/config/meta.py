"""The shape of a model from `params.json`, as it lies beside CWM's original checkpoints.

Its key `model` holds the fields of the original code's transformer arguments.
That class has defaults, but they are not CWM's values, so nothing is filled in
here: what decides the computation must stand in the file. A null is a value
where the original allows one (no grouping, no window, ...).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from model.config.config import Llama3Scaling, ModelConfig
from model.config.fields import Fields, read_object
from model.errors import ConfigError

PARAMS = "params.json"
METADATA = ".metadata"  # the table of contents beside it, see `model.checkpoint.dcp`

# Options of the original code that change the computation and are off in CWM.
_OFF_FLAGS = ("weight_tying", "qkv_biases", "qk_norm")
_OFF_SIZES = ("q_lora_rank", "kv_lora_rank")
_NULLABLE = ("n_kv_heads", "head_dim", "ffn_dim_multiplier", "window_attn")


def read_params(folder: Path) -> ModelConfig:
    """Read `folder/params.json`; raises CheckpointError (file) or ConfigError (value).

    Token ids and the number format are not in the file: `bos_id` and `dtype` are None,
    `eos_ids` is empty.
    """
    path = folder / PARAMS
    raw = read_object(
        path,
        needed="a distributed checkpoint needs params.json, .metadata, *.distcp and "
        "tokenizer.model in one folder",
    )
    if not isinstance(raw.get("model"), dict):
        raise ConfigError(f"{path} has no object under the key 'model'; download the file again")
    return parse_params(raw["model"], source=f"{path}: model")


def parse_params(raw: Mapping[str, object], *, source: str = PARAMS) -> ModelConfig:
    """Check the fields of the key `model`; raises ConfigError naming key and value."""
    fields = Fields(raw, source)
    for key in _NULLABLE:
        if key not in raw:
            raise fields.missing(key, "a value, or null")
    for key in _OFF_FLAGS:
        if fields.flag(key, default=False):
            raise fields.wrong(key, "false (not supported)")
    for key in _OFF_SIZES:
        if fields.number(key, default=0.0):
            raise fields.wrong(key, "0 (not supported)")
    dim, heads, layers = fields.count("dim"), fields.count("n_heads"), fields.count("n_layers")
    kv_heads = fields.count("n_kv_heads", default=heads)
    if heads % kv_heads:
        raise fields.wrong("n_kv_heads", f"a divisor of n_heads ({heads})")
    if "head_dim" not in fields and dim % heads:
        raise fields.wrong("dim", f"a multiple of n_heads ({heads})")
    head_dim = fields.count("head_dim", default=dim // heads)
    if head_dim % 2:
        raise fields.wrong("head_dim", "an even number (RoPE rotates pairs)")
    return ModelConfig(
        model_type="cwm",
        layers=layers,
        hidden=dim,
        intermediate=_intermediate(fields, dim),
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        vocabulary=fields.count("vocab_size"),
        context=fields.count("max_seq_len"),
        norm_eps=fields.positive("norm_eps"),
        windows=_windows(fields, layers),
        rope_theta=fields.positive("rope_theta"),
        rope_scaling=_scaling(fields),
        tied_embeddings=False,
        bos_id=None,
        eos_ids=(),
        dtype=None,
    )


def _intermediate(fields: Fields, dim: int) -> int:
    """Width of the feed-forward block: two thirds of `ffn_exp` x `dim`, scaled, rounded up."""
    width = int(2 * fields.count("ffn_exp") * dim / 3)
    if "ffn_dim_multiplier" in fields:
        width = int(fields.positive("ffn_dim_multiplier") * width)
    multiple = fields.count("multiple_of")
    return -(-width // multiple) * multiple


def _windows(fields: Fields, layers: int) -> tuple[int | None, ...]:
    """Every `window_pattern`-th layer is global, from the first on, and the last if asked.

    A global layer sees everything, or `global_window` keys; the others see
    `local_window`. Without `window_attn` every layer sees everything.
    """
    if "window_attn" not in fields:
        return (None,) * layers
    window = fields.section("window_attn")
    pattern = window.count("window_pattern")
    if "global_last_layer" not in window:
        raise window.missing("global_last_layer", "true or false")
    last_too = window.flag("global_last_layer", default=True)
    far = window.count("global_window") if "global_window" in window else None
    near = window.count("local_window") if pattern > 1 else None
    return tuple(
        far if i % pattern == 0 or (last_too and i == layers - 1) else near for i in range(layers)
    )


def _scaling(fields: Fields) -> Llama3Scaling | None:
    if fields.choice("pos_embed_impl", ("rope", "scaled_rope")) == "rope":
        return None
    rope = fields.section("scaled_rope")
    if rope.flag("use_attn_scale", default=False):
        raise rope.wrong("use_attn_scale", "false (not supported)")
    scaling = Llama3Scaling(
        factor=rope.positive("scale_factor"),
        low_freq_factor=rope.positive("low_freq_factor"),
        high_freq_factor=rope.positive("high_freq_factor"),
        original_context=rope.count("old_context_len"),
    )
    if scaling.high_freq_factor <= scaling.low_freq_factor:
        raise rope.wrong("high_freq_factor", f"more than low_freq_factor {scaling.low_freq_factor}")
    return scaling
