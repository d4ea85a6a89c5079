"""`python -m cwm_agent.bench.gpu`: one command, one report (see docs/gpu.md)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from cwm_agent.bench.gpu.report import FILE
from cwm_agent.exit_codes import ExitCode

_SECONDS = 420.0


def main(arguments: list[str] | None = None) -> int:
    """Carry out the check; the exit code is 0, 1 when something failed, 4 without a GPU."""
    parser = argparse.ArgumentParser(prog="gpu-check", description=__doc__)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--shape", choices=("32b", "nano"), default="32b")
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="time for all parts")
    parser.add_argument("--out", type=Path, default=Path(FILE), help="the report to write")
    wanted = parser.parse_args(arguments)
    if wanted.device == "cpu" and wanted.shape == "32b":
        parser.error("the 32B shape needs a GPU; on a CPU use --shape nano")
    import torch

    if wanted.device == "cuda" and not torch.cuda.is_available():
        print(
            f"gpu-check needs a CUDA device, and torch {torch.__version__} sees none here. "
            "Run it where nvidia-smi lists a GPU, with a CUDA build of torch; "
            "'--device cpu --shape nano' only tries the program.",
            file=sys.stderr,
        )
        return int(ExitCode.ENVIRONMENT)
    from cwm_agent.bench.gpu.parts import check
    from cwm_agent.bench.gpu.report import table

    report = check(torch.device(wanted.device), wanted.shape, wanted.seconds, wanted.out)
    print(table(report.to_json()))
    print(f"\nwritten to {wanted.out}", file=sys.stderr)
    return int(ExitCode.UNEXPECTED if report.failed else ExitCode.SUCCESS)


if __name__ == "__main__":
    sys.exit(main())
