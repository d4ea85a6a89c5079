"""What can go wrong in `model`; every text names the cause and the remedy."""

from __future__ import annotations


class ModelError(Exception):
    """Base of every expected failure of this package."""


class CheckpointError(ModelError):
    """A checkpoint folder lacks a file or tensor, or one of them is damaged."""


class ConfigError(ModelError):
    """A value of config.json is missing, wrong or not supported."""


class TokenizerError(ModelError):
    """The tokenizer files cannot be used."""


class DeviceError(ModelError):
    """The wanted device or number format does not exist here."""


class TokenIdError(ModelError):
    """A token id lies outside the model's vocabulary."""


class ContextOverflowError(ModelError):
    """The conversation does not fit into the model's context."""


class SamplingError(ModelError):
    """Sampling or length values are out of range or contradict each other."""


class NumericsError(ModelError):
    """The model produced logits that are not finite numbers."""


class SessionError(ModelError):
    """A session was used in a state that does not allow it."""


class CallbackError(ModelError):
    """A function that the session's owner gave (mask, stop watcher, on_token) failed."""


class EngineError(ModelError):
    """The engine is closed, or its device or a worker failed."""


class PoolTooSmallError(ModelError):
    """The KV pages cannot hold what one sequence needs."""


class MemoryPlanError(ModelError):
    """A model, with the context and batch that are wanted, does not fit the card."""


class QuantizationError(ModelError):
    """The weights cannot be quantised as wanted."""
