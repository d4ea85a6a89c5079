"""The tiny model's tokenizer: byte-level BPE with a canonical way to cut text.

A line has the same ids in a file listing and in a SEARCH block, because a piece
never crosses from a newline into the line, and a name never takes a blank in
front of it: operators and keywords take the blanks around them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from model.text import actions
from model.text import special_tokens as names

SIZE = 2048
"""Ids, control tokens included."""

CONTROL = (
    names.BEGIN_OF_TEXT,
    names.END_OF_TEXT,
    "<|pad|>",
    names.START_HEADER,
    names.END_HEADER,
    names.END_OF_MESSAGE,
    names.END_OF_TURN,
    "<|frame_sep|>",
    "<|action_sep|>",
    "<|return_sep|>",
    "<|call_sep|>",
    "<|line_sep|>",
    "<|exception_sep|>",
    "<|arg_sep|>",
    "<|trace_context_start|>",
)
"""CWM's control tokens that the tiny model uses, by CWM's names; they take the last ids."""

_PROSE = "the|of|a|to|that|with|whose|are|by|at|as|its|than|it|each|one|all|first|last|no|none"
_INFIX = f"and|or|in|not in|is|is not|if|else|for|import|from|{_PROSE}"
_PREFIX = (
    f"return|if|elif|for|while|not|def|from|import|assert|raise|in|else|lambda|{_PROSE}|Return"
)
SPLIT = (
    r"\n</think>\n<tool: [a-z]+>\n|\n</think>\n|<think>\n|\n</tool>"
    r"|\n<<<<<<< SEARCH|\n=======|\n>>>>>>> REPLACE"
    r"|\n+ *"
    rf"| (?:{_INFIX}) |\b(?:{_PREFIX}) "
    r"|_?[A-Za-z]+"
    r"|\d"
    r"| (?=[A-Za-z_])"
    r"| ?[^\sA-Za-z0-9]+ ?"
    r"|\s+"
)
"""In order: marks of the call grammar, newline with indentation, keywords with their blanks,
words (a leading underscore belongs to the word), digits one by one, a blank before a word,
punctuation with the blanks around it. Frequent words of docstrings are cut like keywords."""


def train_vocabulary(texts: Iterable[str], target: Path) -> None:
    """Learn the merges from texts and write `tokenizer.json`; the same texts give the same file."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE - len(CONTROL),
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    # A list: the package would run the generator in a thread of its own.
    tokenizer.train_from_iterator(list(texts), trainer)
    tokenizer.add_special_tokens(list(CONTROL))
    tokenizer.save(str(target))
    # The file on disk is read by people too.
    target.write_text(json.dumps(json.loads(target.read_text()), ensure_ascii=False, indent=1))


DEBUGGER_SIZE = 2080
"""Ids of the debugger's vocabulary, those of `SIZE` first."""


def extend_vocabulary(source: Path, target: Path) -> None:
    """Write the vocabulary of `source` with the control tokens of debugger actions behind it.

    Reserved ones fill it up, so that every id has a name.
    """
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(source))
    reserved = DEBUGGER_SIZE - SIZE - len(actions.TOKENS)
    tokenizer.add_special_tokens(
        [*actions.TOKENS, *(f"<|reserved_{number}|>" for number in range(reserved))]
    )
    tokenizer.save(str(target))
    target.write_text(json.dumps(json.loads(target.read_text()), ensure_ascii=False, indent=1))
