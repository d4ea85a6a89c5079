"""`cwm-agent images`: the container images that sandboxes start from."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cwm_agent.cli.options import Assignments, ConfigFiles, Json

if TYPE_CHECKING:
    from envs.images.store import OwnImage

app = typer.Typer(help="List, pull, build and remove images.", no_args_is_help=True)

MinFree = Annotated[
    str | None,
    typer.Option(
        "--min-free",
        metavar="SIZE",
        help="Disk space to keep free, e.g. 20GB (setting sandbox.min_free).",
    ),
]


@app.command("ls")
def list_images(as_json: Json = False) -> None:
    """List the images that cwm-agent pulled or built, least recently used first.

    \b
    Example:
      cwm-agent images ls --json | jq '.[] | select(.busy == "") | .name'
    """
    from cwm_agent.commands.images import opened
    from cwm_agent.view.images import print_images

    with opened() as store:
        images = store.own()
    if as_json:
        print(json.dumps([image.as_json() for image in images], indent=2))
    else:
        print_images(images)


@app.command()
def pull(
    names: Annotated[list[str], typer.Argument(metavar="IMAGE...", help="Image names.")],
    min_free: MinFree = None,
    rate_limit_wait: Annotated[
        float,
        typer.Option(min=0, metavar="MINUTES", help="How long to keep retrying at a rate limit."),
    ] = 30.0,
    config: ConfigFiles = None,
    assignments: Assignments = None,
    as_json: Json = False,
) -> None:
    """Fetch images before a run needs them.

    If an image is unavailable, pulls the others and exits with 4. Waits out a
    registry's rate limit and retries network failures.

    \b
    Example:
      jq -r .image rows.jsonl | xargs cwm-agent images pull --min-free 20GB
    """
    from cwm_agent.commands.images import pull_all
    from cwm_agent.config.resolve import load_settings
    from cwm_agent.errors import UsageError
    from cwm_agent.exit_codes import ExitCode
    from cwm_agent.view.pulls import PullBar

    if not all(name.strip() for name in names):
        raise UsageError("the name of an image is empty; give names such as ubuntu:22.04")
    settings = load_settings(
        config_files=config or (),
        assignments=assignments or (),
        flags={"sandbox.min_free": min_free},
    ).settings
    with PullBar(sys.stderr) as bar:
        outcomes = pull_all(
            names,
            min_free=int(settings.sandbox.min_free),
            rate_limit_seconds=rate_limit_wait * 60,
            progress=bar.say,
            watch=bar.watch,
        )
    if as_json:
        print(json.dumps([outcome.as_json() for outcome in outcomes], indent=2))
    else:
        for outcome in outcomes:
            if not outcome.error:
                print(outcome.name)
    if any(outcome.error for outcome in outcomes):
        raise typer.Exit(ExitCode.ENVIRONMENT)


Commit = Annotated[str, typer.Option(help="Commit id, branch or tag.")]
Python = Annotated[
    str | None, typer.Option(metavar="X.Y", help="3.9, 3.11 (default), 3.13, or see --base.")
]
Apt = Annotated[
    list[str] | None, typer.Option("--apt", metavar="PACKAGE", help="Debian package; repeatable.")
]
Pip = Annotated[
    list[str] | None,
    typer.Option("--pip", metavar="NAME==VERSION", help="Pinned Python package; repeatable."),
]
Install = Annotated[
    list[str] | None,
    typer.Option("--install", metavar="COMMAND", help="Run in the repository; repeatable."),
]
Variables = Annotated[
    list[str] | None,
    typer.Option("--env", metavar="NAME=VALUE", help="Environment variable; repeatable."),
]
Base = Annotated[
    str | None, typer.Option(metavar="IMAGE", help="Build on this image and its Python.")
]
Depth = Annotated[int | None, typer.Option(min=1, help="Commits of history to keep; default: all.")]
Network = Annotated[
    str | None, typer.Option(metavar="NAME", help="Network for the build, e.g. host.")
]


@app.command()
def build(
    source: Annotated[str, typer.Argument(metavar="REPO", help="A repository's folder or URL.")],
    commit: Commit = "HEAD",
    python: Python = None,
    apt: Apt = None,
    pip: Pip = None,
    install: Install = None,
    env: Variables = None,
    base: Base = None,
    tag: Annotated[str | None, typer.Option(metavar="NAME", help="Additional name.")] = None,
    depth: Depth = None,
    network: Network = None,
    min_free: MinFree = None,
    as_json: Json = False,
) -> None:
    """Build an image of one commit in the layout that SWE-bench's grader expects.

    The repository is at /testbed, without later history, and the environment
    is active in every shell. Nothing is built twice.

    \b
    Example:
      cwm-agent images build https://github.com/pallets/flask --commit 2.2.5 \\
          --pip pytest==7.3.0 --install "pip install -e ."
    """
    from dataclasses import asdict

    from cwm_agent.commands.images import build_one, recipe_of
    from cwm_agent.config.resolve import load_settings
    from envs.swebench.testbed_image import RepositoryImage

    recipe = recipe_of(pip or (), apt or (), env or ())
    commands = tuple(install or ())
    wanted = RepositoryImage(source, commit, python, recipe, commands, base, tag, depth, network)
    settings = load_settings(flags={"sandbox.min_free": min_free}).settings
    built = build_one(
        wanted,
        min_free=int(settings.sandbox.min_free),
        progress=lambda line: print(line, file=sys.stderr),
    )
    print(json.dumps(asdict(built), indent=2) if as_json else built.alias or built.name)


@app.command()
def base(
    suite: Annotated[
        str, typer.Option("--suite", metavar="RELEASE", help="The release of Debian.")
    ] = "bookworm",
    tag: Annotated[str | None, typer.Option(metavar="NAME", help="Additional name.")] = None,
) -> None:
    """Make a base image of Debian with bash, git and Python, and print its name.

    From the public image where a registry answers, else from Debian packages
    by debootstrap (as root). With --tag it stands in for an image that cannot
    be pulled here, such as the FROM of a task's Dockerfile.

    \b
    Example:
      cwm-agent images base --tag debian:bookworm-slim
    """
    from cwm_agent.commands.images import make_base

    print(make_base(suite, tag, lambda line: print(line, file=sys.stderr)))


@app.command()
def prune(
    min_free: Annotated[
        str | None,
        typer.Option("--min-free", metavar="SIZE", help="Remove until this much space is free."),
    ] = None,
    unused_for: Annotated[
        str | None,
        typer.Option(
            "--unused-for", metavar="TIME", help="Remove images unused for this long, e.g. 7d."
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Remove all unused images.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be removed.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Remove images that cwm-agent pulled or built, least recently used first.

    Other images, and those that a container or another image needs, are kept.

    \b
    Example:
      cwm-agent images prune --min-free 20GB
    """
    from cwm_agent.commands.images import prune_images
    from cwm_agent.errors import UsageError

    if sum((min_free is not None, unused_for is not None, everything)) != 1:
        raise UsageError("say what to remove: one of --min-free SIZE, --unused-for TIME or --all")
    gone = prune_images(
        min_free=min_free,
        unused_for=unused_for,
        dry_run=dry_run,
        progress=lambda line: print(line, file=sys.stderr),
    )
    if as_json:
        print(json.dumps([image.as_json() for image in gone], indent=2))
        return
    for image in gone:
        print(image.names[0])
    _say_how_many(gone, dry_run=dry_run)


def _say_how_many(gone: list[OwnImage], *, dry_run: bool) -> None:
    verb = "would go" if dry_run else "removed"
    print(f"{len(gone)} images {verb}", file=sys.stderr)
