"""Where an answer stands in a reply: by the rule, and as far as one can be found."""

from __future__ import annotations

import pytest

from envs.issue.budget import Limits
from envs.issue.modes import switches
from envs.mathematics.environment import mathematics_environment
from envs.problem.answer import Answer, answer_in
from envs.problem.boxed import boxed_answers
from envs.problem.fences import code_blocks
from results.records import Message, Observed, Reply, Submitted
from tools.texts import Texts

ONE = "```python\nprint(1)\n```"


def code(text: str, *, thinking: bool = False) -> Answer:
    return answer_in(text, code_blocks, thinking=thinking, what="block")


@pytest.mark.parametrize(
    ("reply", "found", "strict"),
    [
        (ONE, "print(1)", True),
        (f"So:\n{ONE}\nIt prints 1.", "print(1)", True),
        ("```\nprint(1)\n```", "print(1)", True),
        (f"```\n1\n```\n{ONE}\n```text\n1\n```", "print(1)", True),
        ("~~~py\nprint(1)\n~~~", "print(1)", True),
        ("````python\nx = '''\n```\n'''\n````", "x = '''\n```\n'''", True),
        ("  ```python\nprint(1)\n  ```", "print(1)", True),
        (f"```python\nfirst\n```\n{ONE}", "print(1)", False),
        ("```\na\n```\n```\nb\n```", "b", False),
        ("```python\nprint(1)", "print(1)", False),
        ("```python\n\n```", "", False),
        ("print(1)", "", False),
        ("", "", False),
    ],
)
def test_a_block_of_python(reply: str, found: str, strict: bool) -> None:
    answer = code(reply)
    assert (answer.text, answer.strict) == (found, strict)
    assert bool(answer.why) is not strict


@pytest.mark.parametrize(
    ("reply", "found", "strict"),
    [
        (f"hm ```python\nno\n``` hm</think>{ONE}", "print(1)", True),
        (f"hm\n{ONE}\n", "print(1)", False),
        (f"a</think>b</think>{ONE}", "print(1)", False),
        (f"{ONE}</think>I am done.", "", False),
    ],
)
def test_thinking_ends_once(reply: str, found: str, strict: bool) -> None:
    answer = code(reply, thinking=True)
    assert (answer.text, answer.strict) == (found, strict)


@pytest.mark.parametrize(
    ("reply", "found", "strict"),
    [
        (r"It is $\boxed{5}$.", "5", True),
        (r"\[\boxed{\frac{1}{2}}\]", r"\frac{1}{2}", True),
        (r"$\boxed{\{1,2\}}$", r"\{1,2\}", True),
        (r"$\boxed{\text{a \{ b}}$", r"\text{a \{ b}", True),
        (r"$\fbox{7}$", "7", True),
        (r"\boxed{1} or \boxed{2}", "2", False),
        (r"\boxed{\boxed{3}}", r"\boxed{3}", True),
        (r"\boxed{4", "", False),
        (r"\boxed{4 and \boxed{5}", "5", True),
        (r"\boxed{}", "", False),
        ("5", "", False),
    ],
)
def test_a_box(reply: str, found: str, strict: bool) -> None:
    answer = answer_in(reply, boxed_answers, thinking=False, what="box")
    assert (answer.text, answer.strict) == (found, strict)


class Letters:
    """A letter is a token."""

    def count(self, text: str) -> int:
        return len(text)

    def head(self, text: str, tokens: int) -> str:
        return text[:tokens]

    def tail(self, text: str, tokens: int) -> str:
        return text[len(text) - tokens :]


TEXTS = Texts(
    "t",
    {
        "system.description": "You help.",
        "system.thinking": "{description} Think.",
        "mathematics.task": "{problem} Box it.",
    },
)


def asked(mode: str = "improved", **limits: int):  # type: ignore[no-untyped-def]
    return mathematics_environment(
        "What is 2 + 3?", TEXTS, switches(mode), Limits(**limits), Letters(), thinking=True
    )


def test_one_reply_ends_it_and_only_the_rule_makes_an_answer_count() -> None:
    environment = asked()
    opening = environment.start()
    assert opening == (
        Message("system", "You help. Think."),
        Message("user", "What is 2 + 3? Box it."),
    )
    step = environment.step(Reply(r"hm</think>$\boxed{5}$"))
    assert (step.exit, environment.patch(), step.events) == ("submitted", "5", (Submitted(1, "5"),))
    for text, finish, reason in (
        (r"hm</think>\boxed{4} \boxed{5}", "stop", "format_errors"),
        (r"hm \boxed{5}", "length", "token_limit"),
    ):
        environment = asked()
        environment.start()
        step = environment.step(Reply(text, finish=finish))  # type: ignore[arg-type]
        assert (step.exit, environment.patch()) == (reason, "")
        assert step.events == (Submitted(1, "5"),), "what it seems to answer is kept"
        assert "not one" in step.detail


def test_the_reply_may_use_what_the_context_leaves_and_a_resumed_one_no_more() -> None:
    environment = asked(context_tokens=420, action_tokens=400)
    opening = environment.start()
    room = environment.limits()
    assert not room.stop_after_tool_call
    assert 300 < room.max_tokens < 400, "less than the context, the messages and their frames"
    resumed = asked(context_tokens=420, action_tokens=400)
    assert resumed.restore((Observed(opening),)) == ()
    assert resumed.limits() == room
    assert asked(context_tokens=500).restore(()) == opening, "nothing was asked yet"


def test_the_published_bound_cuts_the_beginning_and_the_default_cuts_nothing() -> None:
    assert asked("faithful", prompt_tokens=20).start()[1].text == "[...]Box it."
    assert asked("improved", prompt_tokens=20).start()[1].text == "What is 2 + 3? Box it."
