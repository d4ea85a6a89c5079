"""Pairs of answers: the same in another form, nearly the same, and something else."""

from __future__ import annotations

from collections.abc import Iterator

from cwm_agent.bench.graders.pairs import MathPair

FORMS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"\frac{1}{2}", ("0.5", r"\dfrac12", "1/2", r"\frac{2}{4}", ".5", r"50\%", r"\frac{1}{3}",
    "2")),
    (r"-\frac{3}{4}", ("-0.75", r"\frac{-3}{4}", r"\frac{3}{-4}", "-3/4", "0.75", r"-\frac{4}{3}")),
    (r"3\sqrt{2}", (r"\sqrt{18}", r"3\cdot\sqrt2", "4.2426", r"2\sqrt{3}", r"3 \sqrt 2",
    r"\sqrt{17}")),
    (r"\frac{\sqrt{3}}{3}", (r"\frac{1}{\sqrt{3}}", r"\frac13\sqrt3", r"\sqrt{\frac13}",
    r"\sqrt{3}")),
    (r"2\pi", (r"\pi\cdot 2", r"2 \pi", "6.2832", r"\pi^2", r"\frac{4\pi}{2}", "2")),
    ("120", ("120.0", r"120^\circ", r"5!", "12e1", "1.2 \\cdot 10^2", "121", r"\text{120}")),
    ("1000", ("1,000", "1{,}000", "1 000", "10^3", "1000.", "999", r"1\,000")),
    ("(-1,4)", ("(-1, 4)", r"\left(-1,4\right)", "-1 < x < 4", "[-1,4]", "(-1,4]", "(4,-1)")),
    ("[0,1)", (r"\left[0,1\right)", "[0, 1)", "(0,1)", "[0,1]", r"0\le x<1", r"x\in[0,1)")),
    (r"(-\infty,2]", (r"(-\infty, 2]", r"x\le 2", r"(-\infty,2)", r"[2,\infty)",
    r"(-\infty,2]\cup[5,6]")),
    ("-2,4", ("4,-2", "-2, 4", r"\{-2,4\}", "x=-2,4", r"-2\text{ and }4", "-2", "2,4",
    r"x=4 \text{ or } x=-2")),
    (r"\{1,2,3\}", (r"\{3,2,1\}", "1,2,3", r"\left\{1,2,3\right\}", r"\{1,2\}", "(1,2,3)")),
    ("(2,3)", ("(2, 3)", r"\left(2,3\right)", "(3,2)", "[2,3]", "(2,3,0)", r"(2.0,\frac{6}{2})")),
    (r"\begin{pmatrix}1\\2\end{pmatrix}", (r"\begin{bmatrix}1\\2\end{bmatrix}",
    r"\begin{pmatrix}1 \\ 2\end{pmatrix}",
     r"\begin{pmatrix}2\\1\end{pmatrix}", r"\begin{pmatrix}1&2\end{pmatrix}", "(1,2)")),
    ("x^2+2x+1", ("(x+1)^2", "1+2x+x^2", "x^2+2x+2", "(x+1)(x+1)", "x(x+2)+1", "y^2+2y+1")),
    ("(x-7)(x+2)", ("(x+2)(x-7)", "x^2-5x-14", "(x-7)(x-2)", "(7-x)(x+2)")),
    ("x=5", ("5", "x = 5", "y=5", "x=6", "5=x", "x=5.0")),
    ("y=2x+1", ("2x+1", "y = 1+2x", "y-2x=1", "y=2x-1", "2x-y+1=0")),
    (r"\text{even}", ("even", r"\text{Even}", r"\textbf{even}", "odd", r"\text{odd}",
    r"\text{ even }")),
    (r"\text{(B)}", ("B", "(B)", r"\text{B}", r"\text{(C)}", "b", "(A)")),
    (r"15\%", ("15", "0.15", r"15 \%", r"\frac{3}{20}", r"16\%")),
    (r"25^\circ", ("25", r"25^{\circ}", r"25\text{ degrees}", r"26^\circ", r"\frac{5\pi}{36}")),
    (r"\$3.50", ("3.50", r"\$3.5", "3.5", r"\frac72", r"\$3.05")),
    (r"12\text{ cm}^2", ("12", r"12\,\text{cm}^2", r"12\text{ cm}", r"12\text{ m}^2", "13")),
    ("5+5i", ("5i+5", "5(1+i)", r"5 + 5i", "5-5i", r"5\sqrt2 e^{i\pi/4}", "5+5j")),
    ("1333_6", ("1333", r"1333_{6}", "345", "1333_7")),
    ("2^{10}", ("1024", "4^5", "2^9", r"2\cdot 2^9")),
    (r"\frac{a}{b}", ("a/b", r"\frac{2a}{2b}", r"\frac{b}{a}", r"a b^{-1}")),
    (r"\log_2 8", ("3", r"\frac{\ln 8}{\ln 2}", r"\log_3 8")),
    (r"\sin x", (r"\sin(x)", r"\cos x", r"\cos(\frac{\pi}{2}-x)", "sin x")),
    (r"e^{-1}", (r"\frac1e", "0.3679", r"e", r"\exp(-1)")),
    (r"\infty", (r"+\infty", r"-\infty", "oo", r"\text{infinity}")),
    (r"\emptyset", (r"\{\}", r"\varnothing", r"\text{no solution}", "0")),
    ("0", ("-0", "0.0", r"\frac{0}{5}", "1", r"\text{zero}", "")),
    ("7 ", ("7", " 7", "7 .", "$7$", r"\,7", "seven", r"\mathbf{7}", "7,", r"\approx 7")),
    (r"1\frac{1}{2}", ("1.5", r"\frac32", r"1 \frac{1}{2}", r"\frac12")),
    (r"\pm 3", ("-3,3", r"3,-3", r"\pm3", "3", r"x=\pm 3")),
    (r"x\ge 2", (r"[2,\infty)", "x>=2", r"x\geq 2", "x>2", r"2\le x")),
    ("0.333", (r"\frac13", "0.3333", ".333", "0.334")),
    (r"\binom{5}{2}", ("10", r"\frac{5!}{2!3!}", r"\binom{5}{3}", "20")),
)  # fmt: skip

INTEGERS = (
    ("073", ("73", "073", "0073", "73.0", "73.", " 73 ", "$73$", "74", "730", r"\frac{146}{2}",
    "-73")),
    ("0", ("0", "000", "-0", "1", "")),
    ("999", ("999", "999.0", "1000-1", "99", "9 9 9", r"\text{999}")),
    ("7", ("007", "7", "+7", "7/1", "seven", "7, 8", "x=7", r"7\%", "7.5")),
)  # fmt: skip


def math_pairs() -> list[MathPair]:
    """All pairs; each gold is compared with itself, too."""
    return [*_forms(), *_integers()]


def _forms() -> Iterator[MathPair]:
    for gold, answers in FORMS:
        for answer in (gold, *answers):
            yield MathPair(gold, answer)


def _integers() -> Iterator[MathPair]:
    for gold, answers in INTEGERS:
        for answer in answers:
            yield MathPair(gold, answer, integer=True)
