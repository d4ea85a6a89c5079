"""Faithful and improved: every difference between the two modes is one switch.

`faithful` behaves like the published environment, so that scores can be
compared. `improved` repairs its defects and is the default. docs/modes.md
lists every switch with its reason.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from envs.errors import ModeError


@dataclass(frozen=True, slots=True)
class Switches:
    """One setting for each difference. The text under a field says what True (or a value) does."""

    tolerant_calls: bool
    """Read a call line by line, so tags may be mentioned in a body; a mention costs no turn."""
    refuse_text_after_call: bool
    """Refuse a reply that goes on after its call: it was written without seeing the result."""
    stop_after_call: bool
    """Ask the policy to stop at the end of a call instead of paying for text that is ignored."""
    malformed_in_row: int
    """End the episode after so many unusable replies in a row; 0 never does and burns turns."""
    malformed_ends_after_submission: bool
    """Any unusable reply after a submission ends the episode, not only one without a call."""
    explain_cut_reply: bool
    """Say that a reply was cut at its token limit, which otherwise looks like a missing call."""
    context_cut_ends: bool
    """A reply that would cross the context ends the episode; it is not cut and acted on."""
    show_control_tokens: bool
    """A control token inside a reply is its name in the text, so a call around it means that."""
    published_session: bool
    """Commands run in the published session, which reads them from a pipe (`published.py`)."""
    drop_invalid_bytes: bool
    """Bytes of a command's output that are no UTF-8 are left out, not shown as U+FFFD."""
    keep_partial_output: bool
    """Show what a failed command printed; the reason for a timeout usually stands there."""
    fresh_session_on_failure: bool
    """Start a new shell in the repository after any failed command, losing its variables."""
    keep_both_ends: bool
    """Cut long output in its middle and keep the budget notice, as errors stand at the end."""
    cut_only_the_issue: bool
    """Cut a long issue itself, not the beginning of the task around it."""
    edit_whole_lines: bool
    """A search matches whole lines only, so that `foo` never edits `foobar`."""
    edit_may_delete: bool
    """An edit may replace lines by nothing; blocks are read line by line."""
    edit_keeps_line_endings: bool
    """An edit of a CRLF file leaves its line endings, so that the diff stays small."""
    edit_any_encoding: bool
    """Files that are no UTF-8 can be edited, and a byte order mark is no part of line 1."""
    strip_paths: bool
    """Blanks around the path of an edit or create are not part of it."""
    edit_refuses_unchanged: bool
    """Refuse an edit whose new lines are the old ones: the model believes that it changed one."""
    ignore_untracked: bool
    """git ignores what the image left untracked, so that `git add -A` takes none into a patch."""
    submit_through_shell: bool
    """Read the submitted path by an unquoted `cat`; blanks in a path then break it."""
    submit_working_tree: bool
    """An empty submit hands in the working tree's diff instead of being refused."""
    submit_must_apply: bool
    """Try a submission on a clean copy: repair what is certain, refuse what does not apply."""
    last_turn_acts: bool
    """The last turn's call is run; the published order of checks wastes it."""
    keep_submission_on_limit: bool
    """A submitted patch counts even when a limit ends the episode before the final answer."""
    submit_on_limit: bool
    """Without a submission the working tree's diff is the patch when the episode ends."""


def faithful() -> Switches:
    """The published environment with non-strict format, as registered for evaluation."""
    return Switches(
        tolerant_calls=False,
        refuse_text_after_call=False,
        stop_after_call=False,
        malformed_in_row=0,
        malformed_ends_after_submission=True,
        explain_cut_reply=False,
        context_cut_ends=True,
        show_control_tokens=True,
        published_session=True,
        drop_invalid_bytes=True,
        keep_partial_output=False,
        fresh_session_on_failure=True,
        keep_both_ends=False,
        cut_only_the_issue=False,
        edit_whole_lines=False,
        edit_may_delete=False,
        edit_keeps_line_endings=False,
        edit_any_encoding=False,
        strip_paths=False,
        edit_refuses_unchanged=False,
        ignore_untracked=False,
        submit_through_shell=True,
        submit_working_tree=False,
        submit_must_apply=False,
        last_turn_acts=False,
        keep_submission_on_limit=False,
        submit_on_limit=False,
    )


def improved() -> Switches:
    """The default: the same protocol without its known defects."""
    return Switches(
        tolerant_calls=True,
        refuse_text_after_call=True,
        stop_after_call=True,
        malformed_in_row=10,
        malformed_ends_after_submission=False,
        explain_cut_reply=True,
        context_cut_ends=False,
        show_control_tokens=False,
        published_session=False,
        drop_invalid_bytes=False,
        keep_partial_output=True,
        fresh_session_on_failure=False,
        keep_both_ends=True,
        cut_only_the_issue=True,
        edit_whole_lines=True,
        edit_may_delete=True,
        edit_keeps_line_endings=True,
        edit_any_encoding=True,
        strip_paths=True,
        edit_refuses_unchanged=True,
        ignore_untracked=True,
        submit_through_shell=False,
        submit_working_tree=True,
        submit_must_apply=True,
        last_turn_acts=True,
        keep_submission_on_limit=True,
        submit_on_limit=True,
    )


MODES = {"faithful": faithful, "improved": improved}


def switches(mode: str, overrides: Mapping[str, object] | None = None) -> Switches:
    """The switches of `mode` with single ones replaced; raises ModeError for unknown names."""
    if mode not in MODES:
        raise ModeError(f"unknown mode '{mode}'; choose one of {', '.join(sorted(MODES))}")
    base = MODES[mode]()
    known = {field.name for field in dataclasses.fields(Switches)}
    for name, value in (overrides or {}).items():
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean '{near[0]}'?" if near else "docs/modes.md lists them"
            raise ModeError(f"unknown switch '{name}'; {hint}")
        _check_value(name, value)
    return dataclasses.replace(base, **(overrides or {}))  # type: ignore[arg-type]


def _check_value(name: str, value: object) -> None:
    if name == "malformed_in_row":
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise ModeError(f"switch '{name}' takes a number, 0 for no limit, not {value!r}")
    elif not isinstance(value, bool):
        raise ModeError(f"switch '{name}' takes true or false, not {value!r}")
