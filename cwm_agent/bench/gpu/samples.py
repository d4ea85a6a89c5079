"""nano's conversations, made where the whole program is installed, for a machine where it is not.

`python -m cwm_agent.bench.gpu.samples` writes them into `.gpu/`; take that folder along.
"""

from __future__ import annotations

import sys
from itertools import islice

import numpy as np

from cwm_agent.bench.gpu.measure.training import SAMPLES
from cwm_agent.bench.gpu.process import CARRIED
from cwm_agent.nano.rendering import NanoSource
from cwm_agent.nano.training.batch import Sample
from cwm_agent.policies import bundled

_COUNT = 3000


def main(count: int) -> None:
    """Write so many conversations."""
    samples: list[Sample] = list(islice(NanoSource(bundled.folder())(seed=1), count))
    CARRIED.mkdir(exist_ok=True)
    np.savez_compressed(
        CARRIED / SAMPLES,
        ids=np.concatenate([np.array(sample.ids, dtype=np.uint16) for sample in samples]),
        weights=np.concatenate([np.array(sample.weights, dtype=np.float16) for sample in samples]),
        lengths=np.array([len(sample.ids) for sample in samples], dtype=np.int64),
    )
    size = (CARRIED / SAMPLES).stat().st_size
    print(f"{count} conversations in {CARRIED / SAMPLES}, {size / 2**20:.1f} MiB", file=sys.stderr)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else _COUNT)
