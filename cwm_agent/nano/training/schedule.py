"""How fast to learn at which part of a run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Schedule:
    """Linear warm-up, constant, then linear decay down to `floor`.

    All parts are fractions of the whole run, whose progress is training time
    over the time budget. So a run ends on time on any machine, and a budget
    that is changed on the way moves the decay.
    """

    warmup: float = 0.01
    decay_from: float = 0.5
    floor: float = 0.05

    def scale(self, progress: float) -> float:
        """Factor of the learning rate at `progress` (0 to 1)."""
        if progress < self.warmup:
            return max(progress / self.warmup, self.floor)
        over = (progress - self.decay_from) / (1.0 - self.decay_from)
        return 1.0 - (1.0 - self.floor) * min(1.0, max(0.0, over))
