from __future__ import annotations

import pytest

from cwm_agent.nano.training.loop import Schedule


@pytest.mark.parametrize(
    ("progress", "scale"),
    [(0.0, 0.05), (0.005, 0.5), (0.01, 1.0), (0.5, 1.0), (0.75, 0.525), (1.0, 0.05), (2.0, 0.05)],
)
def test_warmup_plateau_and_decay(progress: float, scale: float) -> None:
    assert Schedule().scale(progress) == pytest.approx(scale)
