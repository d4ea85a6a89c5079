"""Asks an open sandbox what it enforces. Control groups of version 2 and 1 are read."""

from __future__ import annotations

from envs.sandbox.sandbox import Sandbox
from results.found import Enforced

SECONDS = 60.0
UNLIMITED = 2**60
"""Version 1 writes a number near 2**63 where there is no limit."""
_SCRIPT = """\
g=/sys/fs/cgroup
first() { for f; do [ -r "$f" ] && { cat "$f"; return; }; done; }
echo "memory=$(first $g/memory.max $g/memory/memory.limit_in_bytes)"
cpu=$(first $g/cpu.max)
[ -n "$cpu" ] || cpu="$(first $g/cpu/cpu.cfs_quota_us) $(first $g/cpu/cpu.cfs_period_us)"
echo "cpu=$cpu"
echo "pids=$(first $g/pids.max $g/pids/pids.max)"
echo "file=$(ulimit -f)"
n=0; for d in /sys/class/net/*; do [ -e "$d" ] && [ "${d##*/}" != lo ] && n=1; done
[ -d /sys/class/net ] || n=$(tail -n +3 /proc/net/dev | grep -cv '^ *lo:')
echo "network=$n"
echo "timezone=$(date +%Z%z)"
echo "seed=${PYTHONHASHSEED-}"
"""


def enforced(sandbox: Sandbox) -> Enforced:
    """What its control group, its limits and its clock say; raises SandboxError."""
    said = sandbox.control(_SCRIPT, timeout=SECONDS).output
    found = dict(line.partition("=")[::2] for line in said.splitlines() if "=" in line)
    quota, _, period = found.get("cpu", "").partition(" ")
    blocks = _number(found.get("file", ""))
    return Enforced(
        memory_bytes=_number(found.get("memory", "")),
        cpus=round(int(quota) / int(period), 3) if quota.isdigit() and period.isdigit() else None,
        pids=_number(found.get("pids", "")),
        file_bytes=None if blocks is None else blocks * 1024,
        network={"0": False}.get(found.get("network", ""), True) if "network" in found else None,
        timezone=found.get("timezone", ""),
        hash_seed=found.get("seed", ""),
    )


def _number(text: str) -> int | None:
    """A limit, None for `max`, `unlimited` or what cannot be read."""
    return int(text) if text.isdigit() and int(text) < UNLIMITED else None
