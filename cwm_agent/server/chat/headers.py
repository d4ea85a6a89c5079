"""Lines that clients write anew into every system prompt, and that say nothing to the model.

Left in, one changed character at the very beginning makes all keys and values
behind it useless. Each rule has a name by which it is switched off.
"""

from __future__ import annotations

import re
from collections.abc import Collection

RULES: dict[str, re.Pattern[str]] = {
    # Claude Code begins its system prompt with such a line; its `cch` differs in every request.
    "billing-header": re.compile(r"^x-[a-z0-9-]*billing-header:[^\n]*\n*", re.MULTILINE | re.I),
}
"""By name: what is left out of system prompts."""


def normalised(text: str, rules: Collection[str]) -> str:
    """A system prompt without what the named rules leave out."""
    for name in rules:
        text = RULES[name].sub("", text)
    return text
