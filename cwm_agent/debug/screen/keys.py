"""Every key of the screen: pdb's letters where pdb has them."""

from __future__ import annotations

from textual.binding import Binding, BindingType

from cwm_agent.view.app.keys import Key

KEYS = (
    Key("step", "s,right", "do('step')", "step: one frame on", "Go"),
    Key("next", "n", "do('next')", "next line of this function", "Go"),
    Key("return", "r", "do('return')", "to the return of this function", "Go"),
    Key("out", "o", "do('out')", "out: behind the return, in the caller", "Go"),
    Key("continue", "c", "do('continue')", "continue to a breakpoint", "Go"),
    Key("until", "U", "until", "until the line of the cursor", "Go"),
    Key("skip", "N", "do('skip')", "next, each call predicted as one step", "Go"),
    Key("back", "u,left", "do('back')", "back one frame; computes nothing", "Back"),
    Key("reverse", "B", "do('rc')", "back to a breakpoint", "Back"),
    Key("first", "g,home", "end(False)", "first step", "Back"),
    Key("last", "G,end", "end(True)", "last step that is known", "Back"),
    Key("restart", "ctrl+r", "do('restart')", "from the entry again", "Back"),
    Key("down", "j,down", "cursor(1)", "cursor down in the source", "Stop"),
    Key("up", "k,up", "cursor(-1)", "cursor up", "Stop"),
    Key("break", "b,space", "toggle_break", "breakpoint at the cursor", "Stop"),
    Key("condition", "i", "ask('break')", "breakpoint with a condition", "Stop"),
    Key("watch", "w", "ask('watch')", "stop when an expression changes", "Stop"),
    Key("edit", "e", "ask('set')", "what if a variable had another value?", "What if"),
    Key("resample", "R", "do('resample')", "predict this step again", "What if"),
    Key("alternatives", "a", "alternatives", "other predictions of this step", "What if"),
    Key("branch", "tab", "branch", "next branch of this step", "What if"),
    Key("branches", "t", "branches", "all branches", "What if"),
    Key("verify", "V", "verify", "run it for real and compare", "Know"),
    Key("which", "W", "which", "which call leads to the cursor?", "Know"),
    Key("print", "p", "ask('p')", "compute an expression", "Know"),
    Key("why", "y", "tell('why')", "what the constraint took away here", "Know"),
    Key("legal", "f", "legal", "free or inside the program", "Know"),
    Key("stop", "escape", "cancel", "stop a run of steps", "Else"),
    Key("command", "colon", "ask('')", "any command of `cwm-agent debug`", "Else"),
    Key("help", "?", "help", "this help", "Else"),
    Key("quit", "q", "app.quit", "quit", "Else"),
)


def bindings() -> list[BindingType]:
    """For the screen."""
    return [Binding(key.keys, key.action, key.says, show=False, id=key.name) for key in KEYS]
