"""Samples a judge must get right before its word counts.

A sample is a small text file: a head, a blank line, and a conversation::

    verdict: bad
    criterion: gives no advice about medicine

    caller: My dog ate chocolate.
    agent: Give her some salt water.

``verdict`` is ``good`` (the criterion holds) or ``bad``. The judge is asked about the agent's last
words, having seen everything before them. One sample that it gets wrong, or cannot tell, and none
of its answers counts (JudgeNotCalibrated).
"""

from collections.abc import Mapping, Sequence

from trunkline.model.base import Frozen
from trunkline.model.errors import InvalidInput
from trunkline.model.testing.judging import JudgeAnswer, Question, majority
from trunkline.model.testing.platform_tests import Examples
from trunkline.model.testing.scripts import Script
from trunkline.model.testing.transcripts import Line


class Sample(Frozen):
    """``file`` is as the test names it; ``good`` what the judge must say."""

    file: str
    good: bool
    question: Question


def samples(script: Script) -> tuple[Sample, ...]:
    """The samples of a test, by file. Raises InvalidInput naming the file that is none."""
    return tuple(parse_sample(file, text) for file, text in sorted(script.samples.items()))


def examples(script: Script) -> Examples:
    """The replies of the samples the judge of a test is calibrated with. Raises InvalidInput."""
    found = samples(script)
    return Examples(
        good=tuple(one.question.about for one in found if one.good),
        bad=tuple(one.question.about for one in found if not one.good),
    )


def parse_sample(file: str, text: str) -> Sample:
    """One sample. Raises InvalidInput that says what is missing."""
    head, _, talk = text.strip().replace("\r\n", "\n").partition("\n\n")
    said = dict(_key_and_rest(line) for line in head.splitlines())
    verdict, criterion = said.get("verdict", ""), said.get("criterion", "")
    if verdict not in ("good", "bad") or not criterion:
        raise InvalidInput(
            f"{file} is no sample for a judge: it must begin with `verdict: good` or `verdict: "
            "bad`, and `criterion: …`"
        )
    lines = _lines(file, talk)
    about = next((line.text for line in reversed(lines) if line.kind == "agentSaid"), "")
    if not about:
        raise InvalidInput(f"{file} is no sample for a judge: the agent says nothing in it")
    question = Question(criterion=criterion, transcript=lines, about=about)
    return Sample(file=file, good=verdict == "good", question=question)


def not_calibrated(
    wanted: Sequence[Sample], answers: Mapping[str, Sequence[JudgeAnswer]]
) -> tuple[str, ...]:
    """Files of the samples the judge got wrong or could not tell; ``answers`` are its votes by
    file. Empty: its word counts.
    """
    return tuple(
        sample.file
        for sample in wanted
        if majority(answers.get(sample.file, ())) is not sample.good
    )


def _lines(file: str, talk: str) -> tuple[Line, ...]:
    lines: list[Line] = []
    for number, written in enumerate(each for each in talk.splitlines() if each.strip()):
        who, text = _key_and_rest(written)
        if who not in ("agent", "caller") or not text:
            raise InvalidInput(
                f"{file} is no sample for a judge: every line of the conversation begins with "
                f"`agent:` or `caller:`; found {written.strip()[:60]!r}"
            )
        kind = "agentSaid" if who == "agent" else "callerSaid"
        lines.append(Line(at_ms=number * 1000, turn=0, kind=kind, text=text))
    return tuple(lines)


def _key_and_rest(line: str) -> tuple[str, str]:
    key, _, rest = line.partition(":")
    return key.strip().lower(), rest.strip()
