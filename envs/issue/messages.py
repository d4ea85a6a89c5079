"""The messages of an episode with tools: opening, results, format errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from envs.environment import Meter
from envs.issue.budget import FRAME_TOKENS, Budget, Limits
from envs.issue.modes import Switches
from envs.issue.truncation import keep_both_ends, keep_head, keep_tail
from results.records import Message
from tools.errors import CallError
from tools.native import described
from tools.registry import tool_spec
from tools.texts import Texts


@dataclass(frozen=True, slots=True)
class Wording:
    """Turns what happened into messages of bounded length.

    The faithful bounds cut one end and put `[...]` there. The improved ones
    keep both ends of what is long, and everything around it.
    """

    texts: Texts
    switches: Switches
    limits: Limits
    meter: Meter

    def system(self, tools: Sequence[str], *, thinking: bool, native: bool = False) -> Message:
        """The system message: who the model is, and under `# Environment` its place and tools.

        `native`: the tools come as functions, so the text grammar is not shown.
        """
        description = self.texts.render("system.description")
        if thinking:
            description = self.texts.render("system.thinking", description=description)
        about = self.texts.render(
            "environment.about",
            session_timeout=f"{self.limits.command_seconds:.0f}-second",
            context_size=self.limits.context_tokens,
            max_turns=self.limits.turns,
        )
        specifications = [
            described(name, self.texts) if native else self.texts.render(tool_spec(name).text_key)
            for name in tools
        ]
        rules = self.texts.render("environment.rules")
        environment = "\n\n".join([about, *specifications, rules])
        heading = self.texts.render("system.environment", environment=environment)
        return Message("system", f"{description}\n\n{heading}")

    def issue(self, issue: str, root: str, key: str = "task.issue") -> Message:
        """The user message with the task, which the text `key` words."""
        room = self._room("user", self.limits.prompt_tokens)
        text = self.texts.render(key, issue=issue, repo_root=root)
        if self.meter.count(text) > room:
            if self.switches.cut_only_the_issue:
                around = self.texts.render(key, issue="", repo_root=root)
                issue = self._cut_middle(issue, room - self.meter.count(around))
                text = self.texts.render(key, issue=issue, repo_root=root)
            text = keep_tail(text, room, self.meter)
        return Message("user", text)

    def result(self, tool: str, feedback: str, budget: Budget) -> Message:
        """A tool's feedback with the budget notice."""
        role = f"tool: {tool}"
        room = self._room(role, self.limits.tool_turn_tokens)
        if self.switches.keep_both_ends:
            longest = self._budget_text(budget, self.limits.tool_turn_tokens)
            frame = self.meter.count(self._with_budget("", longest))
            feedback = self._cut_middle(feedback, room - frame)
        output = self.texts.render("result.output", feedback=feedback)
        # The published estimate: the notice's template counts unfilled.
        unfilled = self.texts.templates["result.budget"]
        estimate = (
            FRAME_TOKENS + self.meter.count(role) + self.meter.count(f"{output}\n\n{unfilled}")
        )
        notice = self._budget_text(budget, min(estimate, self.limits.tool_turn_tokens))
        return Message(role, keep_head(self._with_budget(feedback, notice), room, self.meter))

    def malformed(self, error: CallError, *, cut: bool) -> Message:
        """What the model is told after a reply without exactly one usable call."""
        if cut and self.switches.explain_cut_reply:
            text = self.texts.render("format.reply_cut", max_tokens=self.limits.action_tokens)
        else:
            text = self.texts.render(error.text_key, **error.variables)
        room = self._room("user", self.limits.tool_turn_tokens)
        return Message("user", keep_head(text, room, self.meter))

    def _with_budget(self, feedback: str, notice: str) -> str:
        return f"{self.texts.render('result.output', feedback=feedback)}\n\n{notice}"

    def _budget_text(self, budget: Budget, next_tokens: int) -> str:
        return self.texts.render(
            "result.budget",
            remaining_turns=budget.remaining_turns,
            remaining_tokens=self.limits.context_tokens - budget.tokens - next_tokens,
        )

    def _cut_middle(self, text: str, tokens: int) -> str:
        total = self.meter.count(text)
        if total <= tokens:
            return text
        note = self.texts.render("result.cut", left_out=total - tokens, total=total)
        return keep_both_ends(text, tokens, self.meter, note)

    def _room(self, role: str, limit: int) -> int:
        return limit - FRAME_TOKENS - self.meter.count(role)
