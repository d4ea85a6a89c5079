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
class Place:
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


SYSTEM = Place("environment", _ENVIRONMENT, constant="SYSTEM_UBUNTU")
"""One constant that holds the environment's description, all tools and the rules."""

_PATH = {"path": "path"}

PLACES = (
    Place("system.description", _PROMPTS, function="get_cwm_sys_prompt", default_of="description"),
    Place("system.thinking", _PROMPTS, constant="CWM_THINKTAG_SYS_PROMPT"),
    Place("system.environment", _PROMPTS, constant="ENV_PROMPT"),
    Place("task.issue", _ENVIRONMENT, constant="USER_ISSUE_SOLVING"),
    Place("result.output", _ENVIRONMENT, constant="FEEDBACK_OUTPUT_PROMPT"),
    Place("result.budget", _ENVIRONMENT, constant="BUDGET_NOTICE_TEMPLATE"),
    Place(
        "submit.review",
        _ENVIRONMENT,
        constant="SUBMISSION_FEEDBACK_PROMPT",
        names={"pred_patch": "submission"},
    ),
    *(
        Place(key, _ENVIRONMENT, function="step", names={"num_ending_tokens": "marks"})
        for key in ("format.thinking_missing", "format.thinking_repeated")
    ),
    Place(
        "format.several_calls",
        _GRAMMAR,
        function="parse_tool_calls",
        names={"len(tool_calls)": "count", "', '.join(tool_names)": "names"},
    ),
    Place(
        "format.tag_mismatch",
        _GRAMMAR,
        function="parse_tool_calls",
        names={
            "len(tool_calls)": "calls",
            "num_opening_tags": "opening",
            "num_closing_tags": "closing",
        },
    ),
    Place("format.no_call", _GRAMMAR, function="parse_tool_calls"),
    Place("format.empty", _GRAMMAR, function="parse_tool_calls", names={"tool_name": "name"}),
    Place("format.unknown_tool", _TOOLS, function="apply_tool", names={"tool_name": "name"}),
    Place("bash.fresh.ended", _TOOLS, function="bash_feedback_default", nth=0),
    Place("bash.fresh.timeout", _TOOLS, function="bash_feedback_default", nth=1),
    Place("bash.fresh.too_much_output", _TOOLS, function="bash_feedback_default", nth=2),
    Place("bash.fresh.session", _TOOLS, function="bash_feedback_default", nth=3),
    Place("edit.unparsable", _EDIT, constant="PARSE_ERROR", is_template=False),
    Place(
        "edit.several_blocks",
        _EDIT,
        function="main",
        names={"len(predicted_path_search_replaces)": "count"},
    ),
    Place("edit.missing", _EDIT, function="main", names=_PATH, nth=0),
    Place("edit.not_found", _EDIT, function="main", names=_PATH, nth=1),
    Place("edit.not_found_hint", _EDIT, function="main"),
    Place("edit.not_unique", _EDIT, function="main", names={"linenums": "lines", **_PATH}),
    Place(
        "edit.done",
        _EDIT,
        function="main",
        names={"line": "line", "num_lines": "total", "snippet_content": "excerpt", **_PATH},
    ),
    Place("create.exists", _CREATE, function="main", names=_PATH),
    Place("create.no_path", _CREATE, function="main"),
    Place("create.no_parent", _CREATE, function="main", names={"parent_dir": "parent"}),
    Place("create.done", _CREATE, function="main", names={"num_lines": "lines", **_PATH}),
    Place("submit.unreadable", _TOOLS, function="submit_diff_file", names=_PATH, nth=0),
    Place("submit.empty", _TOOLS, function="submit_diff_file", names=_PATH, nth=1),
    Place("submit.no_diff", _TOOLS, function="submit_diff_file", names=_PATH, nth=2),
)
