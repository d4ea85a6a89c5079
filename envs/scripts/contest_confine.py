"""Takes from this process everything that a solution to a contest problem has no use for.

After `confine` there are no new processes or programs, no signals to others, no
files but for reading, no sockets, no shared memory, no change of limits or
priorities of others. What is left is memory, time and open descriptors, so
ending the process leaves nothing of it.

The program is classic BPF over struct seccomp_data (linux/seccomp.h, linux/filter.h); the
numbers are those of the kernel's tables arch/x86/entry/syscalls/syscall_64.tbl and
scripts/syscall.tbl. It runs in a sandbox with the standard library alone.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct

LOAD, EQUAL, ATLEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
X32 = 0x40000000
PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, FILTER_MODE = 4, 38, 22, 2
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CLONE_THREAD = 0x10000

# Where only one number stands, the call is of that architecture alone.
REFUSED: dict[str, tuple[int | None, int | None]] = {
    "fork": (57, None), "vfork": (58, None), "execve": (59, 221), "execveat": (322, 281),
    "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240),
    "pidfd_open": (434, 434), "pidfd_send_signal": (424, 424), "pidfd_getfd": (438, 438),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "process_mrelease": (448, 448), "kcmp": (312, 272),
    "creat": (85, None), "open_by_handle_at": (304, 265), "truncate": (76, 45),
    "unlink": (87, None), "unlinkat": (263, 35), "rmdir": (84, None), "rename": (82, None),
    "renameat": (264, 38), "renameat2": (316, 276), "mkdir": (83, None), "mkdirat": (258, 34),
    "link": (86, None), "linkat": (265, 37), "symlink": (88, None), "symlinkat": (266, 36),
    "mknod": (133, None), "mknodat": (259, 33), "chmod": (90, None), "fchmod": (91, 52),
    "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, None), "fchown": (93, 55),
    "lchown": (94, None), "fchownat": (260, 54), "utime": (132, None), "utimes": (235, None),
    "futimesat": (261, None), "utimensat": (280, 88), "setxattr": (188, 5),
    "lsetxattr": (189, 6), "fsetxattr": (190, 7), "removexattr": (197, 14),
    "lremovexattr": (198, 15), "fremovexattr": (199, 16), "setxattrat": (463, 463),
    "removexattrat": (466, 466), "socket": (41, 198), "shmget": (29, 194), "semget": (64, 190),
    "msgget": (68, 186), "mq_open": (240, 180), "bpf": (321, 280),
    "perf_event_open": (298, 241), "userfaultfd": (323, 282), "add_key": (248, 217),
    "request_key": (249, 218), "keyctl": (250, 219), "setpriority": (141, 140),
    "sched_setparam": (142, 118), "sched_setscheduler": (144, 119),
    "sched_setaffinity": (203, 122), "sched_setattr": (314, 274), "ioprio_set": (251, 30),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "unshare": (272, 97), "setns": (308, 268), "flock": (73, 32),
}  # fmt: skip
ABSENT: dict[str, tuple[int | None, int | None]] = {
    "clone3": (435, 435),
    "openat2": (437, 437),
    "io_uring_setup": (425, 425),
}
"""As on a kernel without them, so that libraries take the calls that are looked at."""

# The call, its argument (from 0) and the bits: refused where any is set, or where none is.
IF_ANY: dict[str, tuple[tuple[int | None, int | None], int, int]] = {
    "open": ((2, None), 1, WRITES),
    "openat": ((257, 56), 2, WRITES),
}
IF_NONE: dict[str, tuple[tuple[int | None, int | None], int, int]] = {
    "clone": ((56, 220), 0, CLONE_THREAD)
}
IF_NOT_ZERO: dict[str, tuple[tuple[int | None, int | None], int, int]] = {
    "prlimit64": ((302, 261), 0, 0xFFFFFFFF)
}


def available() -> bool:
    """Whether this machine's numbers are known."""
    return platform.machine() in AUDIT


def program(machine: str) -> bytes:
    """The instructions for `x86_64` or `aarch64`, eight bytes each."""
    column = list(AUDIT).index(machine)
    refuse, absent = REFUSE | errno.EPERM, REFUSE | errno.ENOSYS
    code = [
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUAL, 1, 0, AUDIT[machine]),
        (RETURN, 0, 0, absent),
        (LOAD, 0, 0, NUMBER),
        (ATLEAST, 0, 1, X32),
        (RETURN, 0, 0, absent),
    ]
    for calls, answer in ((REFUSED, refuse), (ABSENT, absent)):
        for numbers in calls.values():
            if (number := numbers[column]) is not None:
                code += [(EQUAL, 0, 1, number), (RETURN, 0, 0, answer)]
    for looked_at, wanted in ((IF_ANY, True), (IF_NOT_ZERO, True), (IF_NONE, False)):
        for numbers, argument, bits in looked_at.values():
            if (number := numbers[column]) is not None:
                code += [
                    (EQUAL, 0, 4, number),
                    (LOAD, 0, 0, ARGUMENTS + 8 * argument),  # the low half, little-endian
                    (ANY_BIT, 0 if wanted else 1, 1 if wanted else 0, bits),
                    (RETURN, 0, 0, refuse),
                    (RETURN, 0, 0, ALLOW),
                ]
    code.append((RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("=HBBI", *each) for each in code)


def hide() -> None:
    """Let no process of the same user look into this one's memory or descriptors."""
    _prctl(PR_SET_DUMPABLE, 0, 0)


def confine() -> None:
    """For good; raises OSError where the kernel has no seccomp filters."""
    text = program(platform.machine())
    memory = ctypes.create_string_buffer(text, len(text))

    class Program(ctypes.Structure):  # struct sock_fprog
        _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]

    wanted = Program(len(text) // 8, ctypes.addressof(memory))
    _prctl(PR_SET_NO_NEW_PRIVS, 1, 0)
    _prctl(PR_SET_SECCOMP, FILTER_MODE, ctypes.addressof(wanted))


def _prctl(option: int, second: int, third: int) -> None:
    call = ctypes.CDLL(None, use_errno=True).prctl
    call.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
    if call(option, second, third, 0, 0):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
