"""The names of line mode's commands: those of pdb, and what only a prediction can do."""

from __future__ import annotations

HELP = """\
As in pdb:
  s(tep)  n(ext)  r(eturn)  unt(il) [line]  c(ontinue)  restart  q(uit)
  b(reak) [line[, condition]]  cl(ear) [number]
  p expression   a(rgs)   w(here)   l(ist) [first[, last]]   ll   display [expression]
Back in time, for nothing:
  back (u)  rc (continue back)  tree  go number
What if:
  set name = value      go on with another value
  resample              predict this step again
  alt [count]           other predictions of this step, with probabilities
  take number           go on with one of them
What is known:
  out      leave the function          skip   next, but predict calls as one step
  vars     variables with changes      watch expression   stop when it changes
  free / legal          let the model go anywhere, or keep it inside the program
  why                   what the constraint took away, and what is doubtful
Against reality (runs the program in a sandbox):
  verify                the first step that is not as predicted
  which line[, condition]   which call leads there? proposals, executed and marked
  which return value        which call gives this result?
With --jumps: next, skip, return, out and `until line` are one prediction each, and pass over
breakpoints; so is `continue`, to the end or to one plain breakpoint. What a jump went over is said.
`which return` goes back from the result. Everything else is as without.
An empty line repeats the last command."""

JUMPS = "[jumps are on: next, return, out, until LINE and continue are one prediction each]"
"""What a session begins with where they are."""

ALIASES = {
    "s": "step",
    "n": "next",
    "r": "return",
    "unt": "until",
    "c": "continue",
    "cont": "continue",
    "q": "quit",
    "exit": "quit",
    "b": "break",
    "cl": "clear",
    "pp": "p",
    "print": "p",
    "a": "args",
    "w": "where",
    "bt": "where",
    "l": "list",
    "u": "back",
    "h": "help",
    "?": "help",
    "o": "out",
    "k": "alt",
    "run": "restart",
    "V": "verify",
}


def parse_command(line: str) -> tuple[str, str]:
    """The full name of a command, and the rest of the line."""
    word, _, rest = line.strip().partition(" ")
    if "=" in line and word not in ALIASES and word.isidentifier() and rest.startswith("="):
        return "set", line.strip()
    return ALIASES.get(word, word), rest.strip()
