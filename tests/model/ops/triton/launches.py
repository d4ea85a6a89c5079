"""Kernel launches written down instead of carried out, and compiled for a GPU that is not there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Launches:
    """What `recorded_launches` saw: kernels with the arguments of each launch."""

    calls: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = field(default_factory=list)


@contextmanager
def recorded_launches() -> Iterator[Launches]:
    """Within, launching a kernel does nothing but add to the list."""
    from triton.runtime.jit import JITFunction

    launches = Launches()
    launch = JITFunction.run

    def record(kernel: Any, *args: Any, grid: Any, warmup: bool, **options: Any) -> None:
        assert not warmup
        assert all(1 <= size < 2**31 for size in grid)
        assert all(size < 2**16 for size in grid[1:])
        launches.calls.append((kernel, args, options))

    JITFunction.run = record
    try:
        yield launches
    finally:
        JITFunction.run = launch


def compile_for(
    capability: int, kernel: Any, args: tuple[Any, ...], options: dict[str, Any]
) -> Any:
    """Compile a launch as triton does it on a device of this compute capability (90 is 9.0)."""
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource, compile, make_backend
    from triton.runtime.jit import create_function_from_signature

    target = GPUTarget("cuda", capability, 32)
    backend = make_backend(target)
    binder = create_function_from_signature(kernel.signature, kernel.params, backend)
    bound, specialization, rest = binder(*args, **options)
    parsed, signature, constants, attributes = kernel._pack_args(
        backend, options, bound, specialization, rest
    )
    source = ASTSource(kernel, signature, constants, attributes)
    return compile(source, target=target, options=parsed.__dict__)
