"""The instructions that widen fp8 numbers: carried out one by one, as the PTX manual defines them.

Triton's interpreter knows no assembly, and without a GPU nothing else runs it.
"""

from __future__ import annotations

import re

import torch

from model.ops.linear import FP8
from model.ops.triton.gemv import PACKED_FP8_TO_BF16


def bf16_halves(word: int) -> torch.Tensor:
    """The two numbers in 32 bits, the lower half first."""
    halves = [word & 0xFFFF, word >> 16]
    return torch.tensor(halves, dtype=torch.uint16).view(torch.bfloat16)


def word_of(numbers: torch.Tensor) -> int:
    low, high = numbers.to(torch.bfloat16).view(torch.uint16).tolist()
    return int(low | high << 16)


def carry_out(name: str, a: int, b: int, c: int) -> int:
    """One instruction on 32-bit registers."""
    if name == "prmt.b32":
        source = [*a.to_bytes(4, "little"), *b.to_bytes(4, "little")]
        return sum(source[c >> 4 * i & 7] << 8 * i for i in range(4))
    if name == "fma.rn.bf16x2":
        product = bf16_halves(a).double() * bf16_halves(b).double()
        return word_of(product + bf16_halves(c).double())
    return {"and.b32": a & b, "or.b32": a | b, "shr.b32": a >> b, "mov.b32": a}[name]


def run_assembly(text: str, word: int) -> list[int]:
    """The registers $0 and $1 after the instructions, $2 being `word`."""
    registers = {"$2": word}

    def value(operand: str) -> int:
        return registers[operand] if operand in registers else int(operand, 0)

    for line in re.findall(r"^([a-z].*);$", text, re.MULTILINE):
        name, rest = line.split(maxsplit=1)
        target, *operands = rest.split(", ")
        first, second, third = ([value(o) for o in operands] + [0, 0])[:3]
        registers[target] = carry_out(name, first, second, third)
    return [registers["$0"], registers["$1"]]


def test_every_fp8_number_comes_out_exactly_and_in_its_place() -> None:
    """All 256 bytes, in each of the four places of a word; NaN alone becomes 480."""
    for byte in range(256):
        stored = [byte, (byte + 64) % 256, byte ^ 255, (byte * 7 + 3) % 256]
        found = torch.cat(
            [bf16_halves(word) for word in run_assembly(PACKED_FP8_TO_BF16, word_from(stored))]
        )
        expected = torch.tensor(stored, dtype=torch.uint8).view(FP8).float()
        lost = expected.isnan()
        assert torch.equal(found.float()[~lost], expected[~lost])
        assert torch.equal(found.float()[lost].abs(), torch.full((int(lost.sum()),), 480.0))
        signs = torch.tensor([number > 127 for number in stored])
        assert torch.equal(found.signbit(), signs)


def word_from(stored: list[int]) -> int:
    return int.from_bytes(bytes(stored), "little")
