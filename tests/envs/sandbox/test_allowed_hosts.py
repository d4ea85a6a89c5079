"""The list of allowed hosts: what may be written in it, and what the proxy is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.bubblewrap.sandbox import BubblewrapSandbox
from envs.errors import HostError, SandboxError
from envs.sandbox.allowed_hosts import (
    AllowedHost,
    configuration,
    hosts_file,
    parse_host,
    parse_hosts,
)
from envs.sandbox.sandbox import Owner, SandboxLimits


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("example.com", AllowedHost("example.com")),
        (" Example.Com ", AllowedHost("example.com")),
        ("*.example.net", AllowedHost("example.net", subdomains=True)),
        ("mirror:8080", AllowedHost("mirror", port=8080)),
        ("mirror.corp=10.1.2.3", AllowedHost("mirror.corp", address="10.1.2.3")),
        ("mirror:81=10.1.2.3", AllowedHost("mirror", port=81, address="10.1.2.3")),
    ],
)
def test_an_entry_is_a_name_with_a_port_and_an_address(text: str, host: AllowedHost) -> None:
    assert parse_host(text) == host


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("10.0.0.1", "is an address; give it a name: NAME:PORT=ADDRESS"),
        ("127.1:80", "is an address"),
        ("0x7f000001", "is an address"),
        ("*", "is not NAME"),
        ("https://example.com", "is not NAME"),
        ("[::1]:80", "is not NAME"),
        ("a b", "is not NAME"),
        ("a." * 126 + "abc", "more than 253 characters"),
        ("example.com:0", "no port between 1 and 65535"),
        ("example.com=mirror", "no IPv4 address"),
        ("*.example.com=10.0.0.1", "an address belongs to one name"),
    ],
)
def test_anything_else_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(HostError, match=complaint.replace("*", r"\*")):
        parse_host(text)


def test_a_name_has_one_address() -> None:
    hosts = parse_hosts(["a.test:1=10.0.0.1", "a.test:2=10.0.0.1", "b.test"])
    assert hosts_file(hosts) == "10.0.0.1 a.test\n10.0.0.1 a.test\n"
    with pytest.raises(HostError, match=r"a\.test has two addresses"):
        parse_hosts(["a.test:1=10.0.0.1", "a.test:2=10.0.0.2"])


def test_the_longest_list_still_fits_into_a_variable() -> None:
    name = ".".join(["a" * 60] * 4)
    longest = [f"{n:03}.{name}:65535=127.0.0.1" for n in range(200)]
    assert len(configuration(parse_hosts(longest))) < 127 * 1024
    with pytest.raises(HostError, match="201 hosts are too many"):
        parse_hosts([*longest, "a.test"])


def test_an_empty_list_allows_nothing() -> None:
    rules = [line for line in configuration(()).splitlines() if line.startswith("http_access")]
    assert rules == ["http_access deny all"]


@given(st.text(alphabet="aZ09.-_*:= \n\r\t#\"'\\/%!", max_size=20))
def test_no_entry_adds_a_rule_of_its_own(text: str) -> None:
    try:
        host = parse_host(text)
    except HostError:
        return
    lines = configuration([host]).splitlines()
    assert len(lines) == len(configuration([AllowedHost("a", port=host.port)]).splitlines()) + bool(
        host.address
    )
    assert lines[-1] == "http_access deny all"
    assert len(hosts_file([host]).split()) in (0, 2)


def test_bubblewrap_says_that_it_has_no_proxy() -> None:
    limits = SandboxLimits(allowed_hosts=parse_hosts(["example.com"]))
    place = BubblewrapSandbox(limits=limits, owner=Owner("r", "i", 0, 1, ""))
    with pytest.raises(SandboxError, match="use --sandbox docker") as caught:
        place.open()
    assert caught.value.cause == "not_available"
