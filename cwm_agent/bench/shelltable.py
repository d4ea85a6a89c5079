"""The figures of the shell as lines for people."""

from __future__ import annotations

from collections.abc import Iterator

from cwm_agent.bench.shell import ShellFigures


def shell_lines(figures: ShellFigures) -> Iterator[str]:
    """A line a figure, the longest-running last."""
    branches = figures.branches
    rows = [
        ("persistent shell", figures.persistent_ms),
        ("docker exec each", figures.exec_ms),
        ("open a sandbox", branches.open_ms),
        (f"snapshot of {branches.files} files", branches.snapshot_ms),
        ("branch from a snapshot", branches.branch_ms),
        ("commit a container", branches.commit_ms),
        ("branch from a commit", branches.commit_branch_ms),
    ]
    yield f"{figures.calls} x `{figures.command}` in {figures.sandbox}, milliseconds"
    for name, spread in rows:
        if spread is not None:
            yield (
                f"  {name:<24}   median {spread.median:9.3f}   p95 {spread.p95:9.3f}   "
                f"{spread.rounds} rounds"
            )
    if figures.ratio is not None:
        yield f"  the persistent shell is {figures.ratio} times as fast"
    line = (
        f"  {figures.parallel} shells at once: {figures.parallel_per_second:.0f} commands a second"
    )
    if figures.parallel_ratio is not None:
        line += f", {figures.parallel_ratio} times those of docker exec"
    yield line
