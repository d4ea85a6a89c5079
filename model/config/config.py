"""The shape of a model, read from a Hugging Face `config.json`.

Both generations of the file are understood: `rope_scaling` + `rope_theta` (old)
and `rope_parameters` (transformers 5); `model_type` may be `cwm` or `llama`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from model.config.fields import Fields, read_object
from model.errors import CheckpointError

CONFIG = "config.json"
FULL = "full_attention"
SLIDING = "sliding_attention"


@dataclass(frozen=True, slots=True)
class Llama3Scaling:
    """Frequency scaling of Llama 3.1 (see `model.config.rope.inverse_frequencies`)."""

    factor: float
    low_freq_factor: float
    high_freq_factor: float
    original_context: int


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Everything that fixes the computation of a CWM or Llama model.

    `windows` has one entry a layer: None for full attention, else the number of
    keys a query sees, itself included. `eos_ids` end a message; the first one
    is what a plain checkpoint writes at the end of a message.
    """

    model_type: str
    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    context: int
    norm_eps: float
    windows: tuple[int | None, ...]
    rope_theta: float
    rope_scaling: Llama3Scaling | None
    tied_embeddings: bool
    bos_id: int | None
    eos_ids: tuple[int, ...]
    dtype: str | None


def read_config(folder: Path) -> ModelConfig:
    """Read `folder/config.json`; raises CheckpointError (file) or ConfigError (value)."""
    path = folder / CONFIG
    if not folder.is_dir():
        raise CheckpointError(f"no checkpoint folder {folder}; give the folder of a checkpoint")
    raw = read_object(
        path, needed="give a folder that holds config.json, the tokenizer and *.safetensors"
    )
    return parse_config(raw, source=str(path))


def parse_config(raw: Mapping[str, object], *, source: str = CONFIG) -> ModelConfig:
    """Check every value of a parsed `config.json`; raises ConfigError naming key and value."""
    fields = Fields(raw, source)
    model_type = fields.choice("model_type", ("cwm", "llama"))
    _refuse_unsupported(fields)
    hidden = fields.count("hidden_size")
    heads = fields.count("num_attention_heads")
    kv_heads = fields.count("num_key_value_heads", default=heads)
    if heads % kv_heads:
        raise fields.wrong("num_key_value_heads", f"a divisor of num_attention_heads ({heads})")
    if "head_dim" not in fields and hidden % heads:
        raise fields.wrong("hidden_size", f"a multiple of num_attention_heads ({heads})")
    head_dim = fields.count("head_dim", default=hidden // heads)
    if head_dim % 2:
        raise fields.wrong("head_dim", "an even number (RoPE rotates pairs)")
    layers = fields.count("num_hidden_layers")
    vocabulary = fields.count("vocab_size")
    theta, scaling = _rope(fields, model_type)
    return ModelConfig(
        model_type=model_type,
        layers=layers,
        hidden=hidden,
        intermediate=fields.count("intermediate_size"),
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        vocabulary=vocabulary,
        context=fields.count("max_position_embeddings"),
        norm_eps=fields.positive("rms_norm_eps"),
        windows=_windows(fields, model_type, layers),
        rope_theta=theta,
        rope_scaling=scaling,
        tied_embeddings=fields.flag("tie_word_embeddings", default=False),
        bos_id=next(iter(fields.token_ids("bos_token_id", vocabulary)), None),
        eos_ids=fields.token_ids("eos_token_id", vocabulary),
        dtype=_dtype(fields),
    )


def _refuse_unsupported(fields: Fields) -> None:
    """Fail on options that would change the computation silently."""
    fields.choice("hidden_act", ("silu",), default="silu")
    for key in ("attention_bias", "mlp_bias"):
        if fields.flag(key, default=False):
            raise fields.wrong(key, "false (biases are not supported)")
    if "quantization_config" in fields:
        raise fields.wrong(
            "quantization_config", "no quantisation; use a bf16, fp16 or fp32 checkpoint"
        )


def _windows(fields: Fields, model_type: str, layers: int) -> tuple[int | None, ...]:
    """The window of each layer. The pattern is read, never assumed.

    The class default of transformers' CwmConfig differs from the released
    model in the last layer, so a missing list must not be filled in.
    """
    if "layer_types" not in fields:
        if model_type == "llama" and "sliding_window" not in fields:
            return (None,) * layers
        raise fields.missing(
            "layer_types",
            f"a list of {layers} entries, each '{FULL}' or '{SLIDING}' "
            "(the pattern is not guessed; take it from the original checkpoint)",
        )
    types = fields["layer_types"]
    if (
        not isinstance(types, list)
        or len(types) != layers
        or not all(kind in (FULL, SLIDING) for kind in types)
    ):
        raise fields.wrong(
            "layer_types",
            f"a list of num_hidden_layers ({layers}) entries, each '{FULL}' or '{SLIDING}'",
        )
    window = fields.count("sliding_window") if SLIDING in types else None
    return tuple(window if kind == SLIDING else None for kind in types)


def _rope(fields: Fields, model_type: str) -> tuple[float, Llama3Scaling | None]:
    """Base and scaling of RoPE, from whichever generation of keys is there."""
    key = "rope_parameters" if "rope_parameters" in fields else "rope_scaling"
    rope = fields.section(key)
    theta_of = rope if "rope_theta" in rope else fields
    # transformers' LlamaConfig leaves out a theta that has its default, 10000.
    default = 10_000.0 if model_type == "llama" else None
    theta = theta_of.positive("rope_theta", default=default)
    if rope.number("partial_rotary_factor", default=1.0) != 1.0:
        raise rope.wrong("partial_rotary_factor", "1.0 (all of head_dim is rotated)")
    kind_key = "rope_type" if "rope_type" in rope else "type"
    if rope.choice(kind_key, ("default", "llama3"), default="default") == "default":
        return theta, None
    scaling = Llama3Scaling(
        factor=rope.positive("factor"),
        low_freq_factor=rope.positive("low_freq_factor"),
        high_freq_factor=rope.positive("high_freq_factor"),
        original_context=rope.count("original_max_position_embeddings"),
    )
    if scaling.high_freq_factor <= scaling.low_freq_factor:
        raise rope.wrong("high_freq_factor", f"more than low_freq_factor {scaling.low_freq_factor}")
    return theta, scaling


def _dtype(fields: Fields) -> str | None:
    """Number format of the stored weights; `dtype` is the newer name of `torch_dtype`."""
    key = "dtype" if "dtype" in fields else "torch_dtype"
    if key not in fields:
        return None
    return fields.choice(key, ("float32", "bfloat16", "float16"))
