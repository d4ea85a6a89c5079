"""A study as a PNG or SVG; needs the extra `train`, which has matplotlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from cwm_agent.errors import NotReadyError, UsageError
from cwm_agent.scaling.study.curves import Point
from cwm_agent.scaling.study.study import Study

KINDS = (".png", ".svg")


def check_picture(path: Path) -> None:
    """Raise UsageError or NotReadyError before the work, not after it."""
    if path.suffix not in KINDS:
        raise UsageError(f"{path} must end in .png or .svg")
    if find_spec("matplotlib") is None:
        raise NotReadyError(
            "pictures need matplotlib; install it with `pip install cwm-agent[train]`"
        )


def write_picture(
    path: Path, found: Study, curves: Mapping[str, Sequence[Point]], oracle: Mapping[int, float]
) -> None:
    """best@k with intervals, and accuracy over tokens, above; calibration beside them."""
    figure = import_module("matplotlib.figure").Figure(figsize=(14, 5), layout="constrained")
    by_k, by_cost, sure = figure.subplots(1, 3)
    for name, points in curves.items():
        ks = [point.k for point in points]
        best = [100 * point.gap.selected for point in points]
        (line,) = by_k.plot(ks, best, marker="o", label=name, linewidth=1)
        low = [100 * point.gap.selected_low for point in points]
        high = [100 * point.gap.selected_high for point in points]
        by_k.fill_between(ks, low, high, alpha=0.06, color=line.get_color())
        by_cost.plot([point.tokens / 1000 for point in points], best, marker="o", linewidth=1)
    by_k.plot(list(oracle), [100 * p for p in oracle.values()], "k--", label="oracle")
    by_k.set_xlabel("samples k")
    by_k.set_ylabel("% of issues resolved")
    by_k.legend(fontsize=7)
    by_cost.set_xlabel("thousand tokens an issue")
    sure.plot([0, 1], [0, 1], "k:")
    sure.plot([part.said for part in found.curve], [part.was for part in found.curve], "o-")
    sure.set_xlabel("probability that was said")
    sure.set_ylabel("share that was right")
    for axes in (by_k, by_cost, sure):
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
