"""The one comment says everything in its order, fits, and is the same for the same facts."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pulls.views import (
    CHECKED,
    DIFFERS,
    HEAD,
    PROMPT,
    REPLIES,
    STRANGE,
    WHOLE,
    deletion,
    plan,
    reading,
    record,
    update,
)
from trunkline.model.limits import PULL_REQUEST_COMMENT_MAX
from trunkline.model.pull_requests import AgentCheck, CommandReply
from trunkline.model.pulls.behaviour import AgentBehaviour, TestDifference
from trunkline.model.pulls.checks import Trouble, plan_key
from trunkline.model.pulls.comments import (
    CommentView,
    comment_marker,
    render_comment,
    without_secrets,
)
from trunkline.model.pulls.escaping import BREAK
from trunkline.model.pulls.readings import ReviewedAgent
from trunkline.model.pulls.statuses import commit_statuses
from trunkline.model.pulls.weakening import Weakening
from trunkline.telemetry import Redactor

GOLDEN = Path(__file__).parent / "golden"
EARLIER = update(PROMPT, PROMPT.replace("nine", "eight"))


def view(**more: Any) -> CommentView:
    given: dict[str, Any] = {"record": record(), "base_branch": "main", **more}
    return CommentView.model_validate(given)


VIEWS = {
    "begun": view(),
    "running": view(
        record=record(
            plan="running",
            agents=(AgentCheck(agent="front-desk", state="running", message="1 of 8 tests done"),),
        ),
        reading=WHOLE,
        plans=(plan("testing", EARLIER),),
    ),
    "failed": view(
        record=record(plan="passed", agents=(CHECKED,), replies=REPLIES),
        reading=WHOLE,
        plans=(plan("production"), plan("testing", EARLIER, deletion("old-hours"))),
        behaviours=(DIFFERS,),
        moved_on=True,
    ),
    "passed": view(
        record=record(
            plan="passed", agents=(AgentCheck(agent="front-desk", state="passed", run_id="r"),)
        ),
        reading=reading(
            agents=(ReviewedAgent(name="front-desk", change="tests", tests=1, runner="platform"),)
        ),
        plans=(plan("production"), plan("testing")),
        behaviours=(
            AgentBehaviour(
                agent="front-desk",
                tests=(
                    TestDifference(
                        name="nine", required=True, candidate="passed", current="passed"
                    ),
                ),
            ),
        ),
    ),
    "refused": view(
        record=record(plan="refused"),
        reading=reading(
            merged=None,
            reason="InvalidManifests",
            message="2 problems in the manifests.",
            problems=(
                "agents/front-desk.yaml:5:3: unknown key firstMesage (did you mean firstMessage?)",
                f"tests/a.yaml:1:1: {STRANGE}",
            ),
        ),
    ),
    "fork": view(
        record=record(
            plan="waiting",
            is_fork=True,
            agents=(AgentCheck(agent="front-desk", state="waiting", message="waits"),),
        ),
        reading=reading(
            agents=(ReviewedAgent(name="front-desk", change="configuration", tests=2),)
        ),
    ),
    "unplanned": view(
        record=record(plan="inconclusive"),
        reading=reading(),
        plans=(plan("production"),),
        troubles=(
            Trouble(key=plan_key(record(), "testing"), reason="Unavailable", message=STRANGE),
        ),
    ),
    "closed": view(
        record=record(state="merged", plan="passed"), reading=reading(), plans=(plan("testing"),)
    ),
}


@pytest.mark.parametrize("name", sorted(VIEWS))
def test_the_comment_is_as_it_was_agreed(name: str) -> None:
    """Written anew with TRUNKLINE_WRITE_GOLDEN=1; the difference is then read like code."""
    text = render_comment(VIEWS[name])
    target = GOLDEN / f"{name}.md"
    if os.environ.get("TRUNKLINE_WRITE_GOLDEN"):
        target.parent.mkdir(exist_ok=True)
        target.write_text(text)
    assert text == target.read_text()
    assert text.startswith(comment_marker("acme", 7))


def test_words_of_strangers_are_only_words() -> None:
    text = render_comment(VIEWS["failed"])
    outside = re.sub(r"(`+).*?\1", "", re.sub(r"(?s)^(```+).*?^\1", "", text, flags=re.MULTILINE))
    assert "<b>now" not in outside
    assert "@everybody" not in outside
    assert "https://evil" not in outside


SECRETS = ("sk_live_5f2b_9c", "0123456789abcdef0123456789abcdef", "key*with|signs#1")


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_struck_out_before_it_is_escaped_or_cut(secret: str) -> None:
    redactor = Redactor(SECRETS)
    words = f"{'x' * 280} {secret}"
    facts = view(
        record=record(
            replies=(CommandReply(login="ada", command=f"/trunkline {secret}", words=words),),
            agents=(AgentCheck(agent="front-desk", state="inconclusive", message=words),),
        ),
        reading=reading(signature=f"{secret} was refused"),
        plans=(plan("testing", update("Hello", f"Call {secret}")),),
    )
    clean = without_secrets(facts, redactor.text)
    said = re.sub(rf"[\\{BREAK}]", "", render_comment(clean))
    assert said.count("[redacted]") >= 3
    assert secret[:8] not in said
    assert all(secret not in one.description for one in commit_statuses(clean.record, None))
    assert without_secrets(facts, str) == facts


def test_what_was_cut_is_said() -> None:
    long = update(PROMPT, "\n".join(f"Line {number} of a long prompt." for number in range(9000)))
    text = render_comment(view(reading=reading(), plans=(plan("testing", long),)))
    assert len(text) < PULL_REQUEST_COMMENT_MAX
    assert "longer than fits here" in text


WORDS = st.text(min_size=1, max_size=400) | st.just("&" * 400) | st.just("`<@#|" * 80)


@pytest.mark.slow
@given(st.lists(WORDS, min_size=60, max_size=60), st.integers(1, 60))
@settings(max_examples=6, deadline=None)
def test_any_facts_fit(words: list[str], count: int) -> None:
    agents = tuple(
        ReviewedAgent(name=f"agent-{n}", change="configuration", tests=1, reason=words[n])
        for n in range(count)
    )
    checks = tuple(
        AgentCheck(agent=one.name, state="failed", run_id="r", message=words[0]) for one in agents
    )
    tests = tuple(
        TestDifference(
            name=f"t{n}", required=True, candidate="failed", current=None, words=words[n]
        )
        for n in range(60)
    )
    found = reading(
        agents=agents,
        weakened=tuple(Weakening(test="t", agent="a", words=each) for each in words),
        rules=tuple(words),
        after_merge=tuple(words),
        removed=tuple(f"agent-{n}" for n in range(60)),
    )
    text = render_comment(
        view(
            record=record(plan="passed", agents=checks),
            reading=found,
            plans=tuple(
                plan(name, update("", "\n".join(words)), *(deletion(f"d{n}") for n in range(60)))
                for name in ("production", "testing")
            ),
            behaviours=tuple(AgentBehaviour(agent=one.name, tests=tests) for one in agents),
        )
    )
    assert len(text) < PULL_REQUEST_COMMENT_MAX
    assert HEAD[:12] in text
    assert STRANGE not in text
