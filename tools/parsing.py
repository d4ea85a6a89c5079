"""The grammar of a tool call.

    <tool: NAME>
    BODY
    </tool>

`parse_faithful` makes the published checks in the published order; whatever
mentions a tag twice is refused. `parse_call` reads the same grammar line by
line: a tag counts only where it stands as a tag, and an error says what is
wrong. Every reply that the first accepts and that ends with its call means
the same to the second.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tools.errors import CallError

THINK_END = "</think>"
CLOSE = "</tool>"

_PUBLISHED_CALL = re.compile(r"<tool:\s([a-zA-Z_]+)>\n(.*?)\n</tool>", re.DOTALL)
_OPEN_AT_END = re.compile(r"<tool:[ \t]*([^\s<>]+)[ \t]*>[ \t]*$")
_OPEN_ALONE = re.compile(r"[ \t]*<tool:[ \t]*[^\s<>]+[ \t]*>[ \t]*")


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call; `body` is passed on unstripped."""

    name: str
    body: str


def answer_of(reply: str, *, thinking: bool) -> str:
    """The part that acts: what follows the first end-of-thinking mark, else everything."""
    return reply.split(THINK_END, 1)[-1] if thinking else reply


def parse_faithful(reply: str, *, thinking: bool, names: Collection[str]) -> Call:
    """The call of a reply by the published rules; raises CallError."""
    answer = answer_of(reply, thinking=thinking)
    marks = reply.count(THINK_END)
    if thinking and marks == 0:
        raise CallError("thinking_missing", marks=marks)
    if thinking and marks > 1:
        raise CallError("thinking_repeated", marks=marks)
    found: list[tuple[str, str]] = _PUBLISHED_CALL.findall(answer)
    if len(found) > 1:
        raise CallError(
            "several_calls", count=len(found), names=", ".join(name for name, _ in found)
        )
    opening, closing = answer.count("<tool:"), answer.count(CLOSE)
    if not len(found) == opening == closing:
        raise CallError("tag_mismatch", calls=len(found), opening=opening, closing=closing)
    if not found:
        raise CallError("no_call")
    name, body = found[0]
    if not body.strip():
        raise CallError("empty", name=name)
    if name not in names:
        raise CallError("unknown_tool", name=name, names=", ".join(sorted(names)))
    return Call(name, body)


def parse_call(
    reply: str,
    *,
    thinking: bool,
    names: Collection[str],
    may_be_empty: Collection[str] = (),
    refuse_text_after: bool = True,
) -> Call:
    """The call of a reply, read line by line; raises CallError.

    An opening tag ends its line; a closing tag stands alone on its line.
    Inside a body, tags that stand alone are counted like brackets (a body may
    hold a complete example call), all other mentions are plain text. A close
    that does not stand alone is accepted when it is the only one in the reply
    and begins or ends its line.
    """
    if thinking and THINK_END not in reply:
        raise CallError("thinking_missing", marks=0)
    calls, after = _top_level_calls(answer_of(reply, thinking=thinking))
    if len(calls) > 1:
        raise CallError(
            "several_calls", count=len(calls), names=", ".join(call.name for call in calls)
        )
    call = calls[0]
    if thinking and (marks := reply.count(THINK_END) - call.body.count(THINK_END)) > 1:
        raise CallError("thinking_repeated", marks=marks)
    if call.name not in names:
        raise CallError("unknown_tool", name=call.name, names=", ".join(sorted(names)))
    if not call.body.strip() and call.name not in may_be_empty:
        raise CallError("empty", name=call.name)
    if refuse_text_after and after.strip():
        raise CallError("text_after", name=call.name)
    return call


def only_call(
    calls: Sequence[tuple[str, str | None]],
    *,
    names: Collection[str],
    may_be_empty: Collection[str] = (),
) -> Call:
    """The one call among those that an API has parsed, by name and body; raises CallError.

    A body None means that the arguments are not those of the tool.
    """
    if not calls:
        raise CallError("no_call")
    if len(calls) > 1:
        named = ", ".join(name for name, _ in calls)
        raise CallError("several_calls", count=len(calls), names=named)
    name, body = calls[0]
    if name not in names:
        raise CallError("unknown_tool", name=name, names=", ".join(sorted(names)))
    if body is None or (not body.strip() and name not in may_be_empty):
        raise CallError("empty", name=name)
    return Call(name, body)


def _top_level_calls(answer: str) -> tuple[list[Call], str]:
    """All complete calls and the text after the last; CallError for none, or one left open."""
    lines = answer.split("\n")
    calls: list[Call] = []
    name = ""
    start = depth = after = 0
    nested = False
    for number, line in enumerate(lines):
        if depth == 0:
            if opened := _OPEN_AT_END.search(line):
                name, start, depth, nested = opened.group(1), number + 1, 1, False
        elif line.strip() == CLOSE:
            depth -= 1
            if depth == 0:
                calls.append(Call(name, "\n".join(lines[start:number])))
                after = number + 1
        elif _OPEN_ALONE.fullmatch(line):
            depth, nested = depth + 1, True
    if depth:
        if nested:
            raise CallError("unclosed", name=name)
        last, rest = _loosely_closed(name, "\n".join(lines[start:]))
        return [*calls, last], rest
    if not calls and "<tool:" in answer:
        raise CallError("misplaced_tag")
    if not calls:
        raise CallError("no_call")
    return calls, "\n".join(lines[after:])


def _loosely_closed(name: str, rest: str) -> tuple[Call, str]:
    """A call whose only close shares its line with other text; raises CallError("unclosed")."""
    body, mark, after = rest.partition(CLOSE)
    begins_line = body == "" or body.endswith("\n")
    ends_line = not after.partition("\n")[0].strip()
    if not mark or CLOSE in after or not (begins_line or ends_line):
        raise CallError("unclosed", name=name)
    return Call(name, body.removesuffix("\n")), after
