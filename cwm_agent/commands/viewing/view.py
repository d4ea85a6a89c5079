"""The command `view`: a terminal gets the application, a pipe gets plain text."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from platformdirs import user_cache_path

from cwm_agent.commands.samples.weighing import Weighing
from cwm_agent.commands.viewing.live import LiveControls
from cwm_agent.commands.viewing.reference import References
from cwm_agent.errors import UsageError
from cwm_agent.view.attempts import Chosen, choose, follow_attempt, show_attempts
from cwm_agent.view.console import fill_terminal
from cwm_agent.view.plain import Detail
from cwm_agent.view.search.filters import Filter, parse_filter
from cwm_agent.view.search.index import FILE, SearchIndex
from cwm_agent.view.sources.places import source_of
from cwm_agent.view.sources.row import Row, with_siblings
from cwm_agent.view.sources.runs import RunSource
from cwm_agent.view.sources.source import Several, Source
from cwm_agent.view.summary import summary
from results.predictions import digest
from results.store import Store


@dataclass(frozen=True, slots=True)
class ViewRequest:
    """The options of `cwm-agent view`, as given."""

    names: tuple[str, ...] = ()
    instance: str | None = None
    sample: int | None = None
    filter: str = ""
    plain: bool = False
    detail: Detail = field(default_factory=Detail)
    follow: bool = False
    as_json: bool = False
    content: bool = False
    report: Path | None = None
    ascii: bool = False


def view(store: Store, request: ViewRequest, keymap: Mapping[str, str]) -> None:
    """Show what was asked for; raises the errors of the parts."""
    source = source_of(store, request.names, request.report)
    terminal = sys.stdout.isatty() and sys.stdin.isatty()
    if terminal and not (request.plain or request.as_json):
        _application(source, request, keymap)
    elif request.follow or (isinstance(source, RunSource) and _printable(request)):
        _print_run(source, request)
    else:
        _print(source, request)


def keymap_of(said: Sequence[str]) -> dict[str, str]:
    """Keys by name from `name=key` texts; raises UsageError for a name that is not known."""
    from cwm_agent.view.app.keys import KEYS

    known = [key.name for key in KEYS]
    found = {}
    for text in said:
        name, equals, key = text.partition("=")
        if name not in known or not equals or not key:
            raise UsageError(f"viewer_keys: {text!r} is no NAME=KEY; names are {', '.join(known)}")
        found[name] = key
    return found


def _printable(request: ViewRequest) -> bool:
    """Whether the journal itself is printed, event by event."""
    return not request.filter and (request.content or not request.as_json)


def _print_run(source: Source, request: ViewRequest) -> None:
    if not isinstance(source, RunSource):
        raise UsageError("--follow prints one attempt of one run of ours")
    chosen: Chosen = choose(source.run, request.instance, request.sample)
    if request.follow:
        follow_attempt(chosen, request.detail, as_json=request.as_json)
    else:
        show_attempts(chosen, request.detail, as_json=request.as_json)


def _print(source: Source, request: ViewRequest) -> None:
    """Trajectories of any format: as Markdown, or their figures as one JSON object."""
    from cwm_agent.view.exports.markdown import as_markdown

    rows = chosen_rows(source, request)
    if request.as_json:
        attempts = [summary(source.open(row).trajectory()) for row in rows]
        print(json.dumps({"run": source.name, "attempts": attempts}, indent=2))
        return
    for row in rows:
        print(as_markdown(source.open(row).trajectory()))


def chosen_rows(source: Source, request: ViewRequest) -> list[Row]:
    """The rows that the options name; raises UsageError where there are none."""
    known = with_siblings(source.rows())
    rows = [row for row in filtered(source, known, request.filter) if _wanted(row, request)]
    if known and not rows and not request.filter:
        raise UsageError(f"{source.name} has no such attempt")
    return rows


def filtered(source: Source, rows: Sequence[Row], said: str) -> list[Row]:
    """The rows that fit a filter; words in texts are looked up in the index. Raises UsageError."""
    if "text:" not in said:
        wanted = parse_filter(said)
        return [row for row in rows if wanted.holds(row)]
    with closing(index_of(source)) as index:
        index.update(rows)
        wanted = parse_filter(said, index.holding)
        return [row for row in rows if wanted.holds(row)]


def _wanted(row: Row, request: ViewRequest) -> bool:
    return (request.instance is None or row.instance == request.instance) and (
        request.sample is None or row.sample == request.sample
    )


def index_of(source: Source) -> SearchIndex:
    """In the run's folder where that can be written, else in the user's cache."""
    if isinstance(source, RunSource):
        return SearchIndex(source.run.folder / FILE, source)
    places = "\n".join(str(place) for place in _places(source))
    folder = user_cache_path("cwm-agent") / "search"
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    return SearchIndex(folder / f"{digest(places)[:24]}.db", source)


def _places(source: Source) -> list[object]:
    if isinstance(source, Several):
        return [place for part in source.parts for place in _places(part)]
    if isinstance(source, RunSource):
        return [source.run.folder.absolute()]
    place = getattr(source, "place", None) or getattr(source, "path", source.name)
    return [Path(str(place)).absolute()]


def _application(source: Source, request: ViewRequest, keymap: Mapping[str, str]) -> None:
    from cwm_agent.view.app.app import ViewerApp
    from cwm_agent.view.app.glyphs import ASCII, glyphs_here
    from cwm_agent.view.app.session import Session
    from cwm_agent.view.app.tabs.decoding import decoder_of

    runs = source.parts if isinstance(source, Several) else (source,)
    fill_terminal()
    folders = {part.name: part.run.folder for part in runs if isinstance(part, RunSource)}
    index = index_of(source)
    session = Session(
        source,
        ASCII if request.ascii else glyphs_here(),
        find_text=index.holding,
        decode=decoder_of(source),
        weigh=Weighing(folders),
        reference_of=References(folders),
    )
    session.filter = (
        parse_filter(request.filter, index.holding) if request.filter else Filter("", ())
    )
    app = ViewerApp(
        session,
        LiveControls(folders),
        keymap,
        first=lambda row: _wanted(row, request),
        search=index,
        follow=request.follow,
    )
    try:
        app.run()
    finally:
        index.close()
