"""What a checkpoint is, as text and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from itertools import groupby

from cwm_agent.view.sanitize import clean_line
from cwm_agent.wording import counted
from model.checkpoint.inspect import Attention, Inspection
from model.runner.divergence import DEFAULT_GATE, Divergence


def inspection_json(found: Inspection, quantized: tuple[str, Divergence] | None) -> str:
    """All fields; `divergence` is null when nothing was compared."""
    compared = None if quantized is None else divergence_record(*quantized)
    return json.dumps(asdict(found) | {"divergence": compared}, indent=2)


def divergence_record(kind: str, found: Divergence) -> dict[str, object]:
    """All fields, with the gate and what is beyond it."""
    gate = {"quantize": kind, "gate": asdict(DEFAULT_GATE), "beyond": found.beyond()}
    return asdict(found) | gate


def inspection_text(found: Inspection, quantized: tuple[str, Divergence] | None) -> str:
    """One line a fact; problems and notes last."""
    attention = found.attention
    windows = f", window {', '.join(map(str, attention.windows))}" if attention.windows else ""
    formats = ", ".join(f"{name} ({count} tensors)" for name, count in found.dtypes.items())
    lines = [
        ("checkpoint", found.folder),
        ("layout", {"hf": "Hugging Face", "dcp": "distributed (DCP)"}[found.layout]),
        ("model", f"{found.model_type}, {found.parameters:,} parameters"),
        ("layers", f"{found.layers}: {attention.full} full, {attention.sliding} sliding{windows}"),
        ("pattern", _short(attention)),
        (
            "heads",
            f"{found.heads} for queries, {found.kv_heads} for keys and values, "
            f"{found.head_dim} wide; hidden {found.hidden}",
        ),
        ("context", f"{found.context:,} tokens"),
        ("stored as", formats or "nothing"),
        ("on disk", f"{_size(found.bytes_on_disk)} in {counted(found.files, 'file')}"),
        (
            "session",
            f"{_size(found.kv.per_token)} a token and {_size(found.kv.constant)} in all "
            f"for keys and values in {found.kv.dtype}",
        ),
        *_tokenizer_lines(found),
    ]
    if quantized is not None:
        lines += divergence_lines(*quantized)
    lines += [("note", note) for note in found.notes]
    lines += [("problem", problem) for problem in found.problems]
    width = max(len(name) for name, _ in lines)
    return "\n".join(f"{name:<{width}}  {clean_line(text)}" for name, text in lines)


def _tokenizer_lines(found: Inspection) -> list[tuple[str, str]]:
    ends = ", ".join(map(str, found.eos_ids)) or "none"
    ids = ("ids", f"begin {found.bos_id}, end {ends}, vocabulary {found.vocabulary:,}")
    if (tokenizer := found.tokenizer) is None:
        return [ids]
    control = f"{len(tokenizer.control)} control tokens of CWM"
    if tokenizer.lacking:
        control += f", {len(tokenizer.lacking)} lacking"
    return [ids, ("tokenizer", f"{tokenizer.kind}, {tokenizer.tokens:,} tokens, {control}")]


def divergence_lines(kind: str, found: Divergence) -> list[tuple[str, str]]:
    """The figures and the verdict, each with its name."""
    figures = (
        f"mean KL {found.mean_kl:.3g}, largest {found.max_kl:.3g} nats, "
        f"top-1 agreement {found.top1_agreement:.3f} over {found.tokens} tokens"
    )
    if found.perplexity is not None:
        figures += f", perplexity {found.perplexity:.4g} against {found.reference_perplexity:.4g}"
    reasons = found.beyond()
    return [(kind, figures), ("gate", "; ".join(reasons) if reasons else "passed")]


def _short(attention: Attention) -> str:
    """Runs of the pattern, such as `F SSS F`, with equal beginnings counted."""
    runs = ["".join(group) for _, group in groupby(attention.pattern)]
    pairs = ["".join(runs[i : i + 2]) for i in range(0, len(runs), 2)]
    parts = [(text, len(list(group))) for text, group in groupby(pairs)]
    return " ".join(f"{count}x{text}" if count > 1 else text for text, count in parts)


def _size(count: int) -> str:
    """Bytes with a unit."""
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= size:
            return f"{count / size:.4g} {unit}"
    return f"{count} B"
