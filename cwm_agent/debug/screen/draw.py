"""What the panes show, as lines of text: pure functions of a debugger's state."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from cwm_agent.debug.core.debugger import Debugger
from cwm_agent.debug.core.jumps import ending
from cwm_agent.debug.core.tree import Node
from cwm_agent.debug.faces.show import DOUBT
from cwm_agent.view.app import palette
from cwm_agent.view.app.glyphs import Glyphs
from cwm_agent.view.sanitize import clean_line
from model.text.actions import STEP_INTO

SURE = 0.9
"""From this probability on nothing is said of doubt."""


def colour(p: float) -> str:
    """Of a probability; its height or number is always shown besides."""
    return palette.GOOD if p >= SURE else palette.WARN if p >= DOUBT else palette.BAD


def certainty(node: Node) -> float:
    """The least probability in a step, 1 for one that was given."""
    return node.prediction.confidence.least if node.prediction is not None else 1.0


def wanted_illegal(node: Node) -> bool:
    """Whether the step is illegal, or was kept legal against the model's wish."""
    removed = node.prediction.confidence.removed if node.prediction is not None else 0.0
    return not node.moment.allowed or removed > DOUBT


def branch_of(debugger: Debugger) -> list[Node]:
    """All steps of the branch that is shown: those up to here, and those known after."""
    steps = debugger.node.path()
    while steps and (after := steps[-1].latest) is not None:
        steps.append(after)
    return steps


def head(debugger: Debugger, name: str, width: int, *, busy: bool) -> Text:
    """File, model, mode, place in the execution."""
    here, steps = debugger.here, branch_of(debugger)
    text = Text(" ").append(clean_line(name), palette.TITLE)
    computed = ", branches computed" if debugger.certain == "branches" else ""
    mode = f"inside the program{computed}" if debugger.legal else "free"
    mode += ", jumps" if debugger.predictor.jumps else ""
    text.append(f"  {debugger.predictor.name}, {mode}", palette.DIM)
    step = len(debugger.node.path())
    text.append(f"  step {step}/{len(steps)}", palette.INFO)
    if here.ended:
        text.append(f"  {ending(debugger.node.prediction)}", palette.GOOD)
    elif here.frame is not None:
        event = here.frame.event
        text.append(f"  {event}", palette.WARN if event == "exception" else "")
        p = certainty(debugger.node)
        text.append(f"  p={p:.2f}", colour(p))
        if not here.allowed:
            text.append("  illegal: the program cannot go there", palette.BAD)
        elif wanted_illegal(debugger.node):
            text.append("  the model wanted an illegal step", palette.BAD)
    if busy:
        text.append("  predicting...", palette.WARN)
    text.truncate(width, overflow="crop")
    return text


def source(debugger: Debugger, cursor: int, glyphs: Glyphs) -> list[Text]:
    """All lines: number, breakpoint, how sure the last step there was, current line marked."""
    sure: dict[int, Node] = {}
    for node in debugger.node.path():
        if node.moment.line is not None:
            sure[node.moment.line] = node
    stops = {one.line for one in debugger.stops.breakpoints}
    here = debugger.here
    lines = []
    for number, said in enumerate(debugger.program.source.splitlines(), 1):
        current = number == here.line and not here.ended
        text = Text(f"{number:4}", palette.KEY if number == cursor else palette.DIM)
        text.append(glyphs.marked if number in stops else " ", palette.BAD)
        if number in sure:
            p = certainty(sure[number])
            bad = wanted_illegal(sure[number])
            text.append("!" if bad else glyphs.level(p, 1.0), palette.BAD if bad else colour(p))
        else:
            text.append(" ")
        text.append(">" if current else " ", palette.INFO)
        text.append(clean_line(said.replace("\t", "    ")), "bold" if current else "")
        if number == cursor:
            text.stylize("on #2c3644")
        lines.append(text)
    return lines


def variables(debugger: Debugger) -> list[Text]:
    """The running function's variables: changed ones bold with their old value, doubt in numbers.

    Where a return or an exception was predicted, its value comes first.
    """
    here = debugger.here
    scope, frame = here.scope, here.frame
    if scope is None or here.ended:
        return [Text(" (no variables)", palette.DIM)]
    said = debugger.node.prediction
    sure = said.confidence if said is not None else None
    lines = []
    if frame is not None and frame.event in ("return", "exception"):
        sign = "=>" if frame.event == "return" else "!!"
        lines.append(
            _valued(Text(f" {sign} ", palette.INFO), frame.value, sure.value if sure else None)
        )
    old = _values_before(debugger)
    for name, value in scope.locals.items():
        changed = name in scope.changed
        text = Text("*" if changed else " ", palette.WARN)
        text.append(clean_line(name), "bold" if changed else "").append(" = ", palette.DIM)
        shown = "(never shown)" if name in scope.unknown else value
        if changed and name in old:
            text.append(clean_line(old[name]), palette.DIM).append(" -> ", palette.DIM)
        p = sure.variables.get(name) if sure is not None else None
        lines.append(_valued(text, shown, p, bold=changed))
    lines += [_watched(debugger, one.expression) for one in debugger.stops.watches]
    return lines or [Text(" (no variables)", palette.DIM)]


def _valued(text: Text, value: str, p: float | None, *, bold: bool = False) -> Text:
    text.append(clean_line(value), "bold" if bold else "")
    if p is not None and p < SURE:
        text.append(f"  p={p:.2f}", colour(p))
    return text


def _watched(debugger: Debugger, expression: str) -> Text:
    for watch in debugger.stops.watches:
        if watch.expression == expression:
            value = watch.value(debugger.here)
            text = Text("w ", palette.INFO).append(clean_line(f"{expression} = "), palette.DIM)
            return text.append("unknown here" if value is None else clean_line(value))
    return Text("")


def _values_before(debugger: Debugger) -> dict[str, str]:
    here = debugger.here
    before = here.previous
    while before is not None and before.depth > here.depth:
        before = before.previous
    same = before is not None and before.depth == here.depth and before.scope is not None
    assert not same or before is not None
    return dict(before.scope.locals) if same and before and before.scope else {}


def stack(debugger: Debugger) -> list[Text]:
    """The running function first."""
    lines = []
    for place, scope in enumerate(reversed(debugger.here.scopes)):
        text = Text("> " if place == 0 else "  ", palette.INFO)
        text.append(clean_line(f"{scope.function}()"), "bold" if place == 0 else "")
        text.append(f"  line {scope.line or '?'}", palette.DIM)
        lines.append(text)
    return lines or [Text("  (nothing runs)", palette.DIM)]


def forks(debugger: Debugger) -> list[Node]:
    """Steps that have others in their place, in the order in which they are shown."""
    return [node for node in debugger.node.root.walk() if len(node.branches) > 1 or node.edited]


def branches(debugger: Debugger) -> list[Text]:
    """The tree of what-ifs: a line for each branch, deeper ones indented."""
    taken = set(map(id, debugger.node.path()))
    found = forks(debugger)
    known = set(map(id, found))
    lines = []
    for node in found:
        above = [one for one in node.path()[:-1] if id(one) in known]
        text = Text("> " if id(node) in taken else "  ", palette.INFO)
        text.append("  " * len(above)).append(f"{node.moment.index + 1:3} ", palette.DIM)
        text.append(branch_label(node), "bold" if id(node) in taken else "")
        lines.append(text)
    return lines or [Text("  (e, R or a make one)", palette.DIM)]


def branch_label(node: Node) -> str:
    """What sets a branch apart."""
    frame = node.moment.frame
    said = "the end" if frame is None or node.moment.ended else frame.line.strip()
    verb = "" if node.action == STEP_INTO else f", {node.action.verb.replace('_', ' ')}"
    return clean_line(f"{node.edited or 'predicted'}{verb}: {said}")


def timeline(
    debugger: Debugger, glyphs: Glyphs, width: int, truth: Sequence[tuple[Node, bool]]
) -> tuple[Text, int]:
    """A mark for each step, as high as it is sure, and the first step that has a place.

    After `verify` true steps are green and false ones red, whatever the probability.
    """
    steps = branch_of(debugger)
    known = {id(node): good for node, good in truth}
    here = next((n for n, node in enumerate(steps) if node is debugger.node), 0)
    room = max(10, width - 2)
    first = max(0, min(here - room // 2, len(steps) - room))
    text = Text(" ")
    for node in steps[first : first + room]:
        p = certainty(node)
        sign = "!" if wanted_illegal(node) else glyphs.level(p, 1.0)
        style = colour(p)
        if id(node) in known:
            style = palette.GOOD if known[id(node)] else palette.BAD
            sign = sign if known[id(node)] else "x"
        text.append(sign, f"{style} reverse" if node is debugger.node else style)
    return text, first
