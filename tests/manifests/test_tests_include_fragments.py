"""What tests share is read once, lies under each test, and keeps its own place."""

from collections.abc import Callable, Mapping
from pathlib import Path

from trunkline.manifests import Caches, DirectoryTree, Inspection, inspect, manifest_paths
from trunkline.model.kinds import ConversationTest
from trunkline.model.manifests import Placed
from trunkline.model.testing.limits import TURNS_MAX
from trunkline.model.testing.scripts import compile_script

Look = Callable[[Mapping[str, str | bytes]], Inspection]
Write = Callable[[Mapping[str, str | bytes]], DirectoryTree]

FRAGMENT = "agents/desk/tests/parts/opening.fragment.yaml"
OWN = "agents/desk/tests/a.yaml"
HEAD = "apiVersion: trunkline/v1alpha1\nkind: ConversationTest\nmetadata: { name: t }\n"
TEST = f"""\
{HEAD}spec:
  agent: desk
  include: [ parts/opening.fragment.yaml, closing.fragment.yaml ]
  variables: {{ animal: cat }}
  tools:
    book: [ {{ reply: own }} ]
  turns:
    - say: Hello
      expect: [ {{ says: own }} ]
"""
OPENING = """\
turns:
  - expect:
      - says: Hello
  - say: Good morning
variables:
  animal: dog
  owner: Maya
judge: { votes: 3 }
"""
CLOSING = """\
turns: [ { say: Bye, expect: [ { calls: book } ] } ]
variables: { owner: Ines }
clock: "2026-06-12T09:00:00+01:00"
"""
SAMPLE = "verdict: bad\ncriterion: is polite\n\ncaller: Hello\nagent: What now?\n"
FILES = {OWN: TEST, FRAGMENT: OPENING, "agents/desk/tests/closing.fragment.yaml": CLOSING}


def merged(found: Inspection) -> Placed[ConversationTest]:
    assert found.manifests is not None, found.problems
    return found.manifests.tests["t"]


def said(found: Inspection) -> list[str]:
    return [str(problem) for problem in found.problems]


def test_lists_of_fragments_come_first_in_order(look: Look) -> None:
    turns = merged(look(FILES)).manifest.spec.turns
    assert [turn.say for turn in turns] == [None, "Good morning", "Bye", "Hello"]


def test_own_keys_win_then_those_of_the_later_fragment(look: Look) -> None:
    spec = merged(look(FILES)).manifest.spec
    assert spec.variables == {"animal": "cat", "owner": "Ines"}
    assert (spec.judge.votes, spec.clock is not None) == (3, True)
    assert [stub.reply for stub in spec.tools.stubs["book"]] == ["own"]


def test_the_answers_of_a_tool_are_replaced_as_a_whole(look: Look) -> None:
    files = {
        **FILES,
        FRAGMENT: f"{OPENING}tools: {{ book: [ {{ fail: error }}, {{ reply: 1 }} ] }}",
    }
    spec = merged(look(files)).manifest.spec
    assert [stub.reply for stub in spec.tools.stubs["book"]] == ["own"]


def test_every_part_keeps_its_place_in_its_file(look: Look) -> None:
    at = merged(look(FILES)).positions
    closing = "agents/desk/tests/closing.fragment.yaml"
    assert str(at.value("spec.turns[0].expect[0]")) == f"{FRAGMENT}:3:9"
    assert str(at.value("spec.turns[1].say")) == f"{FRAGMENT}:4:10"
    assert str(at.value("spec.turns[2].expect[0].calls")) == f"{closing}:1:41"
    assert str(at.value("spec.turns[3].expect[0]")) == f"{OWN}:12:17"
    assert str(at.key("spec.variables.animal")) == f"{OWN}:7:16"
    assert str(at.key("spec.variables.owner")) == f"{closing}:2:14"
    assert str(at.value("spec.judge.votes")) == f"{FRAGMENT}:8:17"
    assert str(at.value("spec.tools.book[0].reply")) == f"{OWN}:9:22"
    assert str(at.value("metadata.name")) == f"{OWN}:3:19"
    assert at.file == OWN


def test_results_point_into_the_fragment(look: Look) -> None:
    found = look(FILES)
    assert found.manifests is not None
    script = compile_script(found.manifests, "t", environment="testing")
    assert script.place("spec.turns[0].expect[0]") == f"{FRAGMENT}:3:9"
    assert script.place("spec.turns[3].expect[0]") == f"{OWN}:12:17"
    assert script.position == f"{OWN}:3:19"


def test_what_is_included_means_what_is_written_out(look: Look) -> None:
    text = TEST.replace("  include: [ parts/opening.fragment.yaml, closing.fragment.yaml ]\n", "")
    text = text.replace("  turns:\n", "  turns:\n    - say: Hi\n", 1)
    begin = {"agents/desk/tests/begin.fragment.yaml": "turns: [ { say: Hi } ]\n"}
    shared = TEST.replace("parts/opening.fragment.yaml, closing", "begin")
    whole, parts = look({OWN: text}).manifests, look({OWN: shared, **begin}).manifests
    assert whole is not None
    assert parts is not None
    digests = [
        compile_script(each, "t", environment="testing").test_digest for each in (whole, parts)
    ]
    assert digests[0] == digests[1]


def test_a_path_without_a_place_is_found_at_what_is_above_it(look: Look) -> None:
    at = merged(look(FILES)).positions
    assert str(at.value("spec.turns[0].expect[0].within")) == f"{FRAGMENT}:3:9"
    assert str(at.value("spec.limits.turns")) == f"{OWN}:5:3"


def test_a_fragment_is_checked_against_the_agent_where_it_says_so(look: Look) -> None:
    found = look({**FILES, FRAGMENT: OPENING.replace("says: Hello", "calls: boook")})
    assert said(found) == [
        f"{FRAGMENT}:3:16: agent `desk` has no function `boook` (did you mean book?)"
    ]


def test_a_broken_fragment_is_one_problem_for_all_its_tests(look: Look) -> None:
    second = TEST.replace("name: t ", "name: u ")
    found = look({**FILES, FRAGMENT: "turnz: []\n", "agents/desk/tests/b.yaml": second})
    assert said(found) == [
        f"{FRAGMENT}:1:1: unknown key `turnz` in the document (did you mean turns?)"
    ]


def test_bounds_hold_for_the_whole(look: Look) -> None:
    many = "turns:\n" + "  - say: Hello\n" * TURNS_MAX
    found = look({**FILES, FRAGMENT: many})
    assert said(found) == [f"{OWN}:11:5: spec.turns: must hold at most {TURNS_MAX} entries"]


def test_files_are_named_from_the_file_that_names_them(look: Look, recording: bytes) -> None:
    found = look(
        {
            **FILES,
            FRAGMENT: "turns: [ { audioFile: a.wav } ]\njudge: { calibrate: [ good.txt ] }\n",
            "agents/desk/tests/parts/a.wav": recording,
            "agents/desk/tests/parts/good.txt": SAMPLE,
        }
    )
    test = merged(found)
    assert test.manifest.spec.turns[0].audio_file == "parts/a.wav"
    assert found.manifests is not None
    assert test.path_of("parts/a.wav") in found.manifests.uploads
    assert found.manifests.contents["agents/desk/tests/parts/good.txt"].text == SAMPLE


def test_a_fragment_nobody_includes_is_worth_a_word(look: Look) -> None:
    lost = "agents/desk/tests/lost.fragment.yaml"
    found = look({**FILES, lost: "turns: []\n"})
    assert [str(each) for each in found.warnings] == [
        f"{OWN}:7:16: agent `desk` makes no use of a variable `animal`",
        (
            "agents/desk/tests/closing.fragment.yaml:2:14: agent `desk` makes no use of a variable "
            "`owner`"
        ),
        f"{lost}:1:1: no test includes this fragment",
    ]


def test_fragments_are_no_manifests(write: Write) -> None:
    assert not [path for path in manifest_paths(write(FILES)) if "fragment" in path]


def test_a_fragment_is_not_found_through_a_link(write: Write, tmp_path: Path) -> None:
    tree = write(FILES)
    (tmp_path / FRAGMENT).rename(tmp_path / "agents/desk/tests/parts/other.fragment.yaml")
    (tmp_path / FRAGMENT).symlink_to("other.fragment.yaml")
    found = inspect(DirectoryTree(tmp_path), caches=Caches())
    assert said(found) == [
        f"{OWN}:6:14: `{FRAGMENT}` leads through a symbolic link; links are not followed"
    ]
    assert tree.links() is not None


def test_the_nearest_fragment_is_what_was_meant(look: Look) -> None:
    text = TEST.replace("closing.fragment", "closng.fragment")
    found = look({**FILES, OWN: text})
    assert said(found) == [
        (
            f"{OWN}:6:43: there is no file `agents/desk/tests/closng.fragment.yaml` "
            "(did you mean closing.fragment.yaml?)"
        )
    ]


def test_a_changed_fragment_is_read_again_and_nothing_else(write: Write, tmp_path: Path) -> None:
    caches = Caches()
    before = inspect(write(FILES), caches=caches)
    (tmp_path / FRAGMENT).write_text(OPENING.replace("morning", "evening"), encoding="utf-8")
    after = inspect(DirectoryTree(tmp_path), caches=caches)
    assert merged(before).manifest.spec.turns[1].say == "Good morning"
    assert merged(after).manifest.spec.turns[1].say == "Good evening"
    assert len(caches.fragments) == 3


def test_matchers_and_answers_survive_being_laid_over(look: Look) -> None:
    opening = """\
turns:
  - say: Hello
    interrupt: { by: 1500ms }
    expect:
      - calls: [ book, { name: book } ]
      - says: { matches: "(?i)x", notAnyOf: [a, b] }
tools: { book: [ { reply: null, after: 90s } ] }
finally:
  - variables: { "name": { equals: { deep: [1, 2.5, null] } }, other: 2.0 }
  - audio: { loudnessLufs: [-26, -16], silenceMax: 4s }
limits: { seconds: 1.5 }
"""
    text = TEST.replace("  tools:\n    book: [ { reply: own } ]\n", "")
    alone = f"{HEAD}spec:\n  agent: desk\n" + "".join(f"  {line}\n" for line in opening.split("\n"))
    spec = merged(look({OWN: text.replace("parts/", ""), **_beside(opening)})).manifest.spec
    own = merged(look({OWN: alone, "agents/desk/tests/closing.fragment.yaml": "{}"})).manifest.spec
    assert (spec.turns[0], spec.at_end, spec.limits) == (own.turns[0], own.at_end, own.limits)
    assert spec.tools == own.tools
    assert spec.tools.stubs["book"][0].model_fields_set == {"reply", "after"}


def _beside(opening: str) -> dict[str, str]:
    return {
        "agents/desk/tests/opening.fragment.yaml": opening,
        "agents/desk/tests/closing.fragment.yaml": CLOSING,
    }
