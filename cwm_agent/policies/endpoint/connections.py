"""An HTTP client for model servers, by the proxies and certificates of the environment.

The variables are read as the standard library reads them (`urllib.request`), and each
server has one route. httpx's own reading of them fails on `no_proxy=[::1]` and sends
requests to this very machine through a proxy, which cannot reach it.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)  # fmt: skip
from urllib.parse import urlsplit
from urllib.request import getproxies_environment

import httpx

from cwm_agent.errors import NotReadyError

CONNECT_SECONDS = 10.0
WRITE_SECONDS = 60.0
_NOWHERE = IPv6Network("::/128")
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def open_client(urls: Sequence[str], silence: float, api_key: str | None) -> httpx.AsyncClient:
    """A client for the servers at `urls`; raises NotReadyError naming the variable at fault.

    `silence` is how many seconds a server may say nothing.
    """
    timeout = httpx.Timeout(silence, connect=CONNECT_SECONDS, write=WRITE_SECONDS, pool=None)
    context = _certificates() if any(url.startswith("https:") for url in urls) else False
    limits = httpx.Limits(max_connections=None)
    routes = {_origin(url): proxy for url in urls if (proxy := proxy_for(url))}
    mounts: dict[str, httpx.AsyncBaseTransport | None] = {}
    for origin, proxy in routes.items():
        try:
            mounts[origin] = httpx.AsyncHTTPTransport(verify=context, limits=limits, proxy=proxy)
        except (ValueError, httpx.InvalidURL) as error:
            raise NotReadyError(
                f"the proxy {proxy!r} for {origin} cannot be used ({error}); correct the variable "
                "HTTP_PROXY, HTTPS_PROXY or ALL_PROXY, or name the host in NO_PROXY"
            ) from error
    return httpx.AsyncClient(
        timeout=timeout,
        limits=limits,
        mounts=mounts,
        verify=context,
        trust_env=False,
        headers={"Authorization": f"Bearer {api_key}"} if api_key else None,
    )


def proxy_for(url: str) -> str | None:
    """The proxy that the variables name for a server; None to reach it directly."""
    parts = urlsplit(url)
    host, proxies = parts.hostname or "", getproxies_environment()
    if _is_this_machine(host) or _is_excepted(host, parts.port, proxies.get("no", "")):
        return None
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return proxy if proxy is None or "://" in proxy else f"http://{proxy}"


def _is_this_machine(host: str) -> bool:
    address = _address(host)
    return host == "localhost" if address is None else address.is_loopback


def _is_excepted(host: str, port: int | None, excepted: str) -> bool:
    """Whether NO_PROXY names a host: by name, domain, address, network, with or without a port."""
    address = _address(host)
    for entry in excepted.replace("[", "").replace("]", "").lower().split(","):
        name = entry.strip().removeprefix("*.").lstrip(".")
        if "/" in name:
            if address is not None and address in _network(name):
                return True
        elif name and (name in ("*", host, f"{host}:{port}") or host.endswith(f".{name}")):
            return True
    return False


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _network(text: str) -> IPv4Network | IPv6Network:
    """A network; what is none holds no address."""
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return _NOWHERE


def _origin(url: str) -> str:
    """What httpx routes by: the URL up to its path."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _certificates() -> ssl.SSLContext:
    try:
        return httpx.create_ssl_context()
    except OSError as error:  # ssl.SSLError, too
        named = " ".join(f"{n}={os.environ[n]}" for n in CERTIFICATES if os.environ.get(n))
        raise NotReadyError(
            f"cannot read certificates from {named or 'the system'} "
            f"({error.strerror or error}); name a file of them in SSL_CERT_FILE, or unset it"
        ) from error
