"""Values that say where servers are and what they are told."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator

from cwm_agent.parsing import parse_json


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


def _json_object(text: str | None) -> str | None:
    """The text of a JSON object; raises ValueError."""
    if text is not None and not isinstance(parse_json(text), dict):
        raise ValueError(f"{text!r} is not a JSON object")
    return text


ServerUrls = Annotated[
    tuple[Annotated[str, AfterValidator(_endpoint)], ...] | None, BeforeValidator(_listed)
]
JsonObject = Annotated[str | None, AfterValidator(_json_object)]
