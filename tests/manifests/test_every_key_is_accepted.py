"""A repository that uses every key there is, each in the spelling of the manual, is sound."""

import re
from pathlib import Path

from trunkline.manifests import Caches, DirectoryTree, review
from trunkline.model.kinds import ConversationTest
from trunkline.model.resolution import wishes

SOURCE = Path(__file__).with_name("every_key.txt")


def test_every_key_is_accepted(every_key: Path) -> None:
    found = review(DirectoryTree(every_key), caches=Caches())
    assert found.problems == ()
    [warning] = found.warnings
    assert str(warning).startswith(
        "agents/front-desk/agent.yaml:8:3: an inbound agent calls nobody;"
    )


def test_every_key_of_a_test_is_written_there() -> None:
    text = SOURCE.read_text(encoding="utf-8").partition("kind: ConversationTest\n")[2]
    schema = ConversationTest.model_json_schema(by_alias=True)
    parts = {**schema["$defs"], "": schema}
    keys = {key for part in parts.values() for key in part.get("properties", ())}
    assert len(keys) > 70
    assert keys - {key for key in keys if re.search(rf"\b{key}:", text)} == {"apiVersion", "kind"}


def test_it_says_what_it_says_in_every_environment(every_key: Path) -> None:
    found = review(DirectoryTree(every_key), caches=Caches())
    assert found.manifests is not None
    wishlist = wishes(found.manifests)
    desired = wishlist.agent("testing", "front-desk")
    assert desired is not None
    assert desired.voice.id == "21m00Tcm4TlvDq8ikWAM"
    assert desired.variables == {"company": "ACME"}
    assert wishlist.waiting == ()


def test_what_a_test_includes_lies_under_it(every_key: Path, recording: bytes) -> None:
    found = review(DirectoryTree(every_key), caches=Caches())
    assert found.manifests is not None
    spec = found.manifests.tests["greets"].manifest.spec
    assert (spec.limits.turns, spec.judge.votes, spec.caller.voice) == (20, 3, "en-us")
    assert [stub.fail for stub in spec.tools.stubs["book_slot"]] == [None, "timeout"]
    assert (spec.turns[0].say, spec.turns[1].say) == ("Hello", None)
    assert [len(each) for each in (spec.history, spec.turns, spec.always, spec.at_end)] == [
        3,
        8,
        6,
        9,
    ]
    assert found.manifests.uploads["agents/front-desk/tests/hello.wav"].content == recording
    assert found.manifests.contents["agents/front-desk/tests/samples/good.txt"].text
