"""The hosts that a sandbox may reach, and the proxy's rules that let it reach no other.

The proxy is squid. Its rules are checked from left to right and the first
that fits decides (http://www.squid-cache.org/Doc/config/http_access/).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from envs.errors import HostError

PORT = 3128
"""Where the proxy listens on the sandbox's own loopback, and squid on its own."""
WEB, TLS = 80, 443
CONFIGURATION, HOSTS = "/tmp/squid.conf", "/tmp/hosts"
NAME_LENGTH = 253
"""RFC 1035, section 2.3.4, as text."""
MOST_HOSTS = 200
"""So that squid's settings fit into one variable of the container (128 KiB in Linux)."""
LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
ENTRY = re.compile(
    rf"(?P<star>\*\.)?(?P<name>{LABEL}(?:\.{LABEL})*)(?::(?P<port>[0-9]{{1,5}}))?"
    r"(?:=(?P<address>.*))?"
)
NOT_PUBLIC = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
    "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
)  # fmt: skip
"""What no public host has: https://www.iana.org/assignments/iana-ipv4-special-registry. Of IPv6
there is nothing, for the proxy has none: squid does not compare all of its ranges as written."""
SETTINGS = f"""\
http_port 127.0.0.1:{PORT}
hosts_file {HOSTS}
pid_filename none
cache deny all
cache_mem 8 MB
memory_pools off
cache_log /tmp/squid.log
access_log none
cache_store_log none
coredump_dir none
pinger_enable off
icp_port 0
htcp_port 0
snmp_port 0
via off
forwarded_for delete
negative_dns_ttl 10 seconds
max_filedescriptors 1024
shutdown_lifetime 0 seconds
"""


@dataclass(frozen=True, slots=True)
class AllowedHost:
    """One host that may be reached by its name.

    Without `port` that is port 443 through a tunnel (CONNECT) and port 80 for
    plain HTTP; a `port` stands for both ways and for no other port. `address`
    is what the name means to the proxy; without it the name's public addresses
    count. `subdomains` takes in everything below the name.
    """

    name: str
    subdomains: bool = False
    port: int | None = None
    address: str | None = None


def parse_host(text: str) -> AllowedHost:
    """`NAME`, `*.NAME`, `NAME:PORT`, each also with `=ADDRESS`; raises HostError."""
    found = ENTRY.fullmatch(text.strip().lower())
    if found is None:
        raise HostError(f"{text!r} is not NAME, *.NAME, NAME:PORT or one of them with =ADDRESS")
    name, port, address = found["name"], found["port"], found["address"]
    if len(name) > NAME_LENGTH:
        raise HostError(f"{text!r} has more than {NAME_LENGTH} characters before port and address")
    if re.fullmatch(r"0x[0-9a-f]*|[0-9]+", name.rpartition(".")[2]):  # so clients read an IPv4
        raise HostError(f"{text!r} is an address; give it a name: NAME:PORT=ADDRESS")
    if port is not None and not 0 < int(port) < 2**16:
        raise HostError(f"{text!r} has no port between 1 and 65535")
    if address is not None:
        try:
            address = str(ipaddress.IPv4Address(address))
        except ValueError as error:
            raise HostError(f"{text!r} has no IPv4 address behind '='") from error
        if found["star"]:
            raise HostError(f"{text!r}: an address belongs to one name; leave out '*.'")
    return AllowedHost(name, bool(found["star"]), int(port) if port else None, address)


def parse_hosts(texts: Iterable[str]) -> tuple[AllowedHost, ...]:
    """All entries of a list; raises HostError, also where they give one name two addresses."""
    hosts = tuple(parse_host(text) for text in texts)
    if len(hosts) > MOST_HOSTS:
        raise HostError(f"{len(hosts)} hosts are too many for a list; give {MOST_HOSTS} at most")
    addresses: dict[str, str] = {}
    for host in hosts:
        if host.address and addresses.setdefault(host.name, host.address) != host.address:
            raise HostError(f"{host.name} has two addresses in the list; give it one")
    return hosts


def hosts_file(hosts: Sequence[AllowedHost]) -> str:
    """The addresses that the list itself gives, in the format of /etc/hosts."""
    return "".join(f"{host.address} {host.name}\n" for host in hosts if host.address)


def configuration(hosts: Sequence[AllowedHost]) -> str:
    """All of squid.conf."""
    return SETTINGS + "".join(f"{line}\n" for line in _rules(hosts))


def proxy_variables() -> dict[str, str]:
    """What tells the programs in a sandbox of the proxy, in both spellings."""
    address = f"http://127.0.0.1:{PORT}"
    own = "localhost,127.0.0.1,::1"
    variables = {"http_proxy": address, "https_proxy": address, "no_proxy": own}
    return variables | {name.upper(): value for name, value in variables.items()}


def _rules(hosts: Sequence[AllowedHost]) -> Iterator[str]:
    """One or two `http_access` lines for each host, and then the refusal of all else.

    `-n` keeps squid from asking which name an address has: its owner would
    answer. `dst` is last in each line, so only names on the list are looked
    up. A name that could not be looked up has no address: then `!not_public`
    alone would allow it, and squid would ask once more before it connects; so
    `found` is asked for too. `not_public` fits when one of several addresses
    does. That squid connects to the addresses that it compared is what
    `negative_dns_ttl` is for: it is also the shortest time that an answer is kept.
    """
    yield "acl tunnel method CONNECT"
    yield "acl plain proto HTTP"
    yield "acl found dst all"
    yield from (f"acl not_public dst {network}" for network in NOT_PUBLIC)
    yield f"acl web port {WEB}"
    yield f"acl tls port {TLS}"
    for number, host in enumerate(hosts):
        name, where = f"name{number}", "found !not_public"
        yield f"acl {name} dstdomain -n {'.' if host.subdomains else ''}{host.name}"
        if host.address is not None:
            where = f"address{number}"
            yield f"acl {where} dst {host.address}"
        tls, web = "tls", "web"
        if host.port is not None:
            tls = web = f"port{number}"
            yield f"acl {tls} port {host.port}"
        yield f"http_access allow {name} tunnel {tls} {where}"
        yield f"http_access allow {name} plain !tunnel {web} {where}"
    yield "http_access deny all"
