"""What fits a card, as text and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict

from model.engine.fit import Fit, gib, shortage
from model.engine.memory import Deployment


def fit_json(fit: Fit, deployment: Deployment, name: str) -> str:
    """All figures in bytes, tokens and counts."""
    memory = asdict(fit.memory) | {"kv": fit.memory.kv, "missing": fit.memory.missing}
    record = asdict(fit) | {
        "model": name,
        "weights": deployment.quantization,
        "tensor_parallel": deployment.tensor_parallel,
        "memory": memory,
        "fits": fit.fits,
    }
    return json.dumps(record, indent=2)


def fit_text(fit: Fit, deployment: Deployment, name: str) -> str:
    """One line a use of the card, then what the rest holds, then the verdict."""
    memory, cards = fit.memory, deployment.tensor_parallel
    weights = "unquantised" if deployment.quantization == "none" else deployment.quantization
    lines = [
        ("model", f"{name}, weights {weights}" + (f", on {cards} cards" if cards > 1 else "")),
        ("card", gib(memory.card)),
        ("weights", gib(memory.weights)),
        ("graphs", gib(memory.graphs)),
        ("workspace", gib(memory.workspace)),
        ("margin", gib(memory.margin)),
        ("pages", f"{gib(memory.kv)}{_pages(fit)}"),
        ("a token", f"{fit.token_bytes / 1024:.4g} KiB in the layers with full attention"),
        ("a session", f"{gib(fit.window_bytes)} more in the window layers once it fills them"),
        ("longest", f"one session of {fit.longest:,} tokens"),
        ("sessions", f"{fit.sessions} of {fit.context:,} tokens at once"),
        ("verdict", _verdict(fit)),
        *(("instead", remedy) for remedy in fit.remedies),
    ]
    width = max(len(key) for key, _ in lines)
    return "\n".join(f"{key:<{width}}  {text}" for key, text in lines)


def _pages(fit: Fit) -> str:
    if not fit.pages:
        return ", too few for a sequence"
    counts = " + ".join(f"{count:,}" for count in fit.pages)
    return f": {counts} pages of {fit.page_size} tokens, {fit.tokens:,} tokens in the full layers"


def _verdict(fit: Fit) -> str:
    if fit.fits:
        return f"{fit.batch} x {fit.context:,} tokens fits"
    return f"{fit.batch} x {fit.context:,} tokens does not fit: {shortage(fit)}"
