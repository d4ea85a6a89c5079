"""From what the user asked for to a policy that is ready to talk."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cwm_agent.config.paths import expand
from cwm_agent.config.settings import Settings
from cwm_agent.errors import NotReadyError, UsageError
from cwm_agent.parsing import parse_json
from cwm_agent.policies import bundled as nano
from cwm_agent.policies.chat.provider import PROVIDERS, api_key, chat_model
from cwm_agent.policies.choice import PolicyChoice
from cwm_agent.policies.human import HumanPolicy
from cwm_agent.policies.policy import Policy
from cwm_agent.policies.recording import load_recording
from cwm_agent.policies.replay import ReplayPolicy
from model.stats import EngineStats
from results.found import Capabilities
from tools.parsing import THINK_END

if TYPE_CHECKING:  # torch is loaded when a policy is made, not when the command line starts
    from model.engine.build import EngineOptions
    from model.step.sampler import Sampling


@dataclass(frozen=True, slots=True)
class OpenPolicy:
    """A policy and what the environment must know of it.

    `thinking`: its replies hold a thinking part first. `context_tokens`: the
    longest conversation it can hold, None without a limit. `note` is a line
    for the screen. `loads` looks at its engines, by name: at once, from any thread.
    `capabilities` are those of a model behind a chat API.
    """

    policy: Policy
    thinking: bool
    note: str
    context_tokens: int | None = None
    loads: Callable[[], Mapping[str, EngineStats]] = dict
    capabilities: Capabilities | None = None

    @property
    def native_tools(self) -> bool:
        """Whether it gets tools as functions of its API."""
        return self.capabilities is not None and self.capabilities.tool_calls == "native"


def choose_policy(replay: Path | None, human: bool, settings: Settings) -> PolicyChoice:
    """What the flags and the settings ask for; the bundled model when they name nothing.

    Raises NotReadyError for a checkpoint that is not there, UsageError for
    servers of a model that nobody named.
    """
    if replay is not None:
        load_recording(replay)
        return PolicyChoice("replay", str(replay.absolute()))
    if human:
        return PolicyChoice("human")
    if (named := chat_model(settings.model)) is not None:
        if settings.endpoint.model is not None:
            raise UsageError(f"--model {named.source} names the model: unset endpoint.model")
        return PolicyChoice("chat", named.source)
    served = settings.endpoint.urls is not None
    if served and settings.model is None:
        raise UsageError(
            "servers that take token ids need the tokenizer of their model: give --model DIR, a "
            "folder with its tokenizer and config.json (weights are not read), or --model nano; "
            "for a chat API say --model openai:NAME"
        )
    checkpoint = find_checkpoint(settings.model or nano.NAME)
    return PolicyChoice("endpoint" if served else "embedded", str(checkpoint.absolute()))


def find_checkpoint(model: str) -> Path:
    """The folder of a checkpoint: `nano` (bundled), a path, or a name in the Hugging Face cache.

    Raises NotReadyError for a name that is not in the cache. A folder's
    contents are checked when it is loaded.
    """
    if model == nano.NAME:
        return nano.folder()
    folder = expand(model)
    if folder.is_dir():
        return folder
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(model, local_files_only=True))
    except (HFValidationError, LocalEntryNotFoundError) as error:
        raise NotReadyError(_no_checkpoint(model)) from error


def _no_checkpoint(model: str) -> str:
    prefix, colon, name = model.partition(":")
    if colon and prefix.isidentifier():
        known = " or ".join(f"{provider.name}:{name or 'NAME'}" for provider in PROVIDERS)
        return (
            f"there is no kind of model {prefix!r} ({model}); say {known} for one behind a chat "
            "API, nano for the bundled one, or give the folder of a checkpoint"
        )
    return (
        f"there is no checkpoint folder {model}, and no model of that name in the Hugging "
        "Face cache; check the path, or download it with `hf download NAME`"
    )


def open_policy(
    choice: PolicyChoice,
    settings: Settings,
    *,
    show: Callable[[str], None],
    say: Callable[[str], None],
    tools: bool = True,
) -> OpenPolicy:
    """Make the policy ready.

    Without `tools` it only talks: a model behind a chat API gets no functions.

    `show` displays texts to a person who plays the model, `say` lines about
    what takes long.

    Raises UsageError for a bad recording, ModelError for a bad checkpoint, and
    PolicyError when no server answers or one has no such model.
    """
    match choice.kind:
        case "replay":
            return _open_replay(Path(choice.source))
        case "human":
            policy = HumanPolicy(sys.stdin.fileno(), show)
            return OpenPolicy(policy, thinking=False, note="you are the model")
        case "embedded":
            say(f"loading the checkpoint {choice.source}")
            return _open_embedded(Path(choice.source), settings)
        case "endpoint":
            return _open_endpoint(Path(choice.source), settings)
        case "chat":
            return _open_chat(choice.source, settings, tools=tools)


def _open_replay(path: Path) -> OpenPolicy:
    recording = load_recording(path)
    about = f" ({recording.description})" if recording.description else ""
    note = f"recorded conversation {recording.name}{about}: no model runs, everything else is real"
    thinking = any(THINK_END in reply for reply in recording.replies)
    return OpenPolicy(ReplayPolicy(recording), thinking, note)


def engine_options(settings: Settings) -> EngineOptions:
    """How the settings want an engine to use its devices."""
    from model.engine.build import EngineOptions
    from model.engine.prompt_lookup import DraftSettings

    wanted = settings.engine
    return EngineOptions(
        kv_bytes=wanted.kv_memory,
        typical_tokens=wanted.typical_tokens,
        batch_invariant=wanted.batch_invariant,
        graphs=wanted.cuda_graphs,
        reduce_in_fp32=wanted.reduce_in_fp32,
        symmetric_memory=wanted.symmetric_memory,
        host_bytes=wanted.host_memory,
        tensor_parallel=wanted.tensor_parallel,
        speculation=DraftSettings() if wanted.speculation else None,
    )


def _open_embedded(folder: Path, settings: Settings) -> OpenPolicy:
    from cwm_agent.policies.embedded import EmbeddedPolicy
    from model.checkpoint.layouts import read_shape

    policy = EmbeddedPolicy(
        folder,
        device=settings.device,
        dtype=settings.dtype,
        quantize=settings.quantize,
        sampling=_sampling(settings),
        engine=engine_options(settings),
        logprobs=settings.sampling.logprobs,
    )
    note = nano.NOTE if folder == nano.folder() else f"model {folder.name} in this process"
    return OpenPolicy(
        policy, True, note, read_shape(folder).context, lambda: {policy.name: policy.load()}
    )


def _open_endpoint(folder: Path, settings: Settings) -> OpenPolicy:
    from cwm_agent.policies.endpoint.client import Timeouts
    from cwm_agent.policies.endpoint.policy import EndpointPolicy

    wanted = settings.endpoint
    if wanted.urls is None:
        raise UsageError("the model was served elsewhere: name its servers with --url URL")
    policy = EndpointPolicy(
        wanted.urls,
        folder,
        sampling=_sampling(settings),
        model=wanted.model,
        timeouts=Timeouts(wanted.silence_seconds, wanted.retry_seconds),
        api_key=api_key(wanted.key_file),
    )
    note = f"model {policy.name.partition(':')[2]} at {', '.join(wanted.urls)}"
    return OpenPolicy(policy, True, note, policy.context_tokens, policy.loads)


def _open_chat(source: str, settings: Settings, *, tools: bool) -> OpenPolicy:
    from cwm_agent.policies.chat.policy import ChatPolicy
    from cwm_agent.policies.endpoint.client import Timeouts
    from cwm_agent.prompts.packs import load
    from tools.native import functions

    wanted, model = settings.endpoint, chat_model(source)
    assert model is not None
    urls = model.urls(wanted.urls)
    policy = ChatPolicy(
        model,
        urls,
        functions=functions(settings.tools, load(settings.prompt_pack)) if tools else (),
        tool_calls=wanted.tool_calls,
        temperature=settings.sampling.temperature,
        top_p=settings.sampling.top_p if settings.sampling.temperature else 1.0,
        extra=parse_json(wanted.extra or "{}"),
        timeouts=Timeouts(wanted.silence_seconds, wanted.retry_seconds),
        api_key=api_key(wanted.key_file, None if wanted.urls else model.provider),
    )
    found = policy.capabilities
    calls = "functions of the API" if found.tool_calls == "native" else "text"
    note = f"model {policy.name} at {', '.join(urls)}"
    if tools:
        note += f"; tools are called by {calls} ({found.evidence})"
    return OpenPolicy(policy, found.thinking, note, found.context_tokens, policy.loads, found)


def _sampling(settings: Settings) -> Sampling:
    from model.step.sampler import Sampling

    wanted = settings.sampling
    # At temperature 0 only the likeliest token is left, so there is no nucleus to cut.
    return Sampling(wanted.temperature, wanted.top_p if wanted.temperature else 1.0)
