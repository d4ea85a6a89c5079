"""A Docker daemon of the test's own, and an image for it made of this machine's programs."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tarfile
import time
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from envs.errors import SandboxError

if TYPE_CHECKING:
    from docker import DockerClient

PROGRAMS = (
    *("basename", "bash", "cat", "chmod", "chown", "cmp", "comm", "cp", "cut", "date", "dd"),
    *("dirname", "env", "find", "git", "grep", "head", "id", "kill", "ln", "ls", "mkdir"),
    *("mkfifo", "mktemp", "mv", "readlink", "rm", "sed", "setpriv", "sh", "sha1sum", "sleep"),
    *("sort", "stat", "tail", "tar", "tee", "timeout", "touch", "tr", "true", "uniq", "wc"),
    "xargs",
)
IMAGE = "cwm-agent-test/small:2"
START_SECONDS = 40.0


class PrivateEngine:
    """One dockerd in a network namespace of its own, so that it touches no other's bridge."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "docker.sock"
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: list[DockerClient] = []

    @property
    def host(self) -> str:
        return f"unix://{self.socket}"

    def start(self) -> bool:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    # With --bridge=none a daemon removes the bridge docker0, whoever made it.
                    *("unshare", "--net", "dockerd"),
                    f"--data-root={self.folder}/data",
                    f"--exec-root={self.folder}/exec",
                    f"--pidfile={self.folder}/pid",
                    f"--host={self.host}",
                    "--bridge=none",
                    "--iptables=false",
                    "--ip-masq=false",
                    "--ip-forward=false",
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                self.client(timeout=2.0)
            except SandboxError:
                time.sleep(0.1)
            else:
                return True
        return False

    def client(self, *, timeout: float = 60.0) -> DockerClient:
        import docker
        from docker.errors import DockerException

        try:
            client = docker.DockerClient(base_url=self.host, timeout=timeout)
            client.ping()
        except (DockerException, OSError) as error:
            raise SandboxError(str(error), cause="engine_unreachable") from error
        self._clients.append(client)
        return client

    def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait()

    def restart(self) -> None:
        self.stop()
        self.start()

    def freeze(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-500:]

    def remove(self) -> None:
        for client in self._clients:
            client.close()
        self.stop()
        subprocess.run(["umount", "--lazy", self.folder / "data"], capture_output=True, check=False)
        for part in ("data", "exec"):
            shutil.rmtree(self.folder / part)


def small_image(client: DockerClient) -> str:
    """bash, coreutils, setpriv, git and what they need, from this machine."""
    if not client.images.list(IMAGE):
        files = {Path(found) for name in PROGRAMS if (found := shutil.which(name))}
        files |= {library for program in files for library in _libraries(program)}
        data = BytesIO()
        with tarfile.open(fileobj=data, mode="w", dereference=True) as archive:
            for file in sorted(files):
                place = file.parent.resolve() / file.name if "lib" not in file.parts[1] else file
                archive.add(file, arcname=str(place))
            for folder in ("tmp", "root", "bin"):
                entry = tarfile.TarInfo(folder)
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                if folder == "bin":
                    entry.type, entry.linkname = tarfile.SYMTYPE, "usr/bin"
                archive.addfile(entry)
            passwd = tarfile.TarInfo("etc/passwd")
            passwd.size = len(b"root:x:0:0::/root:/bin/bash\n")
            archive.addfile(passwd, BytesIO(b"root:x:0:0::/root:/bin/bash\n"))
        repository, _, tag = IMAGE.partition(":")
        client.api.import_image_from_data(
            data.getvalue(), repository=repository, tag=tag, changes=["ENV PATH=/usr/bin:/bin"]
        )
    return IMAGE


def _libraries(program: Path) -> list[Path]:
    listed = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False)
    words = listed.stdout.split()
    return [Path(word) for word in words if word.startswith("/")]
