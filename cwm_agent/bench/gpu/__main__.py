"""`python -m cwm_agent.bench.gpu`: one command, one report (see docs/gpu.md)."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from cwm_agent.bench.gpu.conductor import NoDeviceError, check
from cwm_agent.bench.gpu.plan import plan
from cwm_agent.bench.gpu.process import CARRIED, ROOT
from cwm_agent.bench.gpu.report import FILE, OtherReportError, Report, read_report
from cwm_agent.bench.gpu.table import table
from cwm_agent.bench.gpu.task import Settings
from cwm_agent.bench.gpu.tune.rows import with_rows
from cwm_agent.exit_codes import ExitCode

_SECONDS = 480.0
TUNING = ROOT / "model" / "ops" / "triton" / "tuning.toml"


def main(arguments: list[str] | None = None) -> int:
    """Carry out the check; the exit code is 0, 1 when something failed, 4 without a GPU."""
    parser = _parser()
    wanted = parser.parse_args(arguments)
    if wanted.device == "cpu" and wanted.shape == "32b":
        parser.error("the 32B shape needs a GPU; on a CPU use --shape nano")
    settings = Settings(
        wanted.device,
        wanted.shape,
        wanted.seconds,
        wanted.out.absolute(),
        only=tuple(wanted.only),
        skip=tuple(wanted.skip),
        processes=wanted.processes,
        commit=wanted.commit,
        carried=CARRIED if CARRIED.is_dir() else None,
    )
    passes = plan(on_gpu=wanted.device == "cuda", tune=wanted.tune)
    if wanted.list:
        for of in passes:
            for part in of.parts:
                if settings.wants(part, of):
                    print(f"{of.name:9} {part.name}")
        return int(ExitCode.SUCCESS)
    try:
        report = read_report(settings.out, settings.shape, settings.device)
        check(settings, passes, report)
    except NoDeviceError as error:
        print(error, file=sys.stderr)
        return int(ExitCode.ENVIRONMENT)
    except OtherReportError as error:
        print(error, file=sys.stderr)
        return int(ExitCode.USAGE)
    if any(found["run"] == report.number for found in report.tuning.values()):
        write_tuning(report, settings.out.with_name(TUNING.name))
    print(table(report.to_json()))
    print(f"\nwritten to {wanted.out}", file=sys.stderr)
    return int(ExitCode.UNEXPECTED if report.failed else ExitCode.SUCCESS)


def write_tuning(report: Report, path: Path) -> None:
    """The checkout's tuning.toml with the rows that were found better, for a person to look at."""
    run = report.run
    source = f"{run['machine']}, {run['date'][:10]}, commit {run['commit'][:12]}"
    path.write_text(with_rows(TUNING.read_text("utf-8"), report.tuning, source), "utf-8")
    print(f"rows for {TUNING.relative_to(ROOT)} written to {path}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gpu-check", description=__doc__)
    add = parser.add_argument
    add("--device", choices=("cuda", "cpu"), default="cuda")
    add("--shape", choices=("32b", "nano"), default="32b")
    add("--seconds", type=float, default=_SECONDS, help="time for all parts")
    add("--out", type=Path, default=Path(FILE), help="the report to write, or to add to")
    add("--only", nargs="+", default=[], help="parts or passes: kernel.norm, 'test.*', measure")
    add("--skip", nargs="+", default=[], help="parts or passes to leave out")
    add("--tune", action="store_true", help="search block sizes; writes tuning.toml by the report")
    add("--list", action="store_true", help="only name the parts")
    add("--processes", type=int, default=min(12, os.cpu_count() or 1), help="side by side")
    add("--commit", default="", help="for a copy of the files without git")
    return parser


if __name__ == "__main__":
    sys.exit(main())
