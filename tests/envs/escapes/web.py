"""A web server that stands for all hosts, and sandboxes that may reach it by some names."""

from __future__ import annotations

import os
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

from envs.docker.sandbox import DockerSandbox

RUN = f"allowed-{os.getpid()}"
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
