"""Solving an issue: the environment around the tools."""

from __future__ import annotations

from collections.abc import Sequence

from envs.environment import Meter, ReplyLimits, Step
from envs.errors import OversizeError, SandboxError
from envs.failures import FAILURES, SUSPECT
from envs.issue.budget import Budget, Clock, Limits
from envs.issue.goal import PATCH, Goal
from envs.issue.losses import breakdown, lost_at_this_turn
from envs.issue.messages import Wording
from envs.issue.modes import Switches
from envs.issue.published import PublishedSession
from envs.issue.toolbox import Toolbox
from envs.repository.repository import SandboxRepository
from envs.repository.restore import bring, fill, state_after
from envs.sandbox.probe import enforced
from envs.sandbox.sandbox import Sandbox
from envs.task import IssueTask
from results.found import Enforced
from results.records import (
    Event,
    ExitReason,
    Message,
    Observed,
    Reply,
    Snapshot,
    Submitted,
    ToolRan,
)
from tools.errors import CallError
from tools.parsing import Call, only_call, parse_call, parse_faithful
from tools.registry import tool_spec
from tools.texts import Texts
from tools.tool import ToolContext, ToolResult
from tools.workspace import Cause, CommandResult


class IssueEnvironment:
    """One issue in one sandbox, from its opening messages to its patch, or to its test (`goal`).

    `tools` names the tools that the model gets, in the order of their
    description. With `thinking` a reply's answer is what follows `</think>`.
    With `native` the model gets them as functions of its API.
    The sandbox is opened by `start` or `restore` and closed by `close`. When
    a step ends the episode, its messages are only a record: nobody answers.
    """

    def __init__(
        self,
        task: IssueTask,
        sandbox: Sandbox,
        tools: Sequence[str],
        texts: Texts,
        switches: Switches,
        limits: Limits,
        meter: Meter,
        clock: Clock,
        *,
        thinking: bool = True,
        goal: Goal = PATCH,
        native: bool = False,
    ) -> None:
        self._task = task
        self._goal = goal
        self._sandbox = sandbox
        self._texts = texts
        self._switches = switches
        self._limits = limits
        self._thinking = thinking
        self._native = native
        self._clock = clock
        self._budget = Budget(limits, meter, clock)
        self._wording = Wording(texts, switches, limits, meter)
        self._repository = SandboxRepository(sandbox, task.root)
        seconds, check = limits.command_seconds, self._repository.check
        context = ToolContext(
            texts, switches, seconds, self._working_diff, check, goal.refusal, goal.state
        )
        self._toolbox = Toolbox(tools, context)
        self._published = (
            PublishedSession(sandbox, task.root) if switches.published_session else None
        )
        self._tree = ""
        self._diff = ""
        self._submission: str | None = None
        self._exit: ExitReason | None = None
        self._malformed_in_row = 0
        self._lost_before = False

    def start(self) -> tuple[Message, ...]:
        """Fill the sandbox and return the system and the user message; raises SandboxError."""
        self._prepare()
        self._begin_session()
        messages = (
            self._wording.system(self._toolbox.names, thinking=self._thinking, native=self._native),
            self._wording.issue(self._task.issue, self._task.root, self._goal.text),
        )
        self._budget.count_messages(messages)
        return messages

    def limits(self) -> ReplyLimits:
        """What the next reply may use."""
        return ReplyLimits(
            self._budget.reply_tokens(),
            self._switches.stop_after_call,
            self._switches.show_control_tokens,
        )

    def step(self, reply: Reply) -> Step:
        """Check the limits, then the call, then run it; a lost sandbox ends the episode."""
        crossed = self._switches.context_cut_ends and self._budget.cut_by_context(reply)
        self._budget.count_reply(reply)
        limit = self._budget.exceeded(last_turn_acts=self._switches.last_turn_acts)
        if crossed:
            limit = "token_limit"
        if limit is not None:
            return self._end(Step((), exit=limit))
        try:
            call = self._parse(reply)
        except CallError as error:
            return self._answer_malformed(error, reply)
        self._malformed_in_row = 0
        try:
            return self._act(call)
        except SandboxError as error:
            # It was ready before this action.
            cause: Cause = "sandbox_broken" if error.cause == "setup" else error.cause
            ran = ToolRan(
                self._budget.turns,
                call.name,
                False,
                0.0,
                ending="lost",
                error=str(error),
                cause=cause,
            )
            return self._lose((ran,), str(error), cause)

    def restore(self, events: tuple[Event, ...]) -> tuple[Message, ...]:
        """Continue in a fresh sandbox with the files of the last snapshot; raises SandboxError."""
        if not any(isinstance(event, Observed) for event in events):
            return self.start()
        self._lost_before = lost_at_this_turn(events)
        self._prepare()
        self._budget.restore(events)
        for event in events:
            if isinstance(event, Submitted):
                self._submission = event.patch
            elif isinstance(event, ToolRan):
                self._malformed_in_row = 0 if event.tool else self._malformed_in_row + 1
        state = state_after(events, None, self._task.root)
        self._tree = bring(self._sandbox, self._repository, state, root=self._task.root)
        self._diff = state.patch
        self._begin_session()
        where = self._sandbox.cwd
        notice = Message("user", self._texts.render("restored", cwd=where, turns=state.turn))
        self._budget.count_messages((notice,))
        return (notice,)

    def enforced(self) -> Enforced:
        """What the open sandbox enforces; raises SandboxError."""
        return enforced(self._sandbox)

    def patch(self) -> str:
        """The submission if it counts, else (improved mode) the working tree's diff, else ""."""
        ended_well = self._exit == "submitted"
        if self._submission is not None and (ended_well or self._switches.keep_submission_on_limit):
            return self._submission
        return self._diff if self._switches.submit_on_limit and self._goal is PATCH else ""

    def close(self) -> None:
        """Give the sandbox back."""
        self._sandbox.close()

    def _prepare(self) -> None:
        ignored = self._switches.ignore_untracked
        recorded = None if self._goal.state else self._repository
        fill(self._sandbox, recorded, self._task, ignore_untracked=ignored)
        self._tree = self._repository.start_tree

    def _begin_session(self) -> None:
        if self._published is not None:
            self._published.begin(self._sandbox.cwd)

    def _parse(self, reply: Reply) -> Call:
        names, text = self._toolbox.names, reply.text
        if reply.chat is not None and reply.chat.calls is not None:
            calls = [(call.name, call.body) for call in reply.chat.calls]
            return only_call(calls, names=names, may_be_empty=self._toolbox.may_be_empty)
        if not self._switches.tolerant_calls:
            return parse_faithful(text, thinking=self._thinking, names=names)
        return parse_call(
            text,
            thinking=self._thinking,
            names=names,
            may_be_empty=self._toolbox.may_be_empty,
            refuse_text_after=self._switches.refuse_text_after_call,
        )

    def _answer_malformed(self, error: CallError, reply: Reply) -> Step:
        if self._submission is not None and self._is_final(error):
            return self._end(Step((), exit="submitted"))
        self._malformed_in_row += 1
        ran = ToolRan(self._budget.turns, "", False, 0.0, error=str(error))
        message = self._wording.malformed(error, cut=reply.finish == "length")
        allowed = self._switches.malformed_in_row
        if allowed and self._malformed_in_row >= allowed:
            detail = f"{self._malformed_in_row} unusable replies in a row, the last: {error}"
            return self._end(Step((message,), (ran,), "format_errors", detail))
        return self._continue(message, (ran,))

    def _is_final(self, error: CallError) -> bool:
        """Whether a reply without a usable call is the final answer after a submission."""
        if error.kind in ("thinking_missing", "thinking_repeated"):
            return False
        return error.kind == "no_call" or self._switches.malformed_ends_after_submission

    def _act(self, call: Call) -> Step:
        began = self._clock()
        workspace = self._sandbox if self._published is None else self._published
        result = self._toolbox.run(call, workspace, self._budget.remaining_seconds)
        events: list[Event] = [self._ran(call, result, self._clock() - began)]
        if broken := breakdown(result.command):
            detail = f"while a command ran: {FAILURES[broken].meaning}"
            return self._lose(tuple(events), detail, broken)
        if result.submission is not None:
            self._submission = result.submission
            events.append(Submitted(self._budget.turns, result.submission))
        if self._published is not None:  # begins afresh by itself
            if tool_spec(call.name).published == "plugin":
                self._published.pass_over(call.body)
        elif self._switches.fresh_session_on_failure and _failed(result.command):
            self._sandbox.restart_shell(cwd=self._task.root)
        events += self._snapshot()
        message = self._wording.result(call.name, result.feedback, self._budget)
        return self._continue(message, tuple(events))

    def _ran(self, call: Call, result: ToolResult, seconds: float) -> ToolRan:
        command = result.command
        return ToolRan(
            self._budget.turns,
            call.name,
            result.ok,
            seconds,
            ending=command.ending if command else None,
            exit_code=command.exit_code if command else None,
            dropped_bytes=command.dropped_bytes if command else 0,
            queued=round(command.queued, 6) if command else 0.0,
            cause=command.cause if command else None,
        )

    def _working_diff(self) -> str | None:
        """What an empty submission hands in; None where there is too much of it."""
        try:
            return self._repository.snapshot().patch
        except OversizeError:
            return None

    def _snapshot(self) -> list[Event]:
        """The new state of the repository; one with too many changes is not kept."""
        if self._goal.state:
            return []
        try:
            state = self._repository.snapshot()
        except OversizeError:
            return []
        if state.tree == self._tree:
            return []
        self._tree, self._diff = state.tree, state.patch
        patch = None if state.patch == state.diff else state.patch
        return [Snapshot(self._budget.turns, state.tree, state.diff, self._sandbox.cwd, patch)]

    def _lose(self, events: tuple[Event, ...], detail: str, cause: Cause) -> Step:
        """The sandbox is lost: to the action, where it was lost to the same one before."""
        lost_to_it = self._lost_before and cause in SUSPECT
        exit: ExitReason = "sandbox_broken" if lost_to_it else "sandbox_error"
        return self._end(Step((), events, exit, detail, cause))

    def _continue(self, message: Message, events: tuple[Event, ...]) -> Step:
        if self._switches.last_turn_acts:  # else the next step's checks end the episode
            spent = self._budget.spent(next_tokens=self._budget.message_tokens(message))
            if spent is not None:
                return self._end(Step((message,), events, spent))
        self._budget.count_messages((message,))
        self._lost_before = False
        return Step((message,), events)

    def _end(self, step: Step) -> Step:
        self._exit = step.exit
        return step


def _failed(command: CommandResult | None) -> bool:
    """Whether the published session would have ended: not by a mere exit code."""
    return command is not None and (command.ending != "exited" or command.dropped_bytes > 0)
