"""Recorded conversations: what the assistant said, to be played again.

Two forms are read. A YAML file (JSON is YAML too):

    description: one line for the screen        (optional)
    seconds: 0.5            how long each reply takes, as if a model wrote it (optional)
    replies:
      - |
        I look at the code first.
        <tool: bash>
        ls
        </tool>
      - The bug is fixed.

and the `events.jsonl` of any earlier run, whose replies are played in order.
One final line break of a YAML reply is dropped, so that block text can be used.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cwm_agent.errors import UsageError
from cwm_agent.parsing import parse_yaml
from results.errors import JournalError
from results.journal import read_journal
from results.records import Event, Replied

_REMEDY = "a recording is a YAML file with a list `replies`, or an events.jsonl of an earlier run"


@dataclass(frozen=True, slots=True)
class Recording:
    """The replies of one conversation and where they came from."""

    source: Path
    replies: tuple[str, ...]
    description: str = ""
    seconds: float = 0.0

    @property
    def name(self) -> str:
        """Short name: of the file, of the folder of a `conversation.yaml`, or of an attempt."""
        if self.source.name == "events.jsonl":
            return "/".join(self.source.absolute().parts[-4:-1])
        generic = self.source.stem == "conversation"
        return self.source.absolute().parent.name if generic else self.source.stem


def load_recording(path: Path) -> Recording:
    """Read a recording; raises UsageError with the remedy when it is missing or malformed."""
    if not path.is_file():
        raise UsageError(f"no recording at {path}; {_REMEDY}")
    if path.suffix == ".jsonl":
        return _from_journal(path)
    try:
        document = parse_yaml(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read the recording {path}: {error}; {_REMEDY}") from error
    return _from_document(path, document)


def replies_of(events: Iterable[Event]) -> tuple[str, ...]:
    """The assistant's messages of a journal, in order."""
    return tuple(event.reply.text for event in events if isinstance(event, Replied))


def _from_journal(path: Path) -> Recording:
    try:
        replies = replies_of(entry.event for entry in read_journal(path))
    except JournalError as error:
        raise UsageError(f"cannot read the recording {error}") from error
    if not replies:
        raise UsageError(f"the recording {path} has no replies; {_REMEDY}")
    return Recording(path, replies)


def _from_document(path: Path, document: object) -> Recording:
    if not isinstance(document, dict):
        raise UsageError(f"the recording {path} is not a mapping; {_REMEDY}")
    if unknown := sorted(
        str(key) for key in document.keys() - {"replies", "description", "seconds"}
    ):
        raise UsageError(f"the recording {path} has unknown keys {unknown}; {_REMEDY}")
    replies = document.get("replies")
    if not isinstance(replies, list) or not replies:
        raise UsageError(f"the recording {path} has no replies; {_REMEDY}")
    for number, reply in enumerate(replies, start=1):
        if not isinstance(reply, str) or not reply.strip():
            raise UsageError(f"reply {number} of the recording {path} is not a text; {_REMEDY}")
    description = " ".join(str(document.get("description") or "").split())
    seconds = document.get("seconds", 0.0)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < 3600:
        raise UsageError(f"the recording {path}: seconds is {seconds!r}, not a time of one reply")
    texts = tuple(reply.removesuffix("\n") for reply in replies)
    return Recording(path, texts, description, float(seconds))
