"""What a model needs on a card, and what is left for keys and values.

The order is that of the needs: weights, CUDA graphs, workspace of a step, then
pages with all that remains. Nothing here touches a device, so `cwm-agent model
plan` answers for a card that is elsewhere; the engine plans with the same
function. Weights and pages are exact; graphs and workspace are bounds from the
shapes, to be compared with what `make gpu-check` measures.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod

from model.checkpoint.quantize import Quantization
from model.checkpoint.weights import EMBEDDING, HEAD, tensor_shapes
from model.config.config import ModelConfig
from model.config.shards import Shard, shard_config
from model.engine.scheduler import SchedulerSettings
from model.kvcache.sizing import PageCosts
from model.parallel.symmetric import symmetric_bytes
from model.runner.graphs import graph_sizes

GIB = 2**30
MARGIN = 0.05  # of the card: the driver's context, NCCL, what allocators lose between blocks
_LIBRARIES = 256 * 2**20  # cuBLAS and Triton keep workspaces of their own
_GRAPH = 32 * 2**20  # one captured graph: its nodes and their arguments on the device
_MAPPING = 2 * 2**20  # memory is mapped in pieces of so much, flags of the ranks included
_SPLIT = 512  # tokens of one piece of split-KV attention; each leaves a partial result
_SAMPLING = 64  # bytes for each logit: fp32, scaled, probabilities, and fp64 sums over them


@dataclass(frozen=True, slots=True)
class Deployment:
    """A model as it is to run. `itemsize` are the bytes of one number of its format."""

    config: ModelConfig
    itemsize: int = 2
    quantization: Quantization = "none"
    tensor_parallel: int = 1
    scheduling: SchedulerSettings = field(default_factory=SchedulerSettings)
    page_size: int = 16
    graphs: bool = True

    @property
    def shard(self) -> ModelConfig:
        """What each card computes. Raises ConfigError when the model cannot be divided so."""
        return shard_config(self.config, self.tensor_parallel)

    @property
    def costs(self) -> PageCosts:
        """Pages and bytes of sessions on each card."""
        return PageCosts(self.shard, self.itemsize, self.page_size, self.scheduling.chunk)


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Bytes of one card by use; `kv` is what is left for pages, `missing` what is not there."""

    card: int
    margin: int
    weights: int
    graphs: int
    workspace: int

    @property
    def fixed(self) -> int:
        """All that is needed before the first page."""
        return self.margin + self.weights + self.graphs + self.workspace

    @property
    def kv(self) -> int:
        """Bytes left for pages."""
        return max(0, self.card - self.fixed)

    @property
    def missing(self) -> int:
        """Bytes by which the card is too small for everything but pages."""
        return max(0, self.fixed - self.card)


def plan_memory(deployment: Deployment, card: int) -> MemoryPlan:
    """Divide the `card` bytes of each card. Raises ConfigError (see `Deployment.shard`)."""
    return MemoryPlan(
        card=card,
        margin=int(card * MARGIN),
        weights=weight_bytes(deployment),
        graphs=graph_bytes(deployment),
        workspace=workspace_bytes(deployment),
    )


def weight_bytes(deployment: Deployment) -> int:
    """Bytes of the first rank's weights, which are the most that a rank has.

    A quantised matrix has one byte a number and a scale of four a row (see
    `model.ops.linear`); embedding, head and norms keep their format.
    """
    shard = Shard(0, deployment.tensor_parallel)
    total = 0
    for name, shape in tensor_shapes(deployment.config).items():
        part = [cut.stop - cut.start for cut in shard.of(name, shape)]
        if deployment.quantization == "none" or len(shape) == 1 or name in (EMBEDDING, HEAD):
            total += prod(part) * deployment.itemsize
        else:
            total += prod(part) + part[0] * 4
    return total


def graph_bytes(deployment: Deployment) -> int:
    """Captured decode steps: all share one pool, which the largest fills."""
    if not deployment.graphs:
        return 0
    sizes = graph_sizes(deployment.scheduling.max_rows)
    most = sizes[-1]
    return len(sizes) * _GRAPH + _widened(deployment) + _step_bytes(deployment, most, most)


def workspace_bytes(deployment: Deployment) -> int:
    """The largest step outside a graph: a full token budget, all rows with logits."""
    settings = deployment.scheduling
    rows = settings.max_rows + settings.verify_budget
    tokens = settings.token_budget + (settings.chunk if settings.aligned else 0)
    return (
        _LIBRARIES
        + _shared(deployment)
        + _widened(deployment)
        + _step_bytes(deployment, tokens, rows)
    )


def _shared(deployment: Deployment) -> int:
    """Memory that the other ranks have mapped, for their sums; NCCL's own is in the margin."""
    if deployment.tensor_parallel == 1:
        return 0
    fixed = deployment.scheduling.max_rows if deployment.scheduling.aligned else 0
    return symmetric_bytes(fixed, deployment.config.hidden) + _MAPPING


def _widened(deployment: Deployment) -> int:
    """Many rows times an int8 weight: on a GPU the matrix is widened first, one at a time."""
    if deployment.quantization != "int8":
        return 0
    shapes = tensor_shapes(deployment.shard)
    matrices = (shape for name, shape in shapes.items() if name not in (EMBEDDING, HEAD))
    return max(map(prod, matrices)) * deployment.itemsize * 2  # gate and up are one


def _step_bytes(deployment: Deployment, tokens: int, rows: int) -> int:
    """Activations of one layer in their own format and in fp32, logits, partial attention."""
    config = deployment.shard
    qkv = (config.heads + 2 * config.kv_heads) * config.head_dim
    width = 4 * config.hidden + 2 * qkv + 3 * config.intermediate
    splits = -(-config.context // _SPLIT)
    return (
        tokens * width * (deployment.itemsize + 4)
        + rows * config.vocabulary * _SAMPLING
        + rows * config.heads * splits * (config.head_dim + 2) * 4
    )
