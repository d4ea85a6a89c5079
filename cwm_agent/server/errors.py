"""What goes wrong with a request, in no protocol's own words."""

from __future__ import annotations


class RequestError(Exception):
    """A request that cannot be answered. `status` is HTTP's, `param` names the field at fault.

    `seconds`: ask again after so long.
    """

    def __init__(
        self,
        text: str,
        *,
        status: int = 400,
        code: str | None = None,
        param: str | None = None,
        seconds: int | None = None,
    ) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.param = param
        self.seconds = seconds


def away(text: str, seconds: int) -> RequestError:
    """The engine is not there."""
    return RequestError(text, status=503, code="engine_unavailable", seconds=seconds)


def too_long(text: str) -> RequestError:
    """More tokens than the model can hold."""
    return RequestError(text, code="context_length_exceeded", param="messages")
