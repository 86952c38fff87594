"""A sample that a judge must get right is one, found before any judge is asked."""

from collections.abc import Callable, Mapping

import pytest

from trunkline.manifests import Inspection

Look = Callable[[Mapping[str, str | bytes]], Inspection]

TEST = """\
apiVersion: trunkline/v1alpha1
kind: ConversationTest
metadata: { name: t }
spec:
  agent: desk
  judge: { calibrate: [ samples/a.txt ] }
  always: [ { judge: is polite } ]
"""
SAMPLE = "verdict: bad\ncriterion: is polite\n\ncaller: Hello\nagent: What now?\n"


def looked_at(look: Look, sample: str | bytes) -> Inspection:
    return look({"tests/a.yaml": TEST, "tests/samples/a.txt": sample})


def test_a_sample_is_kept_as_text(look: Look) -> None:
    found = looked_at(look, SAMPLE)
    assert found.manifests is not None
    assert found.manifests.contents["tests/samples/a.txt"].text == SAMPLE


@pytest.mark.parametrize(
    ("sample", "says"),
    [
        ("agent: Hello\n", "samples/a.txt is no sample for a judge"),
        (SAMPLE.replace("bad", "so so"), "samples/a.txt is no sample for a judge"),
        (SAMPLE.replace("agent:", "nobody:"), "samples/a.txt"),
        (SAMPLE.partition("agent:")[0], "samples/a.txt"),
        (b"\xff\xfe", "`tests/samples/a.txt` is not UTF-8 text"),
        ("", "`tests/samples/a.txt` is empty"),
    ],
)
def test_what_is_no_sample_is_said_where_it_is_named(
    sample: str | bytes, says: str, look: Look
) -> None:
    [problem] = looked_at(look, sample).problems
    assert str(problem.position) == "tests/a.yaml:6:25"
    assert says in problem.message
