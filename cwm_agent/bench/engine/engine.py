"""The inference engine beside transformers' `generate`, in one run and on the same weights."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cwm_agent.bench.engine.twins import ShapeName
from envs.progress import Say

if TYPE_CHECKING:
    from cwm_agent.bench.engine.agents import AgentFigures
    from cwm_agent.bench.engine.batch import BatchFigures
    from cwm_agent.bench.engine.copying import CopyFigures
    from cwm_agent.bench.engine.single import SingleFigures
    from cwm_agent.bench.engine.twins import Twins

Part = Literal["batch1", "sessions", "edits", "batch"]
PARTS: tuple[Part, ...] = ("batch1", "sessions", "edits", "batch")


@dataclass(frozen=True, slots=True)
class EngineBench:
    """What to measure. `model` is a checkpoint folder; without one, random weights of `shape`.

    `threads` are torch's; None leaves its choice.
    """

    model: Path | None = None
    shape: ShapeName = "nano"
    threads: int | None = None
    parts: tuple[Part, ...] = PARTS
    rounds: int = 3
    sessions: int = 16
    turns: int = 20
    prompt_tokens: int = 600
    reply_tokens: int = 24
    observation_tokens: int = 40
    tool_seconds: float = 0.0
    edits: int = 6


@dataclass(frozen=True, slots=True)
class Setting:
    """Machine, programs and model that the figures belong to."""

    cpu: str
    cores: int
    threads: int
    device: str
    dtype: str
    python: str
    torch: str
    transformers: str
    attention: str
    model: str
    parameters: int
    config: dict[str, Any]


@dataclass(frozen=True, slots=True)
class EngineFigures:
    """Parts that were not asked for are None, and so is what follows from them."""

    setting: Setting
    rounds: int
    batch1: SingleFigures | None = None
    sessions: AgentFigures | None = None
    edits: CopyFigures | None = None
    batch: BatchFigures | None = None

    def summary(self) -> dict[str, Any]:
        """The headline figures, by name."""
        parts = [p for p in (self.batch1, self.sessions, self.edits, self.batch) if p is not None]
        return {
            "batch1_ratio": self.batch1 and self.batch1.ratio,
            "batch1_plain_ratio": self.batch1 and self.batch1.plain_ratio,
            "sessions16_ratio": self.sessions and self.sessions.ratio,
            "sessions16_plain_ratio": self.sessions and self.sessions.plain_ratio,
            "recomputed_share": None if self.sessions is None else self.sessions.recomputed_share,
            "step_ratio": self.edits and self.edits.step_ratio,
            "batch_ratio": self.batch and self.batch.ratio,
            "ids_equal": all(part.ids_equal for part in parts),
        }

    def to_json(self) -> dict[str, Any]:
        """The summary and everything it was computed from."""
        return self.summary() | asdict(self)


def measure_engine(bench: EngineBench, progress: Say) -> EngineFigures:
    """Carry out the parts one after another.

    Raises UsageError for sizes that the bench has no text for, and what loading
    the model or building an engine raises.
    """
    import torch

    from cwm_agent.bench.engine.agent_load import corpus
    from cwm_agent.bench.engine.twins import from_folder, from_shape

    if bench.threads is not None:
        torch.set_num_threads(bench.threads)
    progress("making the model twice")
    twins = from_shape(bench.shape) if bench.model is None else from_folder(bench.model)
    text = corpus(twins.encode)
    return EngineFigures(
        setting=_setting(twins),
        rounds=bench.rounds,
        batch1=_batch1(bench, twins, text, progress),
        sessions=_sessions(bench, twins, text, progress),
        edits=_edits(bench, twins, progress),
        batch=_batch(bench, twins, text, progress),
    )


def _batch1(
    bench: EngineBench, twins: Twins, text: list[int], progress: Say
) -> SingleFigures | None:
    if "batch1" not in bench.parts:
        return None
    from cwm_agent.bench.engine.single import measure_single

    return measure_single(twins, text, rounds=bench.rounds, progress=progress)


def _sessions(
    bench: EngineBench, twins: Twins, text: list[int], progress: Say
) -> AgentFigures | None:
    if "sessions" not in bench.parts:
        return None
    from cwm_agent.bench.engine.agent_load import agent_load
    from cwm_agent.bench.engine.agents import measure_agents

    load = agent_load(
        text,
        sessions=bench.sessions,
        turns=bench.turns,
        prompt_tokens=bench.prompt_tokens,
        reply_tokens=bench.reply_tokens,
        observation_tokens=bench.observation_tokens,
        tool_seconds=bench.tool_seconds,
    )
    return measure_agents(twins, load, rounds=bench.rounds, progress=progress)


def _edits(bench: EngineBench, twins: Twins, progress: Say) -> CopyFigures | None:
    if "edits" not in bench.parts:
        return None
    from cwm_agent.bench.engine.copying import measure_copying

    return measure_copying(twins, progress=progress, count=bench.edits)


def _batch(bench: EngineBench, twins: Twins, text: list[int], progress: Say) -> BatchFigures | None:
    if "batch" not in bench.parts:
        return None
    from cwm_agent.bench.engine.batch import measure_batch

    return measure_batch(twins, text, count=bench.sessions, rounds=bench.rounds, progress=progress)


def _setting(twins: Twins) -> Setting:
    import torch
    import transformers

    from cwm_agent.bench.engine.twins import parameter_count

    return Setting(
        cpu=_cpu(),
        cores=len(os.sched_getaffinity(0)),
        threads=torch.get_num_threads(),
        device=str(twins.weights.embedding.device),
        dtype=str(twins.weights.embedding.dtype).removeprefix("torch."),
        python=platform.python_version(),
        torch=torch.__version__,
        transformers=transformers.__version__,
        attention=twins.theirs.config._attn_implementation,
        model=twins.name,
        parameters=parameter_count(twins.config),
        config=asdict(twins.config),
    )


def _cpu() -> str:
    """The model name that Linux reports, or what Python knows of the machine."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
