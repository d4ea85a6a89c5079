"""The chat format of a checkpoint that is not CWM's: what its own Jinja template makes of messages.

A template turns a whole conversation into one text. Here a conversation is only ever
appended to, so the template is asked, once, what it writes around the text of a message in
each place (`Frame`). It is used only if long conversations put together from these pieces
are what the template writes itself; one that looks back (drops earlier thoughts, merges
messages) or has no control token between messages is refused with the reason.

Templates are run as transformers does it: Jinja in a sandbox, with blocks trimmed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from model.errors import TokenizerError

Message: TypeAlias = tuple[str, str]  # role, body
_CONFIG, _TEMPLATE = "tokenizer_config.json", "chat_template.jinja"
_NAMES = ("bos_token", "eos_token", "unk_token", "pad_token")
_BODY = "Xbody{}X"
_UNKNOWN = "Xrole"
_PADDED = " \n{} \n"
_REMEDY = "use a checkpoint with CWM's or Llama 3's format, or with a template like ChatML"


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands before and after the text of a message; `trims`: its outer blanks are cut."""

    before: str
    after: str
    trims: bool

    def around(self, body: str) -> str:
        """The whole message."""
        return self.before + (body.strip() if self.trims else body) + self.after


@dataclass(frozen=True, slots=True)
class Frames:
    """Frames of a conversation's first message and of later ones, by role.

    `answer` is the text before an answer that is to be given. A role that the
    template does not know is absent.
    """

    first: Mapping[str, Frame]
    later: Mapping[str, Frame]
    answer: str

    def of(self, role: str, *, first: bool) -> Frame:
        """The frame of a role; results of tools come from the user where there is none for them."""
        frames = self.first if first else self.later
        known = role if role in frames else "tool" if role.startswith("tool") else role
        found = frames.get(known) or (frames.get("user") if known == "tool" else None)
        if found is None:
            place = "first" if first else "later"
            raise TokenizerError(
                f"the chat template of this checkpoint takes no {place} message of '{role}'; "
                f"{_REMEDY}"
            )
        return found


def read_template(folder: Path) -> tuple[str, dict[str, str]] | None:
    """The template of a checkpoint folder and the names of its tokens; None if it has none.

    Raises TokenizerError for files that cannot be read.
    """
    path = folder / _CONFIG
    try:
        raw = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        template = _chosen(raw.get("chat_template"))
        if (folder / _TEMPLATE).is_file():  # newer, so it counts
            template = (folder / _TEMPLATE).read_text(encoding="utf-8")
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise TokenizerError(
            f"cannot read the chat template in {folder}: {error}; download its files again"
        ) from error
    return None if template is None else (template, _token_names(raw))


def _chosen(template: object) -> str | None:
    """Older files name several; then the one called default."""
    if isinstance(template, list):
        template = {entry["name"]: entry["template"] for entry in template}.get("default")
    return template if isinstance(template, str) else None


def _token_names(raw: Mapping[str, Any]) -> dict[str, str]:
    found = {name: raw.get(name) for name in _NAMES}
    texts = {
        name: token.get("content") if isinstance(token, dict) else token
        for name, token in found.items()
    }
    return {name: text for name, text in texts.items() if isinstance(text, str)}


def frames_of(template: str, names: Mapping[str, str]) -> Frames:
    """What the template writes around messages; raises TokenizerError where that is no answer."""
    from jinja2 import TemplateError

    try:
        probe = _Probe(template, names)
        frames = probe.frames()
        probe.check(frames)
    except (TemplateError, _UnfitError, TypeError, ValueError, OverflowError) as error:
        raise TokenizerError(
            f"the chat template of this checkpoint cannot be used: {error}; {_REMEDY}"
        ) from error
    return frames


class _UnfitError(Exception):
    """The template does not write messages one behind the other."""


class _Probe:
    """Asks a template what it writes."""

    def __init__(self, template: str, names: Mapping[str, str]) -> None:
        from jinja2.exceptions import TemplateRuntimeError
        from jinja2.ext import loopcontrols
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        def refuse(text: str) -> None:
            raise TemplateRuntimeError(text)

        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols]
        )
        environment.globals["raise_exception"] = refuse
        environment.filters["tojson"] = lambda value, **_: json.dumps(value, ensure_ascii=False)
        self._template = environment.from_string(template)
        self._names = dict(names)

    def render(self, messages: Sequence[Message], *, answer: bool = False) -> str:
        """The text of a conversation, and with `answer` what stands before the next answer."""
        dicts = [{"role": role, "content": body} for role, body in messages]
        return self._template.render(
            messages=dicts, add_generation_prompt=answer, tools=None, **self._names
        )

    def frames(self) -> Frames:
        """What the template writes in each place."""
        start: list[Message] = [("user", _BODY.format(0))]
        asked = [("system", _BODY.format(1)), *start]
        told = [*asked, ("assistant", _BODY.format(2))]
        first = {role: self._frame([], role) for role in ("system", "user")}
        later = {
            "user": self._frame(told, "user"),
            "assistant": self._frame(asked, "assistant"),
            "system": self._frame(told, "system"),
            "tool": self._frame(told, "tool"),
        }
        unknown, tool = self._frame(told, _UNKNOWN), later["tool"]
        if unknown and tool and unknown.before.replace(_UNKNOWN, "tool") == tool.before:
            later["tool"] = None  # it takes any name, so its model has not seen this one
        if later["user"] is None or later["assistant"] is None:
            raise _UnfitError("it does not accept alternating user and assistant messages")
        after_system = self._frame(asked[:1], "user")
        if first["system"] is None or after_system != later["user"]:
            del first["system"]
        begun = self.render(told[:-1])
        answer = self._rest(begun, self.render(told[:-1], answer=True))
        known_first = {role: frame for role, frame in first.items() if frame is not None}
        known_later = {role: frame for role, frame in later.items() if frame is not None}
        return Frames(known_first, known_later, answer)

    def _frame(self, before: Sequence[Message], role: str) -> Frame | None:
        """What is written around a message of that role behind others; None if it is not taken."""
        from jinja2 import TemplateError

        body = _BODY.format("")
        try:
            begun = self.render(before) if before else ""
            text = self._rest(begun, self.render([*before, (role, body)]))
            padded = self._rest(begun, self.render([*before, (role, _PADDED.format(body))]))
        except (TemplateError, _UnfitError):
            return None
        head, found, tail = text.partition(body)
        if not found or body in tail:
            return None
        for trims in (False, True):
            frame = Frame(head, tail, trims)
            if frame.around(_PADDED.format(body)) == padded:
                return frame
        return None

    @staticmethod
    def _rest(begun: str, whole: str) -> str:
        if not whole.startswith(begun):
            raise _UnfitError("what it wrote for earlier messages changes with later ones")
        return whole[len(begun) :]

    def check(self, frames: Frames) -> None:
        """Raise _UnfitError unless conversations are the sum of their messages."""
        talk = [("assistant", " a thought </think> and\nan answer"), ("user", "and now?")]
        talk += [("assistant", "<tool: bash>\nls\n</tool>")]
        if "tool" in frames.later:
            talk += [("tool", "a  b\n"), ("assistant", "done"), ("tool", "c"), ("assistant", "x")]
        starts: list[list[Message]] = [[("user", "do it")]]
        if "system" in frames.first:
            starts.append([("system", "be brief"), ("user", "do it")])
        for start in starts:
            messages = [*start, *talk, ("user", "thanks")]
            text = "".join(
                frames.of(role, first=number == 0).around(body)
                for number, (role, body) in enumerate(messages)
            )
            if text != self.render(messages):
                raise _UnfitError("a conversation is not the concatenation of its messages")
            if text + frames.answer != self.render(messages, answer=True):
                raise _UnfitError("how an answer begins depends on earlier messages")
        if frames.answer != frames.later["assistant"].before:
            raise _UnfitError("a new answer begins differently from an earlier one")
