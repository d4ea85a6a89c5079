"""The debugger on a terminal, line by line, with pdb's commands."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cwm_agent.debug.core.debugger import Debugger
from cwm_agent.debug.core.expressions import written
from cwm_agent.debug.core.inverse import (
    Goal,
    line_goal,
    result_goal,
    way_of_asking,
    which_call,
)
from cwm_agent.debug.core.jumps import in_steps
from cwm_agent.debug.core.stops import Stop, Watch
from cwm_agent.debug.core.tree import Node
from cwm_agent.debug.core.verify import verify
from cwm_agent.debug.faces.commands import HELP, JUMPS, parse_command
from cwm_agent.debug.faces.show import (
    brief,
    moment_lines,
    proposal_line,
    source_lines,
    stack_lines,
    stop_lines,
    variable_lines,
)
from cwm_agent.debug.predict.predictor import Prediction
from cwm_agent.debug.record.recording import Recorder
from cwm_agent.errors import CwmAgentError, UsageError
from cwm_agent.view.sanitize import clean
from envs.errors import SandboxError
from model.errors import ModelError
from model.text.actions import STEP_INTO, Action

Write = Callable[[str], None]


class LineMode:
    """Carries out commands and writes what they lead to."""

    def __init__(self, debugger: Debugger, recorder: Recorder, write: Write) -> None:
        self._debugger = debugger
        self._recorder = recorder
        self._write = write
        self._last = ""
        self._listed = 0
        self._displayed: list[str] = []
        self._alternatives: list[Prediction] = []
        self._asked: tuple[Node | None, Action] = (None, STEP_INTO)

    def run(self, lines: Iterable[str]) -> None:
        """Until the lines end, or `quit`."""
        if self._debugger.predictor.jumps:
            self._write(JUMPS)
        self._stopped(self._debugger.start())
        for line in lines:
            if not self.do(line):
                return

    def do(self, line: str) -> bool:
        """Carry out one command; False to end."""
        line = line.strip() or self._last
        self._last = line
        if not line:
            return True
        name, rest = parse_command(line)
        if name == "quit":
            return False
        action = getattr(self, f"_do_{name}", None)
        try:
            if action is None:
                raise UsageError(f"there is no command '{name}'; `help` lists them")
            action(rest)
        except KeyboardInterrupt:
            self._write("[interrupted]")
        except (CwmAgentError, SandboxError, ModelError) as error:
            self._write(clean(f"*** {error}"))
        return True

    def _stopped(self, stop: Stop) -> None:
        self._listed = 0
        for line in stop_lines(self._debugger, stop):
            self._write(line)
        scope = self._debugger.here.scope
        for expression in self._displayed if scope else ():
            self._say_value(expression, prefix=f"display {expression}: ")

    def _say_value(self, expression: str, prefix: str = "") -> None:
        scope = self._debugger.here.scope
        if scope is None:
            raise UsageError("there are no variables here")
        self._write(clean(f"{prefix}{written(expression, scope.locals)}"))

    def _do_step(self, _: str) -> None:
        self._stopped(self._debugger.step())

    def _do_next(self, _: str) -> None:
        self._stopped(self._debugger.next())

    def _do_skip(self, _: str) -> None:
        self._stopped(self._debugger.next(leap=True))

    def _do_return(self, _: str) -> None:
        self._stopped(self._debugger.finish())

    def _do_out(self, _: str) -> None:
        self._stopped(self._debugger.out())

    def _do_until(self, rest: str) -> None:
        self._stopped(self._debugger.until(_number(rest) if rest else None))

    def _do_continue(self, _: str) -> None:
        debugger = self._debugger
        if debugger.predictor.jumps and (why := in_steps(debugger.stops)):
            self._write(f"[step by step: {why}]")
        self._stopped(self._debugger.run())

    def _do_back(self, _: str) -> None:
        self._stopped(self._debugger.back())

    def _do_rc(self, _: str) -> None:
        stop = self._debugger.run_back()
        self._stopped(stop)
        if stop.reason == "start":
            self._show_here()

    def _do_restart(self, _: str) -> None:
        self._stopped(self._debugger.start())

    def _do_set(self, rest: str) -> None:
        name, sign, value = rest.partition("=")
        if not sign:
            raise UsageError("say `set name = value`")
        self._stopped(self._debugger.set_variable(name.strip(), value.strip()))

    def _do_resample(self, _: str) -> None:
        self._stopped(self._debugger.resample())

    def _do_alt(self, rest: str) -> None:
        node = self._debugger.node
        self._alternatives = self._debugger.alternatives(_number(rest) if rest else 5)
        self._asked = (node.parent, node.action)
        for number, one in enumerate(self._alternatives, 1):
            self._write(clean(f"{number}: log p {one.logprob:6.2f}  {brief(one)}"))

    def _do_take(self, rest: str) -> None:
        number, node = _number(rest), self._debugger.node
        here = self._asked == (node.parent, node.action)
        if not here or not 1 <= number <= len(self._alternatives):
            raise UsageError("say `alt` at this step first, then `take` with one of its numbers")
        self._stopped(self._debugger.take(self._alternatives[number - 1]))

    def _do_break(self, rest: str) -> None:
        if not rest:
            for one in self._debugger.stops.breakpoints:
                condition = f" if {one.condition}" if one.condition else ""
                self._write(f"{one.number}: line {one.line}{condition}, hit {one.hits} times")
            return
        where, _, condition = rest.partition(",")
        line = _number(where)
        if not 1 <= line <= len(self._debugger.program.lines):
            raise UsageError(f"the source has no line {line}")
        if line not in self._debugger.program.code_lines:
            raise UsageError(f"no code of a function begins on line {line}")
        found = self._debugger.stops.add(line, condition.strip())
        self._write(f"Breakpoint {found.number} at line {line}")

    def _do_clear(self, rest: str) -> None:
        gone = self._debugger.stops.remove(number=_number(rest) if rest else None)
        self._write(f"{len(gone)} breakpoints removed")

    def _do_watch(self, rest: str) -> None:
        scope = self._debugger.here.scope
        if not rest or scope is None:
            raise UsageError("say `watch expression` inside a function")
        self._debugger.stops.watches.append(Watch(rest, scope.function))

    def _do_display(self, rest: str) -> None:
        self._displayed = [*self._displayed, rest] if rest else []
        if rest:
            self._say_value(rest, prefix=f"display {rest}: ")

    def _do_p(self, rest: str) -> None:
        if not rest:
            self._do_vars("")
            return
        self._say_value(rest)

    def _do_args(self, _: str) -> None:
        for moment in self._debugger.here.back():
            call = moment.frame is not None and moment.frame.event == "call"
            if call and moment.depth == self._debugger.here.depth:
                assert moment.scope is not None
                for name, value in moment.scope.locals.items():
                    self._write(clean(f"{name} = {value}"))
                return

    def _do_vars(self, _: str) -> None:
        scope, said = self._debugger.here.scope, self._debugger.node.prediction
        if scope is not None:
            for line in variable_lines(scope, said.confidence if said else None):
                self._write(line)

    def _do_where(self, _: str) -> None:
        for line in stack_lines(self._debugger.here):
            self._write(line)

    def _do_list(self, rest: str) -> None:
        if rest:
            ends = [_number(part) for part in rest.split(",")]
            first, last = ends[0], ends[1] if len(ends) > 1 else ends[0] + 10
        else:
            middle = self._debugger.here.line or 1
            first = self._listed + 1 if self._listed else max(1, middle - 5)
            last = first + 10
        self._listed = last
        self._source(first, last)

    def _do_ll(self, _: str) -> None:
        self._source(1, len(self._debugger.program.lines))

    def _source(self, first: int, last: int) -> None:
        breaks = {one.line for one in self._debugger.stops.breakpoints}
        for line in source_lines(self._debugger, first, last, breaks):
            self._write(line)

    def _do_tree(self, _: str) -> None:
        for number, node in enumerate(self._debugger.node.branches, 1):
            mark = ">" if node is self._debugger.node else " "
            what = node.edited or "predicted"
            if node.action != STEP_INTO:
                what += f", {node.action.verb.replace('_', ' ')}"
            text = moment_lines(node.moment)[-1]
            self._write(clean(f"{mark} {number}: {text}  ({what})"))

    def _do_go(self, rest: str) -> None:
        number, branches = _number(rest), self._debugger.node.branches
        if not 1 <= number <= len(branches):
            raise UsageError("`tree` lists the branches; say `go` with one of its numbers")
        self._stopped(self._debugger.go(branches[number - 1]))

    def _do_free(self, _: str) -> None:
        self._debugger.legal = False
        self._write("steps may now leave the program; illegal ones are marked")

    def _do_legal(self, _: str) -> None:
        self._debugger.legal = True
        self._write("steps now stay inside the program")

    def _do_why(self, _: str) -> None:
        said = self._debugger.node.prediction
        if said is None:
            self._write("this step was given, not predicted")
            return
        sure = said.confidence
        self._write(
            f"event p={sure.event:.3f}  line p={sure.line:.3f}  value p={sure.value:.3f}  "
            f"mass removed {sure.removed:.3f}  sampled {said.sampled}, forced {said.forced} tokens"
        )
        for name, p in sure.variables.items():
            self._write(clean(f"  {name} p={p:.3f}"))

    def _do_verify(self, _: str) -> None:
        path = self._debugger.node.path()
        self._write(clean(str(verify(self._debugger.program, path, self._recorder))))

    def _do_which(self, rest: str) -> None:
        goal: Goal
        if rest.startswith("return "):
            goal = result_goal(rest.removeprefix("return "))
        else:
            where, _, condition = rest.partition(",")
            goal = line_goal(_number(where), condition.strip())
        debugger = self._debugger
        if way := way_of_asking(debugger.predictor, debugger.program, goal):
            self._write(clean(way))
        said = False
        for one in which_call(debugger.predictor, debugger.program, goal, self._recorder):
            said = True
            self._write(clean(proposal_line(one)))
        if not said:
            self._write("the model proposes no call whose arguments could be read")

    def _do_help(self, _: str) -> None:
        self._write(HELP)

    def _show_here(self) -> None:
        said = self._debugger.node.prediction
        for line in moment_lines(self._debugger.here, said.confidence if said else None):
            self._write(line)


def _number(text: str) -> int:
    if not text.strip().isdecimal():
        raise UsageError(f"'{text.strip()}' is no number")
    return int(text)
