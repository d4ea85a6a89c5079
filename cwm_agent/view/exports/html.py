"""One HTML page without a network: folded, searchable, and no script runs but its own.

Every text is escaped; a content security policy admits our one script by its hash, and nothing
else: no image, no frame, no connection.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape
from importlib import resources

from cwm_agent.view.sanitize import clean, clean_line
from cwm_agent.view.trajectory.failures import WORDS
from cwm_agent.view.trajectory.trajectory import Step, Trajectory
from cwm_agent.wording import counted


def as_html(known: Trajectory) -> str:
    """The page."""
    style, script = _asset("page.css"), _asset("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    outcome = known.outcome
    word = {True: "resolved", False: "unresolved", None: "not scored"}[outcome.resolved]
    facts = (
        f"{word} · {outcome.exit or 'running'} · {counted(len(known.steps), 'step')} · "
        f"{counted(known.tokens, 'token')} · {known.seconds:.1f} s · {known.policy}"
    )
    body = [_details(message.role, message.text, "message") for message in known.opening]
    body += [_step(step) for step in known.steps]
    if known.problem:
        body.append(f"<p class=failed>{text(known.problem)}</p>")
    patch = _diff(outcome.patch) if outcome.patch else "<p>no patch</p>"
    title = text(clean_line(known.name))
    return (
        f"<!doctype html>\n<html lang=en><head><meta charset=utf-8>"
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<meta name=viewport content="width=device-width"><title>{title}</title>'
        f"<style>{style}</style></head><body><header><h1>{title}</h1><p>{text(facts)}</p>"
        f"<p><input id=find type=search placeholder='find' aria-label='find'>"
        f"<output id=found></output> <button id=fold>unfold all</button></p></header>"
        f"<main>{''.join(body)}<h2 id=patch>Patch</h2>{patch}</main>"
        f"<script>{script}</script></body></html>\n"
    )


def text(raw: str) -> str:
    """Escaped, control characters visible."""
    return escape(clean(raw), quote=True)


def _step(step: Step) -> str:
    failed = " failed" if step.failure else ""
    ending = WORDS[step.failure] if step.failure else ""
    if step.exit_code is not None:
        ending = f"exit {step.exit_code}"
    first = clean_line(step.action.path or step.action.body.strip().partition("\n")[0])[:160]
    tool = text(step.action.tool or "says")
    summary = (
        f"<a href='#step-{step.number}'>{step.number}</a> <b>{tool}</b> "
        f"<code>{text(first)}</code> <i>{text(ending)}</i> <small>{step.spent.total:.1f} s</small>"
    )
    inner = "".join(
        (
            _details("thinking", step.thinking, "think"),
            f"<p class=prose>{text(step.prose)}</p>" if step.prose else "",
            _pre("call", step.action.body),
            _details(
                "observation", step.observation, "observation", opened=len(step.observation) < 4000
            ),
            _details("error", step.error, "observation", opened=True) if step.error else "",
        )
    )
    return (
        f"<details class='step{failed}' id='step-{step.number}'><summary>{summary}</summary>"
        f"{inner}</details>"
    )


def _details(name: str, raw: str, kind: str, *, opened: bool = False) -> str:
    if not raw:
        return ""
    state = " open" if opened else ""
    return (
        f"<details class={kind}{state}><summary>{text(name)} <small>{len(raw):,} characters"
        f"</small></summary><pre>{text(raw)}</pre></details>"
    )


def _pre(kind: str, raw: str) -> str:
    return f"<pre class={kind}>{text(raw)}</pre>" if raw else ""


def _diff(patch: str) -> str:
    lines = []
    for line in clean(patch).split("\n"):
        kind = {"+": "add", "-": "del", "@": "hunk"}.get(line[:1], "")
        lines.append(f"<span class={kind}>{escape(line)}</span>" if kind else escape(line))
    return "<pre class=diff>" + "\n".join(lines) + "</pre>"


def _asset(name: str) -> str:
    return (resources.files("cwm_agent.view.exports") / "assets" / name).read_text("utf-8")
