"""Whether so many sessions of such a length fit beside a model, and what would help."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from model.config.shards import degrees
from model.engine.memory import GIB, MARGIN, Deployment, MemoryPlan, plan_memory
from model.errors import ConfigError, MemoryPlanError
from model.kvcache.layer_groups import kv_bytes
from model.kvcache.sizing import largest, plan_pages

_MOST_CARDS = 8
_MOST_SESSIONS = 4096


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether `batch` sessions of `context` tokens fit beside the model, and what would.

    `sessions` of that length fit; `longest` is the longest single one, and
    `tokens` what the pages of the full layers hold in all. A token costs
    `token_bytes` in the full layers, a session longer than the window
    `window_bytes` beside that. `pages` of each layer group are those of the
    memory, cut for sessions of this length. All bytes are each card's.
    """

    memory: MemoryPlan
    context: int
    batch: int
    sessions: int
    longest: int
    tokens: int
    token_bytes: int
    window_bytes: int
    page_size: int
    pages: tuple[int, ...]
    remedies: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether what was asked for fits."""
        return self.sessions >= self.batch


def plan_fit(deployment: Deployment, card: int, *, context: int, batch: int = 1) -> Fit:
    """Plan cards of `card` bytes for `batch` sessions of `context` tokens.

    Raises ConfigError when the model is shorter than `context` or cannot be
    divided among the cards.
    """
    config, costs = deployment.config, deployment.costs
    if not 1 < context <= config.context:
        raise ConfigError(
            f"the model's context is {config.context} tokens; ask for 2 to {config.context}, "
            f"not {context}"
        )
    memory = plan_memory(deployment, card)
    sessions = min(memory.kv // costs.session(context), _MOST_SESSIONS)
    longest = largest(config.context, lambda tokens: costs.session(tokens) <= memory.kv)
    pages = plan_pages(costs, memory.kv, typical=context).pages if longest > 1 else ()
    token_bytes, window_bytes = _session_bytes(deployment)
    return Fit(
        memory=memory,
        context=context,
        batch=batch,
        sessions=sessions,
        longest=longest,
        tokens=pages[0] * deployment.page_size if pages and token_bytes else 0,
        token_bytes=token_bytes,
        window_bytes=window_bytes,
        page_size=deployment.page_size,
        pages=pages,
        remedies=() if sessions >= batch else tuple(_remedies(deployment, card, context, batch)),
    )


def require_fit(fit: Fit) -> None:
    """Raise MemoryPlanError with the numbers, and with what would fit, unless it does."""
    if not fit.fits:
        raise MemoryPlanError(
            f"{shortage(fit)}; possible settings (options of `cwm-agent model plan`): "
            f"{', or '.join(fit.remedies)}"
        )


def shortage(fit: Fit) -> str:
    """The numbers of what does not fit, in one sentence."""
    memory = fit.memory
    parts = (
        f"weights {gib(memory.weights)}, graphs {gib(memory.graphs)}, workspace "
        f"{gib(memory.workspace)}, margin {gib(memory.margin)}"
    )
    if memory.missing:
        return f"{parts} are {gib(memory.missing)} more than the card's {gib(memory.card)}"
    return (
        f"of {gib(memory.card)} ({parts}) {gib(memory.kv)} are left for keys and values: "
        f"{_sessions(fit.sessions)} of {fit.context} tokens, not {fit.batch}"
    )


def gib(count: int) -> str:
    """Bytes in GiB."""
    return f"{count / GIB:.2f} GiB"


def _sessions(count: int) -> str:
    return f"{count} session" if count == 1 else f"{count} sessions"


def _session_bytes(deployment: Deployment) -> tuple[int, int]:
    """Bytes a token in full layers, and of the filled windows of one session."""
    config, groups = deployment.shard, deployment.costs.groups
    shape = config.kv_heads, config.head_dim, deployment.itemsize
    full = [group for group in groups if group.window is None]
    windows = [group for group in groups if group.window is not None]
    return kv_bytes(full, 1, *shape), kv_bytes(windows, config.context, *shape)


def _fits(deployment: Deployment, card: int, context: int, batch: int) -> bool:
    return batch * deployment.costs.session(context) <= plan_memory(deployment, card).kv


def _remedies(deployment: Deployment, card: int, context: int, batch: int) -> Iterator[str]:
    """Changes that would make it fit, each alone, the smallest first."""

    def fits(tokens: int, sessions: int) -> bool:
        return _fits(deployment, card, tokens, sessions)

    if batch > 1 and (fewer := largest(batch - 1, lambda n: fits(context, n))):
        yield f"{_sessions(fewer)} of {context} tokens (--batch {fewer})"
    if (shorter := largest(context - 1, lambda tokens: fits(tokens, batch))) > 1:
        yield f"{shorter} tokens a session (--context {shorter})"
    if deployment.quantization == "none":
        smaller = replace(deployment, quantization="fp8")
        if _fits(smaller, card, context, batch):
            yield "fp8 weights (--weights fp8)"
        else:
            yield from _divided(smaller, card, context, batch, "fp8 weights on ", " --weights fp8")
    yield from _divided(deployment, card, context, batch, "", "")
    yield f"a card of {_card_for(deployment, context, batch)} GiB"


def _divided(
    deployment: Deployment, card: int, context: int, batch: int, before: str, option: str
) -> Iterator[str]:
    """The smallest number of cards on which it fits."""
    for degree in degrees(deployment.config, _MOST_CARDS):
        if degree <= deployment.tensor_parallel:
            continue
        if _fits(replace(deployment, tensor_parallel=degree), card, context, batch):
            yield f"{before}{degree} cards (--tp {degree}{option})"
            return


def _card_for(deployment: Deployment, context: int, batch: int) -> int:
    """GiB of the smallest card on which it fits as it is."""
    memory = plan_memory(deployment, 0)
    needed = memory.fixed + batch * deployment.costs.session(context)
    return -(-int(needed / (1 - MARGIN) + 1) // GIB)
