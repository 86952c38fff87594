"""The behaviour of agents in a comment: a row an agent, and the lines that are met or not.

What nobody could find out has a word of its own and is in no count of passed ones.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from trunkline.model.pull_requests import AgentCheck
from trunkline.model.pulls.behaviour import AgentBehaviour, LineDifference, Turn
from trunkline.model.pulls.escaping import code, escaped
from trunkline.model.pulls.readings import Reading, ReviewedAgent

WORDS_MAX_CHARACTERS: Final = 160
"""Of what a line wants or found: a reader decides by it whether to look at the run."""
TURNS: Final[tuple[Turn, ...]] = ("newly failing", "still failing", "newly passing", "unclear")
CHANGES: Final = {
    "added": "new",
    "configuration": "changed",
    "tests": "tests changed",
}


def behaviour_section(
    checks: Sequence[AgentCheck],
    reading: Reading,
    behaviours: Sequence[AgentBehaviour],
    rows_max: int,
) -> Iterator[str]:
    """A table of agents, and folded below it what of each is other than before."""
    if not reading.agents and not reading.beyond:
        return
    yield "#### Behaviour"
    yield ""
    known = {one.agent: one for one in behaviours}
    states = {one.agent: one for one in checks}
    shown = reading.agents[:rows_max]
    if shown:
        yield "| agent | | tests | newly failing | still failing | newly passing | p95 | cost |"
        yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
        yield from (_row(one, states.get(one.name), known.get(one.name)) for one in shown)
        yield ""
    left = len(reading.agents) - len(shown)
    if left > 0:
        yield f"{left} more agents are not shown."
        yield ""
    if reading.beyond:
        yield f"{reading.beyond} more agents change and are too many to be tested before a merge."
        yield ""
    for agent in shown:
        behaviour, check = known.get(agent.name), states.get(agent.name)
        if behaviour is not None or check is not None:
            yield from _details(agent, check, behaviour, rows_max)


def _row(agent: ReviewedAgent, check: AgentCheck | None, behaviour: AgentBehaviour | None) -> str:
    if not agent.tests:
        cells = [code(agent.name), CHANGES[agent.change], "no tests", *[""] * 5]
        return f"| {' | '.join(cells)} |"
    state = check.state if check is not None else "waiting"
    cells = [code(agent.name), CHANGES[agent.change], f"{agent.tests}: **{state}**"]
    if behaviour is None:
        return f"| {' | '.join([*cells, *[''] * 5])} |"
    cells += [
        str(behaviour.count(turn) or "")
        for turn in ("newly failing", "still failing", "newly passing")
    ]
    cells += [_latency(behaviour), _cost(behaviour)]
    return f"| {' | '.join(cells)} |"


def _details(
    agent: ReviewedAgent,
    check: AgentCheck | None,
    behaviour: AgentBehaviour | None,
    rows_max: int,
) -> Iterator[str]:
    """What a reader wants to know who saw the row; nothing for an agent that simply passed."""
    lines = list(_told(agent, check, behaviour))
    if not lines:
        return
    yield f"<details><summary>{escaped(agent.name)}</summary>"
    yield ""
    yield from lines[:rows_max]
    if len(lines) > rows_max:
        yield f"- and {len(lines) - rows_max} more"
    yield ""
    yield "</details>"
    yield ""


def _told(
    agent: ReviewedAgent, check: AgentCheck | None, behaviour: AgentBehaviour | None
) -> Iterator[str]:
    differs = behaviour is not None and any(test.turn is not None for test in behaviour.tests)
    if check is not None and check.message and not differs:
        yield f"- {escaped(check.message, WORDS_MAX_CHARACTERS)}"
    if behaviour is not None:
        for turn in TURNS:
            yield from _of_turn(turn, behaviour)
        for words in behaviour.not_expressible:
            yield f"- not said by the platform: {escaped(words, WORDS_MAX_CHARACTERS)}"
    if agent.reason:
        yield f"- {escaped(agent.reason, WORDS_MAX_CHARACTERS)}"


def _of_turn(turn: Turn, behaviour: AgentBehaviour) -> Iterator[str]:
    for test in behaviour.tests:
        if test.turn != turn:
            continue
        gate = "" if test.required else " (advisory)"
        runs = f", {test.runs} runs passed" if test.runs else ""
        before = f"; before: {test.current or 'unknown'}" if turn == "unclear" else ""
        words = f": {escaped(test.words, WORDS_MAX_CHARACTERS)}" if test.words else ""
        yield f"- **{turn}** {code(test.name)}{gate}{runs}{before}{words}"
        yield from (_line(line) for line in behaviour.lines if line.test == test.name)


def _line(line: LineDifference) -> str:
    wanted = escaped(line.wanted, WORDS_MAX_CHARACTERS)
    found = f", found {escaped(line.found, WORDS_MAX_CHARACTERS)}" if line.found else ""
    return f"  - {line.turn} {code(line.position, WORDS_MAX_CHARACTERS)}: {wanted}{found}"


def _latency(behaviour: AgentBehaviour) -> str:
    ours, theirs = behaviour.candidate_p95_ms, behaviour.current_p95_ms
    if ours is None:
        return ""
    if theirs is None:
        return f"{ours} ms"
    return f"{ours} ms ({ours - theirs:+d})"


def _cost(behaviour: AgentBehaviour) -> str:
    ours, theirs = behaviour.candidate_usd, behaviour.current_usd
    if theirs is None:
        return f"${ours:.2f}"
    return f"${ours:.2f} ({ours - theirs:+.2f})"
