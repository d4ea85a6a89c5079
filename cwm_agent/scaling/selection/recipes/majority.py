"""Voting alone: the most frequent candidate, with three ideas of "the same"."""

from __future__ import annotations

from cwm_agent.scaling.selection.choice import staged
from cwm_agent.scaling.selection.stages import majority

BYTES = staged(
    "majority",
    "evals/scripts/swerl/tts_majority_voting.py of CWM: byte-identical patches, first seen wins",
    majority("text", "most frequent patch, byte for byte"),
)
AST = staged(
    "majority-ast",
    "Agentless: patches without comments, docstrings and layout",
    majority("ast", "most frequent patch, by its code"),
)
BEHAVIOUR = staged(
    "majority-behaviour",
    "AlphaCode: samples that do the same are one, the largest cluster wins",
    majority("behaviour", "most frequent behaviour"),
)
