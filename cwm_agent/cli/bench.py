"""`cwm-agent bench`: figures beside a named peer."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cwm_agent.cli import bench_graders, bench_serve, bench_trace, bench_view
from cwm_agent.cli.bench_scaling import scaling
from cwm_agent.cli.bench_sets import chosen_sets
from cwm_agent.cli.options import Ids, Json, Match
from envs.registry import AUTO, CHOICES_TEXT

if TYPE_CHECKING:
    from cwm_agent.bench.engine.engine import Part

app = typer.Typer(help="Measure parts of the system.", no_args_is_help=True)
app.command("graders")(bench_graders.graders)
app.command("serve")(bench_serve.serve)
app.command("trace")(bench_trace.trace)
app.command("view")(bench_view.view)


@app.callback()
def group() -> None:
    """Measure parts of the system, each beside a named peer in the same run."""


app.command()(scaling)


class BenchSandbox(StrEnum):
    """Where the shell is measured."""

    docker = "docker"
    bubblewrap = "bubblewrap"


@app.command()
def shell(
    calls: Annotated[int, typer.Option(min=1, help="Calls of each kind.")] = 200,
    rounds: Annotated[
        int, typer.Option(min=1, max=200, help="Maximum rounds of opening, snapshots, branches.")
    ] = 200,
    sandbox: Annotated[
        BenchSandbox, typer.Option(help="auto, docker or bubblewrap.")
    ] = BenchSandbox.docker,
    image: Annotated[str | None, typer.Option(help="Local image; default: our base image.")] = None,
    as_json: Json = False,
) -> None:
    """Time `true` in the persistent shell and as one docker exec per command.

    Then time four concurrent shells, opening a sandbox, a snapshot of 2,000
    files, and a branch from it. The last three stop after 40 seconds each.

    \b
    Example:
      cwm-agent bench shell --calls 200 --rounds 20
    """
    from cwm_agent.bench.shell import ShellBench, measure_bubblewrap, measure_docker, shell_lines

    def progress(line: str) -> None:
        print(line, file=sys.stderr)

    bench = ShellBench(calls, rounds)
    if sandbox is BenchSandbox.docker:
        figures = measure_docker(bench, image=image, progress=progress)
    else:
        figures = measure_bubblewrap(bench, progress=progress)
    if as_json:
        print(json.dumps(figures.to_json(), indent=2))
        return
    for line in shell_lines(figures):
        print(line)


class BenchShape(StrEnum):
    """Random weights to measure with."""

    nano = "nano"
    small = "135m"
    tiny = "tiny"


@app.command()
def engine(
    model: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Checkpoint; default: random weights.")
    ] = None,
    shape: Annotated[
        BenchShape, typer.Option(help="Model shape for random weights.")
    ] = BenchShape.nano,
    threads: Annotated[int | None, typer.Option(min=1, help="Torch threads.")] = None,
    parts: Annotated[str, typer.Option(help="What to measure.")] = "batch1,sessions,edits,batch",
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; the two sides alternate.")] = 3,
    sessions: Annotated[int, typer.Option(min=1, help="Samples of one issue.")] = 16,
    turns: Annotated[int, typer.Option(min=2, help="Turns per sample.")] = 20,
    prompt_tokens: Annotated[
        int, typer.Option(min=2, help="Tokens of system prompt and issue.")
    ] = 600,
    reply_tokens: Annotated[int, typer.Option(min=1, help="Tokens per reply.")] = 24,
    observation_tokens: Annotated[int, typer.Option(min=1, help="Tokens per tool output.")] = 40,
    tool_seconds: Annotated[float, typer.Option(min=0, help="Seconds per tool call.")] = 0.0,
    edits: Annotated[int, typer.Option(min=1, max=20, help="Files shown and edited.")] = 6,
    as_json: Json = False,
) -> None:
    """Time the inference engine against transformers' `generate`, same weights.

    \b
    Example:
      cwm-agent bench engine --shape nano --threads 2 --json
    """
    from cwm_agent.bench.engine.engine import EngineBench, measure_engine
    from cwm_agent.bench.engine.table import engine_lines

    bench = EngineBench(
        model=model,
        shape=shape.value,
        threads=threads,
        parts=_parts(parts),
        rounds=rounds,
        sessions=sessions,
        turns=turns,
        prompt_tokens=prompt_tokens,
        reply_tokens=reply_tokens,
        observation_tokens=observation_tokens,
        tool_seconds=tool_seconds,
        edits=edits,
    )
    figures = measure_engine(bench, lambda line: print(line, file=sys.stderr))
    if as_json:
        print(json.dumps(figures.to_json(), indent=2))
        return
    for line in engine_lines(figures):
        print(line)


@app.command()
def nano(
    model: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Checkpoint; default: the bundled one.")
    ] = None,
    tasks: Annotated[int, typer.Option(min=1, help="Tasks per set.")] = 50,
    samples: Annotated[int, typer.Option(min=1, help="Sampled attempts; 1: greedy only.")] = 1,
    temperature: Annotated[float, typer.Option(min=0.01, help="Temperature of the samples.")] = 0.8,
    programs: Annotated[
        int, typer.Option(min=0, help="Programs to predict execution traces of.")
    ] = 100,
    seed: Annotated[int, typer.Option(help="Seed of the tasks.")] = 1,
    sets: Annotated[str, typer.Option(help="Task sets.")] = "seen,unseen,phrasing",
    workers: Annotated[int, typer.Option(min=1, help="Concurrent attempts.")] = 2,
    sandbox: Annotated[str, typer.Option(help=f"{CHOICES_TEXT}.")] = AUTO,
    as_json: Json = False,
) -> None:
    """Let the bundled model solve generated tasks it was never trained on.

    Greedy decoding in real sandboxes, judged by hidden tests. With --samples,
    also samples and selects one by running the calls that the issue quotes.

    \b
    Example:
      cwm-agent bench nano --tasks 50 --samples 8 --json
    """
    from cwm_agent.bench.nano import NanoBench, measure_nano, nano_lines, to_json
    from cwm_agent.bench.places import sandbox_maker
    from cwm_agent.policies import bundled

    def progress(line: str) -> None:
        print(line, file=sys.stderr)

    bench = NanoBench(
        model=model or bundled.folder(),
        tasks=tasks,
        samples=samples,
        temperature=temperature,
        programs=programs,
        seed=seed,
        sets=chosen_sets(sets),
        workers=workers,
    )
    make, kind = sandbox_maker(sandbox, progress)
    figures = measure_nano(bench, make, kind, progress)
    if as_json:
        print(json.dumps(to_json(figures), indent=2))
        return
    for line in nano_lines(figures):
        print(line)


@app.command()
def batch(
    trajectories: Annotated[int, typer.Option(min=10, help="Number of attempts.")] = 200,
    turns: Annotated[int, typer.Option(min=1, help="Turns per attempt.")] = 20,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Concurrent attempts; default: 8, or 1 with --sandbox."),
    ] = None,
    sandbox: Annotated[
        BenchSandbox | None, typer.Option(help="Run real commands in this kind of sandbox.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Time the batch runner's own overhead against a plain loop.

    Policy and environment answer instantly; journals, results and fsync are
    real. Also shows memory growth. With --sandbox the environment is real, too,
    and a turn's time is split into the command, the repository snapshot, and
    everything else.

    \b
    Example:
      cwm-agent bench batch --trajectories 2000
      cwm-agent bench batch --trajectories 20 --sandbox docker
    """
    from cwm_agent.bench.runner_overhead import RunnerBench, measure_runner, runner_lines
    from cwm_agent.bench.turn_cost import measure_sandboxed, sandboxed_lines

    def progress(line: str) -> None:
        print(line, file=sys.stderr)

    bench = RunnerBench(trajectories, turns, workers or (1 if sandbox else 8))
    if sandbox is not None:
        divided = measure_sandboxed(bench, sandbox.value, progress)
        found, lines = divided.to_json(), sandboxed_lines(divided)
    else:
        figures = measure_runner(bench, progress)
        found, lines = figures.to_json(), runner_lines(figures)
    print(json.dumps(found, indent=2) if as_json else "\n".join(lines))


@app.command()
def score(
    predictions: Annotated[Path, typer.Argument(help="One prediction per instance.")],
    dataset: Annotated[
        str, typer.Option("--dataset", metavar="NAME|FILE", help="Same as for `cwm-agent score`.")
    ] = "swebench-verified",
    ids: Ids = None,
    match: Match = "",
    workers: Annotated[int, typer.Option(min=1, help="Patches graded concurrently.")] = 2,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; the two sides alternate.")] = 2,
    as_json: Json = False,
) -> None:
    """Time `cwm-agent score` against the official command line; compare every test.

    Both grade the same predictions alternately, each time in a new empty folder.

    \b
    Example:
      cwm-agent bench score preds.jsonl --dataset rows.jsonl --json
    """
    from cwm_agent.bench.score import ScoreBench, measure_score, score_lines
    from cwm_agent.tasks.filters import Selection

    selection = Selection(tuple(ids or ()), match)
    bench = ScoreBench(predictions, dataset, selection, workers, rounds)
    figures = measure_score(bench, lambda line: print(line, file=sys.stderr))
    if as_json:
        print(json.dumps(figures.to_json(), indent=2))
        return
    for line in score_lines(figures):
        print(line)


def _parts(listed: str) -> tuple[Part, ...]:
    from cwm_agent.bench.engine.engine import PARTS
    from cwm_agent.errors import UsageError

    names = [name.strip() for name in listed.split(",")]
    if unknown := [name for name in names if name not in PARTS]:
        raise UsageError(
            f"this benchmark has no part '{unknown[0]}'; choose from {','.join(PARTS)}"
        )
    return tuple(part for part in PARTS if part in names)
