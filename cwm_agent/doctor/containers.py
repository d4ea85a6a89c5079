"""A container engine: which one, how it stores and limits, and the space it has left."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cwm_agent.doctor.check import GIB, Check
from cwm_agent.doctor.machine import disk, inodes
from cwm_agent.doctor.registry import registry

if TYPE_CHECKING:
    from docker import DockerClient

ENGINE_SECONDS = 5.0
SWEBENCH_PROCESSORS = ("x86_64", "amd64")
"""The processor of the official images, as Docker and as Podman call it."""
IMAGES_SPACE = 20 * GIB
SLOW_STORAGE = {
    "vfs": "it copies the whole image for every container",
    "devicemapper": "it is slow, and newer engines have none",
}
MEMORY, PROCESSES, PERCENT = 256 * 2**20, 99, 50
"""What a container is given to see whether its kernel keeps to it. PERCENT of one CPU."""
READ_LIMITS = """cd /sys/fs/cgroup; for names in \\
    'memory.max memory/memory.limit_in_bytes' 'pids.max pids/pids.max' \\
    'cpu.max cpu/cpu.cfs_quota_us'; do cat $names 2>/dev/null || :; done | cut -d' ' -f1"""
NOT_LIMITED = (
    "run the engine as root, or a rootless one with cgroup v2 and the controllers delegated "
    "to its user"
)


def docker() -> list[Check]:
    """All about the engine that DOCKER_HOST names; a single warning where none answers."""
    from docker.errors import DockerException

    from envs.docker.engine import connect_engine
    from envs.errors import SandboxError

    try:
        client = connect_engine(timeout=ENGINE_SECONDS)
    except SandboxError as error:
        found, _, remedy = str(error).partition("; ")
        return [Check("docker", "warn", found, remedy)]
    try:
        return _about(client)
    except (DockerException, OSError) as error:
        found = f"the engine answered once and then no more ({type(error).__name__})"
        return [Check("docker", "warn", found, "see its log, or wait until it is less busy")]
    finally:
        client.close()


def _about(client: DockerClient) -> list[Check]:
    facts = client.info()
    checks = [Check("docker", "ok", engine_name(client.version()))]
    checks += [processor(facts), rootless(facts), cgroup(facts), storage(facts)]
    checks.append(limits(client, facts))
    root = Path(str(facts.get("DockerRootDir") or ""))
    if root.is_absolute() and root.exists():  # absent here when the engine is on another machine
        checks += [disk("docker disk", root, low=IMAGES_SPACE), inodes("docker inodes", root)]
    address = _registry_address(facts)
    found_registry = registry(address) if address else None
    return checks if found_registry is None else [*checks, found_registry]


def engine_name(version: Mapping[str, Any]) -> str:
    """ "Docker" or "Podman" with the version and API: both answer the same calls."""
    components = version.get("Components") or [{}]
    podman = "podman" in str(components[0].get("Name", "")).lower()
    name = "Podman" if podman else "Docker"
    return f"{name} {version.get('Version')}, API {version.get('ApiVersion')}"


def processor(facts: Mapping[str, Any]) -> Check:
    """What images must be made for."""
    from envs.images.processor import REMEDY

    found = str(facts.get("Architecture") or "unknown")
    if found in SWEBENCH_PROCESSORS:
        return Check("docker processor", "ok", found)
    return Check("docker processor", "warn", f"{found}; SWE-bench's images are for x86_64", REMEDY)


def rootless(facts: Mapping[str, Any]) -> Check:
    """Whose rights the engine has."""
    if not is_rootless(facts):
        return Check("docker rootless", "ok", "no, the engine runs as root")
    return Check("docker rootless", "ok", "yes, the engine runs without root's rights")


def is_rootless(facts: Mapping[str, Any]) -> bool:
    """Whether the engine says that it runs without root's rights."""
    options = facts.get("SecurityOptions") or ()
    return bool(facts.get("Rootless")) or any("name=rootless" in option for option in options)


def cgroup(facts: Mapping[str, Any]) -> Check:
    """The version of control groups, by which containers are limited."""
    version = str(facts.get("CgroupVersion") or "1")
    found = f"cgroup v{version}, driver {facts.get('CgroupDriver')}"
    if version == "1" and is_rootless(facts):
        remedy = "boot with cgroup v2: on v1 a rootless engine cannot limit anything"
        return Check("docker cgroup", "warn", found, remedy)
    return Check("docker cgroup", "ok", found)


def storage(facts: Mapping[str, Any]) -> Check:
    """How layers of images are stacked."""
    driver = str(facts.get("Driver"))
    if driver in SLOW_STORAGE:
        remedy = f"configure overlay2 instead of {driver}: {SLOW_STORAGE[driver]}"
        return Check("docker storage", "warn", f"storage {driver}", remedy)
    return Check("docker storage", "ok", f"storage {driver}")


def limits(client: DockerClient, facts: Mapping[str, Any]) -> Check:
    """Whether memory, processes and CPU time are limited, as seen in a container.

    Without a base image to start it is what the engine says of itself.
    """
    from envs.errors import SandboxError

    images = client.images.list("cwm-agent/base")  # those of tasks come and go meanwhile
    names = ("memory", "processes", "CPU time")
    if images:
        try:
            enforced, how = _seen(client, images[0].id), "seen in a container"
        except SandboxError as error:
            found, _, remedy = str(error).partition("; ")
            return Check("docker limits", "warn", found, remedy or "see `docker info`")
    else:
        keys = ("MemoryLimit", "PidsLimit", "CpuCfsQuota")
        enforced, how = [bool(facts.get(key)) for key in keys], "the engine says"
    lacking = [name for name, kept in zip(names, enforced, strict=True) if not kept]
    if lacking:
        found = f"not limited: {', '.join(lacking)} ({how})"
        return Check("docker limits", "warn", found, NOT_LIMITED)
    return Check("docker limits", "ok", f"{', '.join(names)} are limited ({how})")


def _seen(client: DockerClient, image: str) -> list[bool]:
    """Whether the kernel's files in a container name the limits that it was given."""
    from envs.docker.limits import CPU_PERIOD
    from envs.docker.sandbox import DockerSandbox
    from envs.sandbox.owner import boot_id
    from envs.sandbox.sandbox import Owner, SandboxLimits

    owner = Owner("doctor", "doctor", 0, os.getpid(), boot_id())
    given = SandboxLimits(memory_bytes=MEMORY, pids=PROCESSES, cpus=PERCENT / 100)
    with DockerSandbox(image, limits=given, owner=owner, root="/tmp", client=client) as sandbox:
        read = sandbox.run(READ_LIMITS, timeout=ENGINE_SECONDS).output.split()
    wanted = [MEMORY, PROCESSES, PERCENT * CPU_PERIOD // 100]
    return [str(value) in read for value in wanted]


def _registry_address(facts: Mapping[str, Any]) -> str:
    """Where the engine pulls from: its mirror if it has one. Podman does not say."""
    mirrors = (facts.get("RegistryConfig") or {}).get("Mirrors") or ()
    return str(next(iter(mirrors), "") or facts.get("IndexServerAddress") or "")
