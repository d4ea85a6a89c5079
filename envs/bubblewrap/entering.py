"""A shell for a person in a sandbox that another process holds: `python -m` this, with a process
of the sandbox.

It begins in the repository, behind the sandbox's own walls: its namespaces, its control group, no
capability, its filter of system calls. Its terminal is a new one (made by `script`),
since a program can write into the input of a terminal that it shares (ioctl TIOCSTI).
"""

from __future__ import annotations

import ctypes
import json
import os
import shlex
import shutil
import sys
import tempfile
from contextlib import suppress
from fcntl import ioctl
from pathlib import Path

from envs.bubblewrap.cgroup import PREFIX as GROUP
from envs.bubblewrap.cgroup import ROOT as GROUPS
from envs.bubblewrap.sandbox import CHANNELS, PREFIX
from envs.bubblewrap.socket_filter import socket_filter
from envs.errors import SandboxError
from envs.sandbox.owner import LABEL, OWNER_FILE

NAMESPACES = ("mnt", "uts", "ipc", "net", "pid", "cgroup")
NS_GET_USERNS = 0xB701  # linux/nsfs.h
DUMPABLE, NO_NEW_PRIVS, SECCOMP, SECCOMP_FILTER = 4, 38, 22, 2  # linux/prctl.h, linux/seccomp.h
INSTRUCTION = 8
TOOLS = ("setpriv", "script")
HERE = 'cd -- "$1" 2>/dev/null; exec bash -i'
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


_LIBRARY = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    """struct sock_fprog of linux/filter.h."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def enter(run: str, instance: str, sample: int) -> list[str] | None:
    """The command that opens it for an attempt's sandbox, None where there is none.

    Raises SandboxError where a program for it is missing.
    """
    wanted = {f"{LABEL}run": run, f"{LABEL}instance": instance, f"{LABEL}sample": str(sample)}
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            owner = json.loads((folder / OWNER_FILE).read_text())
        except (OSError, ValueError):  # it is being made, or removed
            continue
        if wanted.items() <= owner.items() and (process := _inside(folder)) is not None:
            missing = [tool for tool in TOOLS if shutil.which(tool) is None]
            if missing:
                raise SandboxError(f"{', '.join(missing)} of util-linux is not installed")
            return [sys.executable, "-P", "-m", "envs.bubblewrap.entering", str(process)]
    return None


def _inside(folder: Path) -> int | None:
    """A process of the sandbox with that folder whose namespaces may be entered: one that stands
    in the repository, as the model's shells do at first, before one that stands in `/`."""
    found = []
    for process in sorted(int(path.name) for path in Path("/proc").glob("[0-9]*")):
        with suppress(OSError):
            Path(f"/proc/{process}/ns/user").readlink()
            for line in Path(f"/proc/{process}/mountinfo").read_text().splitlines():
                root, place = line.split()[3:5]  # man 5 proc
                if place == CHANNELS and root.endswith(f"/{folder.name}/channels"):
                    found.append(process)
    return min(found, key=lambda process: _place(process) == "/", default=None)


def _place(process: int) -> str:
    """Its working directory, as it sees it; "/" where it is gone."""
    try:
        return str(Path(f"/proc/{process}/cwd").readlink())
    except OSError:
        return "/"


def shell(place: str) -> list[str]:
    """The command line inside, which gives up the capabilities that came with joining."""
    walls = ["--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
    return ["setpriv", *walls, "bash", "-c", HERE, "bash", place]


def join(process: int) -> None:
    """Put this process's children where that process is; raises OSError.

    The namespaces belong to a user namespace around the sandbox's own (bwrap --disable-userns), so
    that one is entered first.
    """
    for group in _groups(Path(f"/proc/{process}/cgroup").read_text()):
        (group / "cgroup.procs").write_text("0")
    folder = f"/proc/{process}/ns"
    own = os.open(f"{folder}/user", os.O_RDONLY)
    others = [os.open(f"{folder}/{name}", os.O_RDONLY) for name in NAMESPACES]
    here = [Path(f"/proc/self/ns/{name}").stat().st_ino for name in NAMESPACES]
    _set(ioctl(others[0], NS_GET_USERNS), Path("/proc/self/ns/user").stat().st_ino)
    around = Path("/proc/self/ns/user").stat().st_ino
    for namespace, same in zip(others, here, strict=True):
        _set(namespace, same)
    _set(own, around)


def _set(namespace: int, here: int) -> None:
    """Enter a namespace, unless it is the one of that inode, where this process is already."""
    if os.fstat(namespace).st_ino != here and _LIBRARY.setns(namespace, 0) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    os.close(namespace)


def _groups(known: str) -> list[Path]:
    """The sandbox's own control groups among those of a process (man 7 cgroups)."""
    found = []
    for line in known.splitlines():
        _, controllers, path = line.split(":", 2)
        if path.rpartition("/")[2].startswith(GROUP):
            found.append(GROUPS / controllers / path.lstrip("/"))
    return [folder for folder in found if os.access(folder / "cgroup.procs", os.W_OK)]


def filter_calls() -> None:
    """Put the sandbox's filter of system calls on this process; raises OSError."""
    with socket_filter() as rules:
        if rules is None:
            return
        text = rules.read()
    program = _Program(len(text) // INSTRUCTION, text)
    done = _LIBRARY.prctl(NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    if not done or _LIBRARY.prctl(SECCOMP, SECCOMP_FILTER, ctypes.byref(program)) != 0:
        raise OSError(ctypes.get_errno(), "no filter of system calls")


def main(words: list[str]) -> int:
    """Open the terminal, or with a second word, in it, the shell; returns its exit code."""
    process = int(words[0])
    if len(words) == 1:
        again = shlex.join([sys.executable, "-P", "-m", "envs.bubblewrap.entering", words[0], "in"])
        os.execvp("script", ["script", "-qec", again, "/dev/null"])
    place = _place(process)
    variables = {"TERM": os.environ.get("TERM", "dumb"), "HOME": "/root", "USER": "root",
                 "LANG": "C.UTF-8", "PATH": PATH}  # fmt: skip
    filter_calls()
    _LIBRARY.prctl(DUMPABLE, 0, 0, 0, 0)  # until the next program nobody inside may look into it
    join(process)
    child = os.fork()  # only a child is in the namespace of processes
    if child == 0:
        os.execvpe("setpriv", shell(place), variables)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
