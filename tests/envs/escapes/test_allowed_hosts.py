"""A sandbox that may reach a few hosts reaches them, by name, through the proxy, and no others.

A web server in a container stands for all hosts. Its address is a private
one, so the list gives it to the names that may mean it.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from docker.errors import NotFound

from envs.cleanup import Stray, find_strays, sweep
from envs.docker.sandbox import DockerSandbox
from envs.errors import SandboxError
from envs.images.recipes import base_image, proxy_image
from envs.sandbox.allowed_hosts import parse_hosts
from envs.sandbox.owner import boot_id, labels
from envs.sandbox.sandbox import Owner, SandboxLimits

if TYPE_CHECKING:
    from docker import DockerClient

pytestmark = pytest.mark.docker

ROOT = Path(__file__).parents[3]
RUN = f"allowed-{os.getpid()}"
GONE = Owner(RUN, "gone", 0, 2**22 + 1, boot_id())
CERTIFY = (
    "openssl req -x509 -nodes -newkey rsa:2048 -subj /CN=allowed.test -out certificate.pem "
    "-keyout key.pem -addext subjectAltName=DNS:allowed.test 2>/dev/null"
)
SERVE = """
import http.server, ssl, threading

class Handler(http.server.SimpleHTTPRequestHandler):
    def log_request(self, *ignored):
        with open("/srv/seen", "a") as file:
            print(self.path, self.headers.get("Host"), file=file)

def serve(port, tls=None):
    handler = lambda *given: Handler(*given, directory="/srv/web")
    server = http.server.ThreadingHTTPServer(("", port), handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever).start()

tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain("certificate.pem", "key.pem")
serve(8080), serve(8081), serve(8443, tls)
print("on", flush=True)
"""
ASK = """python3 - <<'END'
import socket
for request in {requests!r}:
    with socket.create_connection(("127.0.0.1", 3128)) as proxy:
        proxy.settimeout(20)
        proxy.sendall(request.replace("\\n", "\\r\\n").encode())
        print(proxy.recv(100).decode().split("\\r\\n")[0].partition(" ")[2])
END"""
OWNED = """
import os, sys
from envs.docker.sandbox import DockerSandbox
from envs.sandbox.allowed_hosts import parse_hosts
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Owner, SandboxLimits
run, image, host = sys.argv[1:]
limits = SandboxLimits(allowed_hosts=parse_hosts([host]))
place = DockerSandbox(image, limits=limits, owner=Owner(run, "i", 1, os.getpid(), boot_id()))
place.open()
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def image(engine: DockerClient) -> str:
    try:
        proxy_image(engine)
    except SandboxError as error:
        pytest.skip(
            f"NO TEST OF THE PROXY, for its image (apt: squid, socat) cannot be made: {error}"
        )
    return base_image(engine)


@dataclass
class Web:
    """A container with a server for a folder: two ports over HTTP, one over TLS."""

    sandbox: DockerSandbox
    address: str
    plain: int = 8080
    unlisted: int = 8081
    tls: int = 8443

    @property
    def certificate(self) -> bytes:
        return self.sandbox.read_file("/srv/certificate.pem")

    def seen(self) -> list[str]:
        """What was asked for: a path and the header "Host" in each line."""
        return self.sandbox.read_file("/srv/seen").decode().splitlines()


@pytest.fixture(scope="module")
def web(
    engine: DockerClient, image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Web]:
    folder = tmp_path_factory.mktemp("web")
    fill(folder)
    limits = SandboxLimits(memory_bytes=2**29, pids=200, network=True)
    owner = Owner(RUN, "web", 0, os.getpid(), boot_id())
    with DockerSandbox(image, limits=limits, owner=owner, root="/srv") as server:
        server.put_tree(str(folder), "/srv/web")
        server.write_file("/srv/serve.py", SERVE.encode())
        answer = server.run(
            f"{CERTIFY} && : >seen && exec 3< <(python3 serve.py) && head -1 <&3", timeout=60.0
        )
        assert answer.output.endswith("on\n")
        networks = engine.containers.get(server.container_id).attrs["NetworkSettings"]["Networks"]
        yield Web(server, networks["bridge"]["IPAddress"])


def fill(folder: Path) -> None:
    """A package index with one wheel, and a git repository for the plain ("dumb") protocol."""
    index = folder / "simple" / "greeting"
    index.mkdir(parents=True)
    about = "greeting-1.0.dist-info"
    with zipfile.ZipFile(index / "greeting-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("greeting.py", "WORD = 'hello'\n")
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")
    git = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    work, bare = folder / "work", folder / "repository.git"
    for command in (
        ["init", "-q", str(work)],
        ["-C", str(work), "commit", "-q", "--allow-empty", "-m", "From afar"],
        ["clone", "-q", "--bare", str(work), str(bare)],
        ["-C", str(bare), "update-server-info"],
    ):
        subprocess.run([*git, *command], check=True)


@dataclass
class Place:
    """An open sandbox that may reach `allowed.test`, and the web that all names stand for."""

    sandbox: DockerSandbox
    web: Web

    def run(self, command: str) -> str:
        return self.sandbox.run(command, timeout=60.0).output

    def ask(self, *requests: str) -> list[str]:
        """The first lines of the proxy's answers, without the version."""
        return self.run(ASK.format(requests=requests)).splitlines()


@pytest.fixture(scope="module")
def place(image: str, web: Web) -> Iterator[Place]:
    hosts = [f"allowed.test:{web.plain}={web.address}", f"allowed.test:{web.tls}={web.address}"]
    hosts += [f"public.test:{web.unlisted}", f"public.test:1={web.address}"]
    hosts += ["own.test:1=127.0.0.1", "own.test:82"]
    limits = SandboxLimits(memory_bytes=2**29, pids=200, allowed_hosts=parse_hosts(hosts))
    with DockerSandbox(image, limits=limits, owner=Owner(RUN, "i", 0, os.getpid(), boot_id())) as s:
        yield Place(s, web)


class TestAllowed:
    def test_git_clones_from_an_allowed_host(self, place: Place) -> None:
        place.run(f"git clone -q http://allowed.test:{place.web.plain}/repository.git /tmp/copy")
        assert place.run("git -C /tmp/copy log --format=%s") == "From afar\n"

    def test_pip_installs_from_an_allowed_host_over_tls(self, place: Place) -> None:
        place.sandbox.write_file("/tmp/ca.pem", place.web.certificate)
        index = f"https://allowed.test:{place.web.tls}/simple"
        place.run(f"pip install -q --cert /tmp/ca.pem -i {index} --target /tmp/lib greeting")
        look = "import greeting; print(greeting.WORD)"
        assert place.run(f'PYTHONPATH=/tmp/lib python3 -c "{look}"') == "hello\n"

    def test_a_server_of_the_sandboxs_own_needs_no_proxy(self, place: Place) -> None:
        place.run("cd /tmp && (python3 -m http.server 8000 >/dev/null 2>&1 &) && sleep 1")
        get = "import urllib.request as u; print(u.urlopen('http://localhost:8000').status)"
        assert place.run(f'python3 -c "{get}"') == "200\n"


class TestRefused:
    @pytest.mark.parametrize(
        "target",
        [
            "forbidden.test:{port}",
            "sub.allowed.test:{port}",
            "allowed.test.forbidden.test:{port}",
            "allowed.test:{unlisted}",
            "allowed.test:80",
            "allowed.test:443",
            "{address}:{port}",
            "[::ffff:{address}]:{port}",
            "169.254.169.254:80",
            "127.0.0.1:3128",
            "localhost:3128",
        ],
    )
    def test_other_names_ports_and_all_bare_addresses(self, place: Place, target: str) -> None:
        known = {
            "port": place.web.plain,
            "unlisted": place.web.unlisted,
            "address": place.web.address,
        }
        where, name = target.format(**known), f"allowed.test:{place.web.plain}"
        assert (
            place.ask(
                f"GET http://{where}/refused HTTP/1.1\nHost: {name}\n\n",
                f"GET http://{name}@{where}/refused HTTP/1.1\nHost: {name}\n\n",
                f"CONNECT {where} HTTP/1.1\nHost: {name}\n\n",
            )
            == ["403 Forbidden"] * 3
        )
        assert "refused" not in "".join(place.web.seen())

    def test_a_listed_name_that_means_a_private_address(self, place: Place) -> None:
        """Only the entry that gives the address may lead there; this one leaves it to the name."""
        where = f"public.test:{place.web.unlisted}"
        assert place.ask(
            f"GET http://{where}/private HTTP/1.0\n\n",
            f"CONNECT {where} HTTP/1.0\n\n",
            "CONNECT own.test:82 HTTP/1.0\n\n",
            "CONNECT own.test:1 HTTP/1.0\n\n",
        ) == ["403 Forbidden"] * 3 + ["503 Service Unavailable"]
        assert "private" not in "".join(place.web.seen())

    def test_the_host_header_is_what_the_address_line_says(self, place: Place) -> None:
        name = f"allowed.test:{place.web.plain}"
        request = f"GET http://{name}/forged HTTP/1.1\nHost: forbidden.test\nConnection: close\n\n"
        assert place.ask(request) == ["404 Not Found"]
        assert f"/forged {name}" in place.web.seen()

    def test_other_protocols_and_the_proxys_own_pages(self, place: Place) -> None:
        assert (
            place.ask(
                f"GET ftp://allowed.test:{place.web.plain}/ HTTP/1.0\n\n",
                "GET cache_object://localhost/info HTTP/1.0\n\n",
                "GET http://localhost:3128/squid-internal-mgr/info HTTP/1.0\n\n",
            )
            == ["403 Forbidden"] * 3
        )

    def test_there_is_no_way_but_the_proxy(self, place: Place) -> None:
        assert place.run("tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '") == "lo\n"
        assert place.run("tail -n +2 /proc/net/route") == ""
        direct = f"exec 3<>/dev/tcp/{place.web.address}/{place.web.plain} && echo reached"
        assert "Network is unreachable" in place.run(f"({direct}) 2>&1")
        assert place.run("getent hosts allowed.test example.org || echo unknown") == "unknown\n"
        datagram = "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'?', {})"
        answer = place.run(f'python3 -c "{datagram.format((place.web.address, 53))}" 2>&1')
        assert "Network is unreachable" in answer

    def test_the_socket_and_the_proxys_settings_are_out_of_sight(self, place: Place) -> None:
        assert "No such file" in place.run("ls /run/egress /tmp/squid.conf 2>&1")
        assert place.run("cat /proc/*/cmdline | tr '\\0' ' ' | grep -cE 'squi[d]|soca[t]'") == "0\n"


def left(engine: DockerClient, run: str) -> list[str]:
    chosen = {"label": f"cwm-agent.run={run}"}
    return [
        *(x["Id"] for x in engine.api.containers(all=True, filters=chosen)),
        *(x["Name"] for x in engine.api.volumes(filters=chosen)["Volumes"] or []),
        *(x["Id"] for x in engine.api.networks(filters=chosen)),
    ]


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 30.0
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def test_nothing_is_left_of_a_killed_run_and_others_go_on(
    engine: DockerClient, image: str, place: Place
) -> None:
    other, host = f"{RUN}-other", f"allowed.test:{place.web.plain}={place.web.address}"
    child = subprocess.Popen(
        [sys.executable, "-c", OWNED, other, image, host],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "open\n"
    assert len(left(engine, other)) == 4  # three containers and a volume
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert eventually(lambda: left(engine, other) == [])
    assert place.ask(f"GET http://allowed.test:{place.web.plain}/ HTTP/1.0\n\n") == ["200 OK"]


def test_closing_removes_the_proxy_too(engine: DockerClient, image: str) -> None:
    owner = Owner(f"{RUN}-closed", "i", 0, os.getpid(), boot_id())
    limits = SandboxLimits(allowed_hosts=parse_hosts(["allowed.test=127.0.0.1"]))
    with DockerSandbox(image, limits=limits, owner=owner):
        assert len(left(engine, owner.run)) == 4
        assert not [stray for stray in find_strays(engine) if stray.name in left(engine, owner.run)]
    assert left(engine, owner.run) == []


def test_without_its_proxy_a_sandbox_reaches_nothing(engine: DockerClient, image: str) -> None:
    owner = Owner(f"{RUN}-fallen", "i", 0, os.getpid(), boot_id())
    limits = SandboxLimits(allowed_hosts=parse_hosts(["own.test:1=127.0.0.1"]))
    with DockerSandbox(image, limits=limits, owner=owner) as sandbox:
        (proxy,) = (
            x
            for x in engine.containers.list(filters={"label": f"cwm-agent.run={owner.run}"})
            if "proxy" in x.attrs["Args"]
        )
        proxy.kill()
        assert eventually(lambda: proxy.id not in left(engine, owner.run))
        answer = sandbox.run("exec 3<>/dev/tcp/127.0.0.1/3128; head -c1 <&3 | wc -c", timeout=30.0)
        assert re.search(r"^0$|refused", answer.output, re.MULTILINE)


def test_a_sweep_removes_a_dead_owners_volume(engine: DockerClient) -> None:
    dead = engine.volumes.create(labels=labels(GONE))
    living = engine.volumes.create(labels=labels(Owner(RUN, "i", 0, os.getpid(), boot_id())))
    try:
        sweep(engine)  # or another process's, at the same time
        with pytest.raises(NotFound):
            engine.volumes.get(dead.id)
        assert Stray("volume", living.id) not in find_strays(engine)
        assert living.id in left(engine, RUN)
    finally:
        living.remove()
