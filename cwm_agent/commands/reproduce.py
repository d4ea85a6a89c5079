"""The command `reproduce`: list the rows, check one, or run its commands."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from dataclasses import asdict, dataclass

from cwm_agent.config.resolve import load_settings
from cwm_agent.errors import UsageError
from cwm_agent.exit_codes import ExitCode
from cwm_agent.reproduce import page as pages
from cwm_agent.reproduce.checks import Found, Parse, check, missing
from cwm_agent.reproduce.expected import HARDWARE, hours, interval
from cwm_agent.reproduce.published import ROWS, Row, commands, row_named
from cwm_agent.view.sanitize import clean_line


@dataclass(frozen=True, slots=True)
class ReproduceRequest:
    """The options of `cwm-agent reproduce` as given."""

    name: str | None
    model: str | None
    listed: bool = False
    dry_run: bool = False
    page: bool = False


def run_reproduce(wish: ReproduceRequest, parse: Parse, *, as_json: bool) -> int:
    """Do what was asked; returns the exit code. `parse` checks command lines. Raises UsageError."""
    if wish.page:
        print(pages.page(), end="")
        return ExitCode.SUCCESS
    model = wish.model or load_settings().settings.model
    if wish.listed:
        return _list(model, parse, as_json=as_json)
    if wish.name is None:
        raise UsageError("name a published number, or see them all: cwm-agent reproduce --list")
    row = row_named(wish.name)
    if wish.dry_run:
        return _check(row, model, parse, as_json=as_json)
    if model is None:
        raise UsageError(
            "name the checkpoint to measure: --model DIR; or only check with --dry-run"
        )
    return _run(row, model)


def _list(model: str | None, parse: Parse, *, as_json: bool) -> int:
    shared: dict[tuple[str, str], Found] = {}
    known = {row.name: list(missing(check(row, model, parse, shared))) for row in ROWS}
    if as_json:
        objects = [
            pages.as_json(row, runs_here=not known[row.name], missing=known[row.name])
            for row in ROWS
        ]
        print(json.dumps(objects, indent=2))
        return ExitCode.SUCCESS
    for row in ROWS:
        spread = interval(row)
        ready = "runs here" if not known[row.name] else f"lacks {len(known[row.name])} things"
        print(
            f"{row.name:<20} {row.published:5.1f}  expect {spread.low:5.1f} to {spread.high:5.1f}  "
            f"{hours(row).value:7.1f} h estimated  {ready}"
        )
    print(f"hours for {HARDWARE}; what lacks: cwm-agent reproduce NAME --dry-run", file=sys.stderr)
    return ExitCode.SUCCESS


def _check(row: Row, model: str | None, parse: Parse, *, as_json: bool) -> int:
    found = check(row, model, parse)
    if as_json:
        print(json.dumps([asdict(one) for one in found], indent=2))
    else:
        for one in found:
            print(clean_line(f"{'ok     ' if one.ok else 'missing'} {one.what:<11} {one.said}"))
        for words in commands(row, model or "MODEL"):
            print(f"would run: {shlex.join(['cwm-agent', *words])}")
    return ExitCode.SUCCESS if all(one.ok for one in found) else ExitCode.ENVIRONMENT


def _run(row: Row, model: str) -> int:
    """The commands one after the other, each in a process of its own; the first failure ends it."""
    for words in commands(row, model):
        print(f"$ {shlex.join(['cwm-agent', *words])}", file=sys.stderr, flush=True)
        code = subprocess.run([sys.executable, "-m", "cwm_agent", *words], check=False).returncode
        if code != ExitCode.SUCCESS:
            print("repeat the command to go on from here", file=sys.stderr)
            return code
    spread = interval(row)
    print(
        f"published {row.published}, expected {spread.low} to {spread.high}: compare with "
        f"{row.read}",
        file=sys.stderr,
    )
    return ExitCode.SUCCESS
