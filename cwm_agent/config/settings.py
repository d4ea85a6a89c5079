"""All settings, their defaults and what they accept.

A field's docstring is its help text in `config init` and `config schema`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ByteSize,
    Field,
    ValidationInfo,
    WithJsonSchema,
)

from cwm_agent.config.scaling import ScalingSettings
from cwm_agent.config.section import Seconds as Seconds
from cwm_agent.config.section import Section
from cwm_agent.config.server_values import JsonObject, ServerUrls
from cwm_agent.config.tool_names import Tools, name_list
from envs.errors import HostError
from envs.registry import AUTO, CHOICES, CHOICES_TEXT
from envs.sandbox.allowed_hosts import parse_hosts
from tools.registry import PUBLISHED_TOOLS

Switch = bool | int | float | str

EmptyUnsets = BeforeValidator(lambda value: None if value == "" else value)
"""An empty text unsets an optional setting: TOML and the environment have no null."""


def _sensible_hosts(hosts: tuple[str, ...], found: ValidationInfo) -> tuple[str, ...]:
    try:
        parse_hosts(hosts)
    except HostError as error:
        raise ValueError(str(error)) from error
    if hosts and found.data.get("network"):
        raise ValueError("sandbox.network = true opens all hosts; set one of the two")
    return hosts


def _known_sandbox(name: str) -> str:
    if name not in CHOICES:
        raise ValueError(f"there is no sandbox '{name}'; use {CHOICES_TEXT}")
    return name


SandboxChoice = Annotated[
    str, AfterValidator(_known_sandbox), WithJsonSchema({"enum": list(CHOICES)})
]
AllowedHosts = Annotated[
    tuple[str, ...], BeforeValidator(name_list), AfterValidator(_sensible_hosts)
]


def _numbers(value: object) -> object:
    """A text lists numbers, separated by commas or blanks."""
    return value.replace(",", " ").split() if isinstance(value, str) else value


Temperature = Annotated[float, Field(ge=0)]


class SandboxSettings(Section):
    """Where commands run."""

    kind: SandboxChoice = AUTO
    """auto uses Docker if an engine answers, else bubblewrap."""
    image: Annotated[str | None, EmptyUnsets] = None
    """Docker image with the repository's dependencies; empty: built from the repository."""
    min_free: ByteSize = Field(default=ByteSize(2 * 2**30), ge=0, le=2**50)
    """Disk space to keep free when pulling, such as "20GiB"; unused images of ours are removed."""
    memory: ByteSize = Field(default=ByteSize(4 * 2**30), ge=64 * 2**20, le=2**50)
    """Memory of one sandbox, such as "4GiB"."""
    pids: int = Field(default=512, ge=16, le=2**22)
    """Processes and threads in one sandbox."""
    cpus: float = Field(default=2.0, gt=0, le=4096)
    """CPU cores of one sandbox."""
    disk: ByteSize = Field(default=ByteSize(10 * 2**30), ge=64 * 2**20, le=2**50)
    """Disk space of one sandbox, such as "10GiB"."""
    idle_seconds: Seconds = 6 * 3600.0
    """Idle time after which a sandbox stops."""
    lifetime_seconds: Seconds = 48 * 3600.0
    """Total time after which a sandbox stops."""
    retries: int = Field(default=3, ge=0)
    """Retries in a fresh sandbox after infrastructure failures, per attempt."""
    network: bool = False
    """Whether commands have network access."""
    allow_hosts: AllowedHosts = Field(default=())
    """The only hosts commands can reach (Docker), e.g. ["example.com", "*.example.net"]."""


class LimitSettings(Section):
    """What one attempt may use."""

    turns: int = Field(default=128, ge=1)
    """Model replies."""
    context_tokens: int = Field(default=131072, ge=1)
    """Tokens in the whole conversation."""
    action_tokens: int = Field(default=65536, ge=1)
    """Tokens in one reply, including thinking."""
    tool_turn_tokens: int = Field(default=32768, ge=1)
    """Tokens in one tool result shown to the model."""
    prompt_tokens: int = Field(default=8192, ge=1)
    """Tokens in the opening messages."""
    command_seconds: Seconds = 120.0
    """Seconds per command."""
    total_seconds: Annotated[Seconds | None, EmptyUnsets] = None
    """Seconds per attempt; empty: no limit."""


class SamplingSettings(Section):
    """How the next token is chosen."""

    temperature: float = Field(default=1.0, ge=0)
    """0 always picks the most likely token."""
    top_p: float = Field(default=0.95, gt=0, le=1)
    """Nucleus sampling: sample from the most likely tokens with this total probability."""
    seed: int = Field(default=42, ge=0)
    """Sample k uses seed + k."""
    temperatures: Annotated[tuple[Temperature, ...], BeforeValidator(_numbers)] = Field(default=())
    """Temperatures of samples 0, 1, ..., the last for all further ones; empty: as above."""

    logprobs: Annotated[int | None, EmptyUnsets] = Field(default=None, ge=0, le=100)
    """Keep log-probabilities of the sampled tokens and of so many likeliest ones; empty: none."""

    def of_sample(self, sample: int) -> float | None:
        """The temperature of one sample where they differ."""
        return self.temperatures[: sample + 1][-1] if self.temperatures else None


class EngineSettings(Section):
    """How the embedded engine uses its devices."""

    kv_memory: Annotated[ByteSize | None, EmptyUnsets] = Field(default=None, ge=2**20)
    """KV cache memory on each device; empty: what is left of a GPU, 2GiB on a CPU."""
    typical_tokens: int = Field(default=16_384, ge=256)
    """Typical conversation length, used to split that memory between full and window layers."""
    host_memory: ByteSize = Field(default=ByteSize(0), ge=0)
    """Host memory for idle conversations that do not fit on the device."""
    tensor_parallel: int = Field(default=1, ge=1)
    """Devices (on a CPU: processes) that the model is split across."""
    batch_invariant: bool = False
    """Pad decode steps to one size, so that a reply does not depend on the rest of its batch."""
    cuda_graphs: bool = True
    """Replay recorded decode steps on a GPU; turn off only for debugging."""
    reduce_in_fp32: bool = True
    """Sum the partial results of several devices in fp32; off: in the model's own dtype."""
    symmetric_memory: bool = True
    """Let GPUs read each other's memory for small all-reduces, if possible; off: only NCCL."""
    speculation: bool = True
    """Speculate on text repeated from the conversation itself; same replies, only faster."""


class EndpointSettings(Section):
    """A model that other processes serve through the OpenAI API (docs/endpoints.md)."""

    urls: ServerUrls = None
    """Servers such as "http://gpu1:8000/v1", separated by commas; empty: the embedded engine."""
    model: Annotated[str | None, EmptyUnsets] = None
    """The model's name on these servers; empty: the first one each lists."""
    silence_seconds: Seconds = 300.0
    """A server that is silent this long is treated as down."""
    retry_seconds: Seconds = 600.0
    """How long to retry one reply while no server responds."""
    tool_calls: Literal["auto", "text", "native"] = "auto"
    """How a chat model calls tools: in its text, or as functions; auto asks it for one call."""
    key_file: Annotated[str | None, EmptyUnsets] = None
    """File that holds the servers' key; CWM_AGENT_API_KEY goes before it."""
    extra: Annotated[JsonObject, EmptyUnsets] = None
    """More parameters of each chat request, as JSON: {"reasoning_effort": "high"}."""


class BatchSettings(Section):
    """How many attempts run concurrently, and limits of the whole run."""

    workers: int = Field(default=4, ge=1)
    """Concurrent attempts that talk to the model."""
    sessions: Annotated[int | None, EmptyUnsets] = Field(default=None, ge=1)
    """Conversations open in the engine at once; empty: one per worker."""
    sandboxes: Annotated[int | None, EmptyUnsets] = Field(default=None, ge=1)
    """Sandboxes open at once; empty: one per worker and per grading."""
    builds: int = Field(default=2, ge=1)
    """Images or environments built at once."""
    grading: int = Field(default=2, ge=1)
    """Patches tested at once."""
    failures_in_row: int = Field(default=10, ge=0)
    """Stop the run after this many failed attempts in a row; 0: never."""
    turns: Annotated[int | None, EmptyUnsets] = Field(default=None, ge=1)
    """Replies in the whole run; empty: no limit."""
    tokens: Annotated[int | None, EmptyUnsets] = Field(default=None, ge=1)
    """Tokens generated in the whole run; empty: no limit."""
    seconds: Annotated[Seconds | None, EmptyUnsets] = None
    """Seconds since the run started or resumed; empty: no limit."""


class CostSettings(Section):
    """Prices for reports; those that are set are added up, and without any there is no cost."""

    currency: str = Field(default="USD", min_length=1)
    """Currency of the prices."""
    per_gpu_hour: Annotated[float | None, EmptyUnsets] = Field(default=None, ge=0)
    """Price of a GPU hour; empty: none."""
    gpus: Annotated[int | None, EmptyUnsets] = Field(default=None, ge=1)
    """GPUs used by the run; empty: its engine.tensor_parallel."""
    per_million_input_tokens: Annotated[float | None, EmptyUnsets] = Field(default=None, ge=0)
    """Price of a million input tokens, cached or not; empty: none."""
    per_million_output_tokens: Annotated[float | None, EmptyUnsets] = Field(default=None, ge=0)
    """Price of a million generated tokens; empty: none."""


class ClusterSettings(Section):
    """What `run --on ray` asks of a Ray cluster."""

    address: Annotated[str | None, EmptyUnsets] = None
    """HOST:PORT of the head; empty: RAY_ADDRESS, or this machine's cluster."""
    replicas: int = Field(default=1, ge=1)
    """Engine replicas, each with its own GPUs."""
    replica_cpus: float = Field(default=1.0, gt=0)
    """CPU cores per rank of a replica without a GPU."""
    wait_seconds: float = Field(default=0.0, ge=0, le=1e9)
    """How long to wait for enough nodes to join."""


class Settings(Section):
    """Everything that can be set."""

    mode: Literal["improved", "faithful"] = "improved"
    """faithful follows the published protocol, improved fixes its defects (docs/modes.md)."""
    model: Annotated[str | None, EmptyUnsets] = None
    """Checkpoint folder (Hugging Face or DCP), openai:NAME or anthropic:NAME; empty: nano."""
    device: str = Field(default="auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$")
    """auto, cpu, cuda or cuda:N."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """auto uses bfloat16 on a GPU and float32 on a CPU."""
    quantize: Literal["none", "fp8", "int8"] = "none"
    """Linear layers in 8 bits; `cwm-agent model inspect --quantize` measures the effect."""
    prompt_pack: str = Field(default="default", min_length=1)
    """Name or file of the texts that the model sees."""
    tools: Tools = PUBLISHED_TOOLS
    """What the model may call; bash and submit are the published set without plugins."""
    runs: str = Field(default="runs", min_length=1)
    """Runs folder."""
    samples: int = Field(default=1, ge=1)
    """Attempts per issue."""
    viewer_keys: Annotated[tuple[str, ...], BeforeValidator(name_list)] = ()
    """Other keys of the viewer by name, e.g. ["next-failure=f8"] (docs/viewer.md)."""
    engine: EngineSettings = EngineSettings()
    endpoint: EndpointSettings = EndpointSettings()
    sandbox: SandboxSettings = SandboxSettings()
    limits: LimitSettings = LimitSettings()
    sampling: SamplingSettings = SamplingSettings()
    batch: BatchSettings = BatchSettings()
    scaling: ScalingSettings = ScalingSettings()
    cost: CostSettings = CostSettings()
    cluster: ClusterSettings = ClusterSettings()
    switches: dict[str, Switch] = Field(default_factory=dict)
    """Single differences between the modes, to override what `mode` says."""


def leaf_keys(section: type[BaseModel] = Settings, prefix: str = "") -> list[str]:
    """Dotted names of all settings but `switches.*`, in the order of definition."""
    keys: list[str] = []
    for name, field in section.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            keys += leaf_keys(kind, f"{prefix}{name}.")
        elif name != "switches":
            keys.append(prefix + name)
    return keys
