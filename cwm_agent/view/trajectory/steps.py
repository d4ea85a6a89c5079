"""Steps from the events of an attempt, as they come: from a journal, or from one that goes on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from cwm_agent.view.trajectory.actions import action_of, split_reply
from cwm_agent.view.trajectory.failures import failure_of
from cwm_agent.view.trajectory.trajectory import Action, Spent, Step, Tokens
from results.records import Event, Message, Observed, Replied, Snapshot, Submitted, ToolRan

_NONE = Action("none", "", "")


@dataclass(slots=True)
class Steps:
    """`known` are the steps so far, the last one as far as it went; `opening` what stands before
    them, with its token ids; `patch` what would be handed in now.
    """

    known: list[Step] = field(default_factory=list)
    opening: list[Message] = field(default_factory=list)
    opening_ids: list[int] = field(default_factory=list)
    patch: str = ""
    _pending_ids: tuple[int, ...] = ()

    def take(self, event: Event, time: str = "") -> None:
        """The next event; `time` is ISO 8601, "" where nobody noted it."""
        match event:
            case Observed() as observed:
                self._observed(observed)
            case Replied() as replied:
                self._replied(replied, time)
            case ToolRan() as ran:
                self._ran(ran)
            case Snapshot() as snapshot:
                self.patch = snapshot.handed_in
                self._change(diff=snapshot.handed_in)
            case Submitted() as submitted:
                self.patch = submitted.patch
            case _:
                pass

    def _observed(self, observed: Observed) -> None:
        if not self.known:
            self.opening += observed.messages
            self.opening_ids += observed.ids
            return
        text = "\n".join(message.text for message in observed.messages)
        last = self.known[-1]
        told = f"{last.observation}\n{text}" if last.answered else text
        self._change(observation=told, answered=True)
        self._judge()
        self._pending_ids += observed.ids

    def _replied(self, replied: Replied, time: str) -> None:
        reply = replied.reply
        thinking, prose, call = split_reply(reply.text)
        if reply.chat is not None:  # some servers keep it apart
            thinking = thinking or reply.chat.reasoning
        written = len(reply.ids) or max(0, reply.context_tokens - reply.prompt_tokens)
        step = Step(
            number=len(self.known) + 1,
            action=action_of(*call) if call else _NONE,
            thinking=thinking,
            prose=prose,
            raw=reply.text,
            finish=reply.finish,
            spent=Spent(model=reply.seconds),
            tokens=Tokens(
                written, reply.context_tokens, reply.cached_tokens, reply.prompt_tokens,
                reply.ids, self._pending_ids, reply.odds.chosen if reply.odds else (), reply.odds,
            ),
            time=time,
        )  # fmt: skip
        self._pending_ids = ()
        self.known.append(step)

    def _ran(self, ran: ToolRan) -> None:
        if not self.known:
            return
        last = self.known[-1]
        action = last.action if ran.tool else replace(last.action, kind="none")
        self._change(
            action=action,
            ok=ran.ok,
            exit_code=ran.exit_code,
            ending="" if ran.ending in (None, "exited") else str(ran.ending),
            error=ran.error or "",
            cause=ran.cause or "",
            dropped_bytes=ran.dropped_bytes,
            spent=replace(last.spent, tool=ran.seconds, waiting=ran.queued),
        )
        self._judge()

    def _judge(self) -> None:
        last = self.known[-1]
        if last.action.kind == "none" and not last.answered and last.ok:
            return  # the last words after a submission
        self._change(
            failure=failure_of(
                last.action, ok=last.ok, exit_code=last.exit_code, ending=last.ending,
                cause=last.cause, observation=last.observation, finish=last.finish,
            )
        )  # fmt: skip

    def _change(self, **values: object) -> None:
        if self.known:
            self.known[-1] = replace(self.known[-1], **values)  # type: ignore[arg-type]
