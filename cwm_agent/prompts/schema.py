"""Which texts a prompt pack has, and which variables each may use.

A text may leave a variable out, but never use another one.
"""

from __future__ import annotations

from tools.registry import TOOLS

SCALING_TEXTS: dict[str, tuple[str, ...]] = {
    "testgen.task": ("issue", "repo_root"),
    "testgen.review": ("submission",),
    "testgen.refused": ("reason",),
    "grade.question": (),
    "grade.prefix": (),
    "grade.scale": (),
}
"""Texts for choosing among samples; packs that lack them use those of `scaling.yaml`."""

REASONING_TEXTS: dict[str, tuple[str, ...]] = {
    "contest.task": ("problem", "form"),
    "contest.program": (),
    "contest.function": ("starter",),
    "mathematics.task": ("problem",),
}
"""Texts for problems with one right answer; packs that lack them use those of `reasoning.yaml`."""

TEXTS: dict[str, tuple[str, ...]] = {
    "system.description": (),
    "system.thinking": ("description",),
    "system.environment": ("environment",),
    "environment.about": ("session_timeout", "context_size", "max_turns"),
    **{spec.text_key: () for spec in TOOLS},
    "environment.rules": (),
    "task.issue": ("issue", "repo_root"),
    "task.state": ("issue", "repo_root"),
    "result.output": ("feedback",),
    "result.budget": ("remaining_turns", "remaining_tokens"),
    "result.cut": ("left_out", "total"),
    "restored": ("cwd", "turns"),
    "restored.state": ("cwd", "turns"),
    "format.thinking_missing": ("marks",),
    "format.thinking_repeated": ("marks",),
    "format.several_calls": ("count", "names"),
    "format.tag_mismatch": ("calls", "opening", "closing"),
    "format.misplaced_tag": (),
    "format.unclosed": ("name",),
    "format.text_after": ("name",),
    "format.no_call": (),
    "format.empty": ("name",),
    "format.unknown_tool": ("name", "names"),
    "format.reply_cut": ("max_tokens",),
    **{key: variables for spec in TOOLS for key, variables in spec.texts.items()},
    **SCALING_TEXTS,
    **REASONING_TEXTS,
    "serve.tools": ("tools",),
    "serve.tool": ("name", "description", "schema"),
}

NEEDED: dict[str, tuple[str, ...]] = {
    "system.thinking": ("description",),
    "system.environment": ("environment",),
    "task.issue": ("issue",),
    "task.state": ("issue",),
    "result.output": ("feedback",),
    "submit.review": ("submission",),
    "testgen.task": ("issue",),
    "contest.task": ("problem",),
    "contest.function": ("starter",),
    "mathematics.task": ("problem",),
    "serve.tools": ("tools",),
    "serve.tool": ("name",),
}
"""Variables that a text must use, since without them the model would miss its task or a result."""

WORDING: dict[str, str] = {
    **{key: text for spec in TOOLS for key, text in spec.wording.items()},
    "task.state": (
        "Carry out this task in the container:\n\n<task>\n{issue}\n</task>\n\nYour shell has "
        "started in {repo_root}. What counts is the state in which you leave the container: "
        "hidden tests look at it when you are done. [result] of <tool: submit> is one line that "
        "says what you did; submit when the task is complete, then close with a short report."
    ),
    "restored.state": (
        "The container broke down after turn {turns} and was replaced. Your calls up to then were "
        "run again in the new one, and the shell stands in {cwd}; check what you rely on."
    ),
    "serve.tools": (
        "You can call tools. A call is the last thing in an answer, and an answer holds at most "
        "one. These tools are there:\n\n{tools}"
    ),
    "serve.tool": (
        "<tool: {name}>\n[arguments]\n</tool>\n{description}\n[arguments] is one JSON object of "
        "this schema: {schema}"
    ),
}
"""Texts that came later, for packs that do not have them."""
