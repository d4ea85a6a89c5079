"""Programs that wait for a person, told by the name of their process."""

from __future__ import annotations

from collections.abc import Iterable

EDITORS = ("vi", "vim", "nvim", "view", "ex", "ed", "nano", "pico", "emacs", "joe")
PAGERS = ("less", "more", "most", "man")
SCREENS = ("top", "htop", "watch", "screen", "tmux", "dialog", "whiptail", "fzf", "tig", "mc")
CONNECTIONS = ("ssh", "telnet", "ftp", "sftp", "lynx", "w3m")
PASSWORDS = ("su", "sudo", "passwd", "login")
PROMPTS = ("gdb", "lldb", "ipython", "bpython", "irb", "psql", "mysql", "sqlite3", "redis-cli")
INTERACTIVE = frozenset((*EDITORS, *PAGERS, *SCREENS, *CONNECTIONS, *PASSWORDS, *PROMPTS))


def waits_for_a_person(names: Iterable[str]) -> list[str]:
    """Those of the process names that are interactive programs, such as "vim.basic"."""
    return sorted(name for name in names if name.partition(".")[0] in INTERACTIVE)
