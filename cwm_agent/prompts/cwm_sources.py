"""Where each text stands in a checkout of facebookresearch/cwm (commit 7930e02)."""

from __future__ import annotations

from dataclasses import dataclass, field

_PROMPTS = "cwm/rl/envs/prompts.py"
_ENVIRONMENT = "cwm/rl/envs/envs/swerl_tool.py"
_GRAMMAR = "cwm/rl/swerl/default_tools.py"
_TOOLS = "cwm/rl/swerl/tools.py"
_EDIT = "cwm/rl/swerl/plugins/edit.py"
_CREATE = "cwm/rl/swerl/plugins/create.py"


@dataclass(frozen=True, slots=True)
class SourceText:
    """One text: a module constant, the default of a function's argument, or a sentence.

    A sentence is the `nth` string that `function` assigns, returns or raises
    among those whose expressions are exactly the keys of `names`; `names` maps
    an expression (in a constant: a `{field}`) to our variable.
    """

    key: str
    file: str
    constant: str | None = None
    is_template: bool = True
    function: str = ""
    default_of: str | None = None
    names: dict[str, str] = field(default_factory=dict)
    nth: int = 0


SYSTEM = SourceText("environment", _ENVIRONMENT, constant="SYSTEM_UBUNTU")
"""One constant that holds the environment's description, all tools and the rules."""

_PATH = {"path": "path"}

PLACES = (
    SourceText(
        "system.description", _PROMPTS, function="get_cwm_sys_prompt", default_of="description"
    ),
    SourceText("system.thinking", _PROMPTS, constant="CWM_THINKTAG_SYS_PROMPT"),
    SourceText("system.environment", _PROMPTS, constant="ENV_PROMPT"),
    SourceText("task.issue", _ENVIRONMENT, constant="USER_ISSUE_SOLVING"),
    SourceText("result.output", _ENVIRONMENT, constant="FEEDBACK_OUTPUT_PROMPT"),
    SourceText("result.budget", _ENVIRONMENT, constant="BUDGET_NOTICE_TEMPLATE"),
    SourceText(
        "submit.review",
        _ENVIRONMENT,
        constant="SUBMISSION_FEEDBACK_PROMPT",
        names={"pred_patch": "submission"},
    ),
    *(
        SourceText(key, _ENVIRONMENT, function="step", names={"num_ending_tokens": "marks"})
        for key in ("format.thinking_missing", "format.thinking_repeated")
    ),
    SourceText(
        "format.several_calls",
        _GRAMMAR,
        function="parse_tool_calls",
        names={"len(tool_calls)": "count", "', '.join(tool_names)": "names"},
    ),
    SourceText(
        "format.tag_mismatch",
        _GRAMMAR,
        function="parse_tool_calls",
        names={
            "len(tool_calls)": "calls",
            "num_opening_tags": "opening",
            "num_closing_tags": "closing",
        },
    ),
    SourceText("format.no_call", _GRAMMAR, function="parse_tool_calls"),
    SourceText("format.empty", _GRAMMAR, function="parse_tool_calls", names={"tool_name": "name"}),
    SourceText("format.unknown_tool", _TOOLS, function="apply_tool", names={"tool_name": "name"}),
    SourceText("bash.fresh.ended", _TOOLS, function="bash_feedback_default", nth=0),
    SourceText("bash.fresh.timeout", _TOOLS, function="bash_feedback_default", nth=1),
    SourceText("bash.fresh.too_much_output", _TOOLS, function="bash_feedback_default", nth=2),
    SourceText("bash.fresh.session", _TOOLS, function="bash_feedback_default", nth=3),
    SourceText("edit.unparsable", _EDIT, constant="PARSE_ERROR", is_template=False),
    SourceText(
        "edit.several_blocks",
        _EDIT,
        function="main",
        names={"len(predicted_path_search_replaces)": "count"},
    ),
    SourceText("edit.missing", _EDIT, function="main", names=_PATH, nth=0),
    SourceText("edit.not_found", _EDIT, function="main", names=_PATH, nth=1),
    SourceText("edit.not_found_hint", _EDIT, function="main"),
    SourceText("edit.not_unique", _EDIT, function="main", names={"linenums": "lines", **_PATH}),
    SourceText(
        "edit.done",
        _EDIT,
        function="main",
        names={"line": "line", "num_lines": "total", "snippet_content": "excerpt", **_PATH},
    ),
    SourceText("create.exists", _CREATE, function="main", names=_PATH),
    SourceText("create.no_path", _CREATE, function="main"),
    SourceText("create.no_parent", _CREATE, function="main", names={"parent_dir": "parent"}),
    SourceText("create.done", _CREATE, function="main", names={"num_lines": "lines", **_PATH}),
    SourceText("submit.unreadable", _TOOLS, function="submit_diff_file", names=_PATH, nth=0),
    SourceText("submit.empty", _TOOLS, function="submit_diff_file", names=_PATH, nth=1),
    SourceText("submit.no_diff", _TOOLS, function="submit_diff_file", names=_PATH, nth=2),
)
