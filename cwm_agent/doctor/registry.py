"""How many images a registry still lets this address pull, where it answers at all."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass
from email.message import Message
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

from cwm_agent.doctor.check import Check

SECONDS = 3.0
FEW_PULLS = 20
MANIFESTS = (
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.docker.distribution.manifest.v2+json"
)
LOG_IN = "log in (`docker login`) or set up a mirror: pulls of images will fail until it is reset"


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and headers of one request, whatever the status is."""

    status: int
    headers: Message
    body: bytes


def registry(address: str) -> Check | None:
    """What the registry at `address` allows without a login; None when it does not answer.

    It is asked for the public base image by HEAD, which counts as no pull.
    """
    answers: list[Answer] = []

    def ask() -> None:
        try:
            answers.append(_ask(address))
        except (OSError, ValueError, KeyError):
            return

    asking = threading.Thread(target=ask, daemon=True)  # looking up a name knows no time limit
    asking.start()
    asking.join(SECONDS)
    return verdict(answers[0]) if answers else None


def verdict(answer: Answer) -> Check:
    """What an answer says of the limit."""
    limit, remaining = (_first_number(answer.headers.get(f"RateLimit-{name}"))
                        for name in ("Limit", "Remaining"))  # fmt: skip
    if answer.status == 429:
        return Check("registry", "warn", "answers that its limit on pulls is reached", LOG_IN)
    if limit is None or remaining is None:
        return Check("registry", "ok", "answers, and states no limit on pulls")
    found = f"{remaining} of {limit} pulls are left to this address without a login"
    if remaining < FEW_PULLS:
        return Check("registry", "warn", found, LOG_IN)
    return Check("registry", "ok", found)


def _ask(address: str) -> Answer:
    from envs.images.recipes import public_image

    scheme, place, *_ = urlsplit(address)
    name, _, tag = public_image().partition(":")
    url = f"{scheme}://{place}/v2/library/{name}/manifests/{tag}"
    answer = _request(url, "HEAD", {})
    if answer.status != 401:
        return answer
    token = _token(str(answer.headers.get("WWW-Authenticate", "")))
    return _request(url, "HEAD", {"Authorization": f"Bearer {token}"})


def _token(challenge: str) -> str:
    """A token for somebody without a login, from the place that the challenge names."""
    fields = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    query = urlencode({key: fields[key] for key in ("service", "scope") if key in fields})
    answer = json.loads(_request(f"{fields['realm']}?{query}", "GET", {}).body)
    return str(answer.get("token") or answer["access_token"])


def _request(url: str, method: str, headers: dict[str, str]) -> Answer:
    if urlsplit(url).scheme not in ("http", "https"):
        raise ValueError(f"not a web address: {url}")
    request = Request(url, method=method, headers={"Accept": MANIFESTS, **headers})
    try:
        with urlopen(request, timeout=SECONDS) as response:
            return Answer(response.status, response.headers, response.read())
    except HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read())


def _first_number(value: str | None) -> int | None:
    """ "100;w=21600" is 100."""
    found = re.match(r"\d+", value or "")
    return int(found[0]) if found else None
