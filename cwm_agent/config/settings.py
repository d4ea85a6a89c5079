"""All settings, their defaults and what they accept.

A field's docstring is its help text in `config init` and `config schema`.
"""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from cwm_agent.config.tool_names import Tools, name_list
from envs.errors import HostError
from envs.registry import AUTO, CHOICES, CHOICES_TEXT
from envs.sandbox.allowed_hosts import parse_hosts
from tools.registry import PUBLISHED_TOOLS

Switch = bool | int | float | str

EmptyUnsets = BeforeValidator(lambda value: None if value == "" else value)
"""An empty text unsets an optional setting: TOML and the environment have no null."""


def _listed(value: object) -> object:
    """A text lists its parts, separated by commas or blanks; an empty list unsets."""
    parts = value.replace(",", " ").split() if isinstance(value, str) else value
    return None if parts in ([], ()) else parts


def _endpoint(url: str) -> str:
    """The base URL, normalised; raises ValueError when it is not one."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise ValueError(f"{url!r} is not a server URL such as http://gpu1:8000/v1")
    if parts.username or parts.password:
        raise ValueError("a URL with a password would be kept with the run; see docs/endpoints.md")
    return parts._replace(path=parts.path.rstrip("/") or "/v1", fragment="").geturl()


Endpoint = Annotated[str, AfterValidator(_endpoint)]


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
        raise ValueError(f"there is no sandbox '{name}'; say {CHOICES_TEXT}")
    return name


SandboxChoice = Annotated[
    str, AfterValidator(_known_sandbox), WithJsonSchema({"enum": list(CHOICES)})
]
AllowedHosts = Annotated[
    tuple[str, ...], BeforeValidator(name_list), AfterValidator(_sensible_hosts)
]


Seconds = Annotated[float, Field(gt=0, le=1e9)]
"""Up to some thirty years: longer times overflow the timers of the system."""


class Section(BaseModel):
    """What all sections share: unknown keys are errors, values never change."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        validate_default=True,
        allow_inf_nan=False,
    )

    @field_validator("*", mode="before")
    @classmethod
    def _no_number(cls, value: object, found: ValidationInfo) -> object:
        """Pydantic would take true for 1."""
        if (
            isinstance(value, bool)
            and cls.model_fields[str(found.field_name)].annotation is not bool
        ):
            raise ValueError("not true or false")
        return value


class SandboxSettings(Section):
    """Where commands run."""

    kind: SandboxChoice = AUTO
    """auto takes Docker when an engine answers, else bubblewrap."""
    image: Annotated[str | None, EmptyUnsets] = None
    """Docker image that holds the repository's dependencies; empty: built from the repository."""
    min_free: ByteSize = Field(default=ByteSize(2 * 2**30), ge=0, le=2**50)
    """Space that pulling an image leaves free, such as "20GiB"; old images of ours make room."""
    memory: ByteSize = Field(default=ByteSize(4 * 2**30), ge=64 * 2**20, le=2**50)
    """Memory of one sandbox, such as "4GiB"."""
    pids: int = Field(default=512, ge=16, le=2**22)
    """Processes and threads in one sandbox."""
    cpus: float = Field(default=2.0, gt=0, le=4096)
    """CPU cores of one sandbox."""
    disk: ByteSize = Field(default=ByteSize(10 * 2**30), ge=64 * 2**20, le=2**50)
    """Disk space of one sandbox, such as "10GiB"."""
    idle_seconds: Seconds = 6 * 3600.0
    """A sandbox without a command for so long ends by itself."""
    lifetime_seconds: Seconds = 48 * 3600.0
    """A sandbox ends by itself after so long."""
    retries: int = Field(default=3, ge=0)
    """Fresh sandboxes after failures of the infrastructure, for each attempt."""
    network: bool = False
    """Whether commands can reach the network."""
    allow_hosts: AllowedHosts = Field(default=())
    """The only hosts within reach (Docker), such as ["example.com", "*.example.net"]."""


class LimitSettings(Section):
    """What one attempt may use."""

    turns: int = Field(default=128, ge=1)
    """Replies of the model."""
    context_tokens: int = Field(default=131072, ge=1)
    """Tokens of the whole conversation."""
    action_tokens: int = Field(default=65536, ge=1)
    """Tokens of one reply, thinking included."""
    tool_turn_tokens: int = Field(default=32768, ge=1)
    """Tokens of one tool result shown to the model."""
    prompt_tokens: int = Field(default=8192, ge=1)
    """Tokens of the opening messages."""
    command_seconds: Seconds = 120.0
    """Seconds of one command."""
    total_seconds: Annotated[Seconds | None, EmptyUnsets] = None
    """Seconds of the whole attempt; empty: no limit."""


class SamplingSettings(Section):
    """How the next token is chosen."""

    temperature: float = Field(default=1.0, ge=0)
    """0 always takes the likeliest token."""
    top_p: float = Field(default=0.95, gt=0, le=1)
    """Sample from the likeliest tokens that together have this probability."""
    seed: int = Field(default=42, ge=0)
    """Sample number k uses seed + k."""


class EngineSettings(Section):
    """How the embedded engine uses its devices."""

    kv_memory: Annotated[ByteSize | None, EmptyUnsets] = Field(default=None, ge=2**20)
    """Memory for keys and values on each device; empty: what is left of a GPU, 2GiB on a CPU."""
    typical_tokens: int = Field(default=16_384, ge=256)
    """Length of a usual conversation, by which full and window layers share that memory."""
    host_memory: ByteSize = Field(default=ByteSize(0), ge=0)
    """Main memory for resting conversations that the device has no room for."""
    tensor_parallel: int = Field(default=1, ge=1)
    """Devices (on a CPU: processes) among which the model is divided."""
    batch_invariant: bool = False
    """Pad decode steps to one size, so that an answer does not depend on its neighbours."""
    cuda_graphs: bool = True
    """Replay recorded decode steps on a GPU; off only to look for faults."""
    reduce_in_fp32: bool = True
    """Add the partial results of several devices in fp32; off: in the model's own format."""
    symmetric_memory: bool = True
    """Let GPUs read each other's memory for small sums, where they can; off: NCCL adds all."""
    speculation: bool = True
    """Guess repeated text from the conversation itself; answers are the same, only faster."""


class EndpointSettings(Section):
    """A model that other processes serve through the OpenAI API (docs/endpoints.md)."""

    urls: Annotated[tuple[Endpoint, ...] | None, BeforeValidator(_listed)] = None
    """Servers such as "http://gpu1:8000/v1", separated by commas; empty: the embedded engine."""
    model: Annotated[str | None, EmptyUnsets] = None
    """The name by which they know the model; empty: the first that each lists."""
    silence_seconds: Seconds = 300.0
    """A server that says nothing for so long is taken for gone."""
    patience_seconds: Seconds = 600.0
    """How long servers are asked again for one reply when nothing is heard of any."""


class BatchSettings(Section):
    """How many attempts of a run go on at once, and what the whole run may use."""

    workers: int = Field(default=4, ge=1)
    """Attempts that talk to the model at once."""
    sessions: Annotated[int | None, EmptyUnsets] = Field(default=None, ge=1)
    """Conversations open in the engine at once; empty: one for each worker."""
    sandboxes: Annotated[int | None, EmptyUnsets] = Field(default=None, ge=1)
    """Sandboxes open at once; empty: one for each worker and each grading."""
    builds: int = Field(default=2, ge=1)
    """Images or environments made at once."""
    grading: int = Field(default=2, ge=1)
    """Patches judged by tests at once."""
    failures_in_row: int = Field(default=10, ge=0)
    """After so many failed attempts without a result between them the run ends; 0: never."""
    turns: Annotated[int | None, EmptyUnsets] = Field(default=None, ge=1)
    """Replies of the whole run; empty: no limit."""
    tokens: Annotated[int | None, EmptyUnsets] = Field(default=None, ge=1)
    """Tokens that the model writes in the whole run; empty: no limit."""
    seconds: Annotated[Seconds | None, EmptyUnsets] = None
    """Seconds of the run from its start or resumption; empty: no limit."""


class CostSettings(Section):
    """Prices for reports; those that are set are added up, and without any there is no cost."""

    currency: str = Field(default="USD", min_length=1)
    """What the prices are in."""
    per_gpu_hour: Annotated[float | None, EmptyUnsets] = Field(default=None, ge=0)
    """Price of one GPU for an hour; empty: none."""
    gpus: Annotated[int | None, EmptyUnsets] = Field(default=None, ge=1)
    """GPUs that the run had; empty: its engine.tensor_parallel."""
    per_million_input_tokens: Annotated[float | None, EmptyUnsets] = Field(default=None, ge=0)
    """Price of a million tokens of context before the replies, cached or not; empty: none."""
    per_million_output_tokens: Annotated[float | None, EmptyUnsets] = Field(default=None, ge=0)
    """Price of a million tokens that the model writes; empty: none."""


class ClusterSettings(Section):
    """What `run --on ray` asks of a Ray cluster."""

    address: Annotated[str | None, EmptyUnsets] = None
    """HOST:PORT of the head; empty: RAY_ADDRESS, or the cluster that this machine belongs to."""
    replicas: int = Field(default=1, ge=1)
    """Copies of the engine, each with GPUs of its own."""
    replica_cpus: float = Field(default=1.0, gt=0)
    """CPU cores for each rank of a copy that has no GPU."""
    wait_seconds: float = Field(default=0.0, ge=0, le=1e9)
    """How long nodes may take to join until the cluster has what the run asks for."""


class Settings(Section):
    """Everything that can be set."""

    mode: Literal["improved", "faithful"] = "improved"
    """faithful follows the published protocol, improved fixes its defects (docs/modes.md)."""
    model: Annotated[str | None, EmptyUnsets] = None
    """Folder of a checkpoint in Hugging Face or distributed (DCP) layout; empty: bundled nano."""
    device: str = Field(default="auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$")
    """auto, cpu, cuda or cuda:N."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """auto takes bfloat16 on a GPU and float32 on a CPU."""
    quantize: Literal["none", "fp8", "int8"] = "none"
    """Linear layers in 8 bits; `cwm-agent model inspect --quantize` says what it changes."""
    prompt_pack: str = Field(default="default", min_length=1)
    """Name or file of the texts that the model sees."""
    tools: Tools = PUBLISHED_TOOLS
    """What the model may call; bash and submit are the published set without plugins."""
    runs: str = Field(default="runs", min_length=1)
    """Folder of the runs."""
    samples: int = Field(default=1, ge=1)
    """Attempts for every issue."""
    engine: EngineSettings = EngineSettings()
    endpoint: EndpointSettings = EndpointSettings()
    sandbox: SandboxSettings = SandboxSettings()
    limits: LimitSettings = LimitSettings()
    sampling: SamplingSettings = SamplingSettings()
    batch: BatchSettings = BatchSettings()
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
