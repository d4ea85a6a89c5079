"""A seccomp filter for bubblewrap: sockets to the hypervisor stay closed.

AF_VSOCK belongs to no network namespace, so taking the network away leaves it open.
io_uring opens sockets past every filter, so it is closed as well.

The program is classic BPF over struct seccomp_data (linux/seccomp.h, linux/filter.h).
"""

from __future__ import annotations

import platform
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from errno import EAFNOSUPPORT, ENOSYS
from typing import IO

LOAD, EQUAL, ATLEAST, RETURN = 0x20, 0x15, 0x35, 0x06
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
ALLOW, REFUSE = 0x7FFF0000, 0x00050000  # SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO
IO_URING_SETUP = 425  # the same on all architectures
X32 = 0x40000000
AF_VSOCK = 40


@dataclass(frozen=True, slots=True)
class Machine:
    """Numbers of an architecture: AUDIT_ARCH_* (linux/audit.h) and its call `socket`."""

    audit: int
    socket: int


MACHINES = {"x86_64": Machine(0xC000003E, 41), "aarch64": Machine(0xC00000B7, 198)}


@contextmanager
def socket_filter() -> Iterator[IO[bytes] | None]:
    """The program as a file to be read from its beginning; None for an unknown architecture."""
    machine = MACHINES.get(platform.machine())
    if machine is None:
        yield None
        return
    with tempfile.TemporaryFile() as file:
        file.write(program(machine))
        file.seek(0)
        yield file


def program(machine: Machine) -> bytes:
    """Instructions of eight bytes each; jumps count those that they leave out.

    Calls of another architecture (32-bit programs) hide their arguments in memory: they
    keep all but sockets by not being there, as on a kernel without them.
    """
    refuse_call, refuse_family, allow = (REFUSE | ENOSYS, REFUSE | EAFNOSUPPORT, ALLOW)
    instructions = (
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUAL, 0, 7, machine.audit),  # else refuse the call
        (LOAD, 0, 0, NUMBER),
        (ATLEAST, 5, 0, X32),
        (EQUAL, 4, 0, IO_URING_SETUP),
        (EQUAL, 0, 2, machine.socket),  # else allow
        (LOAD, 0, 0, FIRST_ARGUMENT),
        (EQUAL, 2, 0, AF_VSOCK),
        (RETURN, 0, 0, allow),
        (RETURN, 0, 0, refuse_call),
        (RETURN, 0, 0, refuse_family),
    )
    return b"".join(struct.pack("=HBBI", *each) for each in instructions)
