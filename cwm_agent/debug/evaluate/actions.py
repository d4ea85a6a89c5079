"""How well debugger actions are predicted: by action, component and horizon.

As in section 5 of arXiv 2603.09951: after true states that steps lead through, one action
is asked for; its state is compared with the true one. The horizon is the share of a
program's states that the action leads over.
"""

from __future__ import annotations

import ast
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from cwm_agent.debug.actions.decode import Told, tell_free, tell_legal
from cwm_agent.debug.actions.parse import StateParser
from cwm_agent.debug.actions.trajectory import follow, steps_to
from cwm_agent.debug.actions.tree import StateTree
from cwm_agent.debug.core.verify import call_arguments
from cwm_agent.debug.evaluate.figures import Item
from cwm_agent.debug.evaluate.judge import true_moments
from cwm_agent.debug.legal.program import Program
from cwm_agent.debug.predict.decode import Writer
from cwm_agent.debug.predict.engine import EnginePredictor
from cwm_agent.debug.record.recording import Recorder, RecordError, request_of
from cwm_agent.errors import UsageError
from model.text.actions import (
    FORWARD_VERBS,
    INVERSE_VERBS,
    TOKENS,
    Action,
    ActionFormat,
    State,
    Step,
    verb_token,
)
from results.reports.metrics import Share, share

Part = Literal["event", "source", "locals", "argument", "state"]
PARTS: tuple[Part, ...] = ("event", "source", "locals", "argument", "state")
"""Of a state, in the paper's words; `state` is all of it."""
HORIZONS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Ends of the ranges of horizons; the first is of actions that lead to the next state."""


@dataclass(frozen=True, slots=True)
class Call:
    """A proposed call: the program with the function as its entry, the state, the result."""

    program: Program
    state: Step | None
    result: str


@dataclass(frozen=True, slots=True)
class Asked:
    """One action: what was right of its state, and how much it leads over (0 to 1).

    `right` has None for what the true state does not have. `call` (inverse calls only) is
    what is proposed, `true_call` tells whether it really gives the result.
    """

    action: str
    legal: bool
    right: dict[Part, bool | None]
    horizon: float
    sampled: int
    call: Call | None = None
    true_call: bool | None = None


def ask(predictor: EnginePredictor, item: Item, seed: int) -> list[Asked]:
    """Each action once, from a random place of one program's execution."""
    rng = random.Random(f"actions/{seed}/{item.name}")
    program = item.program.unmarked()
    marked, plain = item.program.text(item.program.entry_line), program.text(program.entry_line)
    frames = [replace(f, line=plain) if f.line == marked else f for f in item.frames]
    known = replace(item, program=program, frames=tuple(frames))
    tree = StateTree.of(frames, "error" if item.raised else "normal")
    found = []
    for verb in FORWARD_VERBS:
        place = rng.randrange(len(tree.nodes))
        lines = [node.line for node in tree.nodes[place + 1 :]]
        if verb == "breakpoint" and not lines:
            continue
        action = Action(verb, rng.choice(lines) if verb == "breakpoint" else "")
        found += [
            _asked(predictor, known, tree, place, action, rng, legal=legal)
            for legal in (False, True)
        ]
    inner = [i for i, node in enumerate(tree.nodes) if node.kind == "return" and node.depth == 2]
    if inner:
        back = tree.inverted(inner[0])
        for verb in INVERSE_VERBS:
            place = 0 if verb == "step_call" else rng.randrange(len(back.nodes))
            found.append(_asked(predictor, known, back, place, Action(verb), rng, legal=False))
    return found


def _asked(
    predictor: EnginePredictor,
    item: Item,
    tree: StateTree,
    place: int,
    action: Action,
    rng: random.Random,
    *,
    legal: bool,
) -> Asked:
    from model.engine.session import Session

    way = follow(tree, 0, [*steps_to(tree, place, rng), action])
    form = ActionFormat(predictor.voice.tokenizer, inverse=tree.inverse)
    start, end = way.places[-2], way.places[-1]
    source = _source(item, tree)
    session = Session(predictor.engine)
    try:
        session.append([*form.prompt(source), *way.ids(form, until=-1)[0], form.frame_sep_id])
        writer, parser = (
            Writer(predictor.voice, session),
            StateParser(predictor.voice.tokenizer, form),
        )
        if legal:
            moment = true_moments(item.program, item.frames)[start]
            told = tell_legal(writer, form, parser, moment, action)
        else:
            told = tell_free(writer, form, parser)
    finally:
        session.close()
    name = verb_token(action.verb, inverse=tree.inverse)[2:-2]
    true = way.steps[-1]
    call = _call(item, tree, told) if name == "inv_step_call" else None
    horizon = max(0, end - start - 1) / len(tree.nodes)
    return Asked(name, legal, _right(told.step, true), horizon, writer.sampled, call)


def _source(item: Item, tree: StateTree) -> str:
    """The program; going back, without the entry, whose call tells what is asked for."""
    if not tree.inverse:
        return item.program.source
    return "\n".join(item.program.lines[: item.program.entry_line - 1]).rstrip() + "\n"


def _right(told: Step | None, true: Step) -> dict[Part, bool | None]:
    parts: dict[Part, bool | None] = dict.fromkeys(PARTS)
    parts["state"] = told == true
    if not isinstance(true, State):
        parts["event"] = told == true
        return parts
    same = isinstance(told, State) and told.kind == true.kind
    mine = told if isinstance(told, State) else State(true.kind, "")
    parts["event"] = same
    parts["source"] = same and mine.line.rstrip() == true.line.rstrip()
    if true.has_locals:
        parts["locals"] = (
            same and dict(mine.locals) == dict(true.locals) and mine.omitted == true.omitted
        )
    else:
        parts["argument"] = same and mine.value == true.value
    return parts


def _call(item: Item, tree: StateTree, told: Told) -> Call:
    name = tree.nodes[-1].line.split("(")[0].removeprefix("def ").strip()
    return Call(item.program.at(name), told.step, tree.nodes[0].value)


def _marked(asked: Asked, recorder: Recorder) -> Asked:
    if asked.call is None:
        return asked
    return replace(asked, true_call=_is_true(asked.call, recorder))


def _is_true(call: Call, recorder: Recorder) -> bool:
    """Whether a proposed call really gives the result; only written-out values are run."""
    if not isinstance(call.state, State) or call.state.kind != "call":
        return False
    try:
        for _, value in call.state.locals:
            ast.literal_eval(value)
        arguments = call_arguments(call.program, dict(call.state.locals))
        recording = recorder(request_of(call.program, arguments, most=2000, seconds=1.0))
    except (UsageError, RecordError, ValueError, SyntaxError, MemoryError, RecursionError):
        return False
    last = recording.frames[-1]
    ended = not recording.cut and not recording.raised and last.event == "return"
    return ended and last.value == call.result


def ask_all(
    predictor: EnginePredictor,
    items: Sequence[Item],
    seed: int,
    recorder: Recorder,
    *,
    workers: int = 8,
) -> list[Asked]:
    """All programs whose end is known; nothing where the model does not know actions.

    Proposed calls are run by the recorder; raises what it raises.
    """
    if predictor.voice.tokenizer.find_special(TOKENS[0]) is None:
        return []
    whole = [item for item in items if not item.cut]
    with ThreadPoolExecutor(workers) as pool:
        found = [one for some in pool.map(lambda i: ask(predictor, i, seed), whole) for one in some]
    return [_marked(one, recorder) for one in found]


def within(asked: Iterable[Asked], *, legal: bool) -> list[Asked]:
    """Those of one way of decoding; backwards there is only the free one."""
    return [one for one in asked if one.legal == legal]


def to_json(asked: Sequence[Asked]) -> dict[str, object]:
    """Both tables for both ways of decoding."""
    return {
        name: {
            "by_part": shares(by_part(within(asked, legal=legal))),
            "by_horizon": shares(by_horizon(within(asked, legal=legal))),
            "sampled_tokens": sum(one.sampled for one in within(asked, legal=legal)),
        }
        for name, legal in (("free", False), ("legal", True))
    }


def shares(table: Any) -> Any:
    """Shares as objects, at whatever depth."""
    if isinstance(table, Share):
        return asdict(table)
    return {str(name): shares(one) for name, one in table.items()}


def lines(asked: Sequence[Asked]) -> list[str]:
    """Both tables for people, free and within the program side by side."""
    free, legal = (by_part(within(asked, legal=way)) for way in (False, True))
    found = ["One action after true states:", f"{'':26}{'free':30}within the program"]
    for action, row in free.items():
        for part, value in row.items():
            other = legal.get(action, {}).get(part)
            found.append(_row(f"{action} {part}", value, other))
    found += ["", "By the share of the program that an action leads over:"]
    ways = [by_horizon(within(asked, legal=way)) for way in (False, True)]
    for action, ranges in ways[0].items():
        for end, value in ranges.items():
            name = f"{action} next" if end == 0 else f"{action} to {end:.0%}"
            found.append(_row(name, value, ways[1].get(action, {}).get(end)))
    return found


def _row(name: str, free: Share, legal: Share | None) -> str:
    return f"{name:26}{str(free).strip():30}{'' if legal is None else str(legal).strip()}".rstrip()


def by_part(asked: Iterable[Asked]) -> dict[str, dict[str, Share]]:
    """Action -> part -> share that is right; `true_call` for inverse calls."""
    groups: dict[str, list[Asked]] = defaultdict(list)
    for one in asked:
        groups[one.action].append(one)
    table = {}
    for action, members in groups.items():
        row: dict[str, Share] = {
            part: _share([one.right[part] for one in members]) for part in PARTS
        }
        row["true_call"] = _share([one.true_call for one in members])
        table[action] = {part: found for part, found in row.items() if found.n}
    return table


def by_horizon(asked: Iterable[Asked]) -> dict[str, dict[float, Share]]:
    """Action -> end of a range of horizons -> share of states that are right."""
    groups: dict[str, dict[float, list[bool | None]]] = defaultdict(lambda: defaultdict(list))
    for one in asked:
        end = next(end for end in HORIZONS if one.horizon <= end)
        groups[one.action][end].append(one.right["state"])
    return {
        action: {end: _share(row[end]) for end in HORIZONS if row[end]}
        for action, row in groups.items()
    }


def _share(found: Sequence[bool | None]) -> Share:
    known = [one for one in found if one is not None]
    return share(sum(known), len(known))
