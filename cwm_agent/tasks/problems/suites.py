"""The suites, and the published protocol of each.

Sources: `evals/configs` and the environments of facebookresearch/cwm at commit 7930e02 (samples,
temperature, top-p, tokens of a reply); the model card of facebook/cwm (the scores).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from envs.problem.problem import Kind

WINDOWS = {"v5": ("2024-10-01", "2025-02-01"), "v6": ("2024-08-01", "2025-05-01")}
"""Contest dates of LiveCodeBench by the name of the published score, the end not included."""


@dataclass(frozen=True, slots=True)
class ProblemSuite:
    """`hub` is the official data set with its `split`; `windows` are cuts of it by date.

    `published` has pass@1 by window ("" for the whole).
    """

    name: str
    kind: Kind
    hub: str
    split: str
    samples: int
    action_tokens: int
    prompt_tokens: int
    published: Mapping[str, float]
    windows: Mapping[str, tuple[str, str]]
    sample: str

    @property
    def origin(self) -> str:
        """Where the settings of the protocol come from, for records."""
        return f"protocol of {self.name}"

    @property
    def settings(self) -> dict[str, object]:
        """The published protocol, as settings; all can be overridden."""
        return {
            "samples": self.samples,
            "sampling.temperature": 1.0,
            "sampling.temperatures": (),
            "sampling.top_p": 0.95,
            "limits.action_tokens": self.action_tokens,
            "limits.prompt_tokens": self.prompt_tokens,
        }


def _mathematics(name: str, kind: Kind, hub: str, split: str, published: float) -> ProblemSuite:
    sample = "mathematics.jsonl" if kind == "mathematics" else "integer.jsonl"
    return ProblemSuite(name, kind, hub, split, 20, 65_536, 8_192, {"": published}, {}, sample)


SUITES = {
    suite.name: suite
    for suite in (
        ProblemSuite(
            "livecodebench",
            "contest",
            "livecodebench/code_generation_lite",
            "test",
            10,
            64_510,
            2_048,
            {"v5": 68.6, "v6": 63.5},
            WINDOWS,
            "contest.jsonl",
        ),
        _mathematics("math500", "mathematics", "HuggingFaceH4/MATH-500", "test", 96.6),
        _mathematics("aime24", "integer", "HuggingFaceH4/aime_2024", "train", 76.0),
        _mathematics("aime25", "integer", "yentinglin/aime_2025", "train", 68.2),
    )
}
