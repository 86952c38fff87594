"""A script survives JSON, finds its places, and its digest is what the test means."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from trunkline.manifests import DirectoryTree
from trunkline.manifests.loading import load
from trunkline.manifests.sample import sample_folder
from trunkline.model.errors import InvalidInput
from trunkline.model.kinds.conversation import ConversationTestSpec
from trunkline.model.manifests import Manifests
from trunkline.model.testing import scripts
from trunkline.model.testing.scripts import Script, ScriptFunction, compile_script

MakeScript = Callable[..., Script]
Spec = Mapping[str, Any]

AGENT = """\
apiVersion: trunkline/v1alpha1
kind: Project
metadata: { name: acme }
spec: { environments: [{ name: testing }] }
---
apiVersion: trunkline/v1alpha1
kind: Agent
metadata: { name: desk }
spec:
  prompt: { text: You answer the phone. }
  firstMessage: Hello.
  language: en
  tools: [book, { builtin: end_call }]
  knowledge: [hours]
---
apiVersion: trunkline/v1alpha1
kind: Tool
metadata: { name: book }
spec: { type: client, function: book_slot, description: Books a slot }
---
apiVersion: trunkline/v1alpha1
kind: KnowledgeDocument
metadata: { name: hours }
spec: { title: Hours, source: { text: Nine to five } }
---
apiVersion: trunkline/v1alpha1
kind: ConversationTest
metadata: { name: opens }
spec:
  agent: desk
  judge: { calibrate: [good.txt] }
  turns:
    - expect:
        - says: Hello
  finally:
    - groundedIn: hours
"""
SAMPLE = "verdict: good\ncriterion: greets\n\nagent: Hello.\n"


def _manifests(folder: Path, *, sample: str = SAMPLE, text: str = AGENT) -> Manifests:
    folder.mkdir(exist_ok=True)
    (folder / "trunkline.yaml").write_text(text, "utf-8")
    (folder / "good.txt").write_text(sample, "utf-8")
    return load(DirectoryTree(folder))


def test_everything_the_conversation_needs_is_in_the_script(tmp_path: Path) -> None:
    script = compile_script(
        _manifests(tmp_path / "a"), "opens", environment="testing", agent_digest="sha256:a"
    )
    assert (script.name, script.first_message, script.language) == ("opens", "Hello.", "en")
    assert script.functions == (
        ScriptFunction(name="book_slot", kind="client"),
        ScriptFunction(name="end_call", kind="builtin"),
    )
    assert script.documents == {"hours": "Nine to five"}
    assert script.samples == {"good.txt": SAMPLE}
    assert script.position == "trunkline.yaml:28:19"
    assert script.place("spec.turns[0].expect[0]") == "trunkline.yaml:34:11"
    assert script.place("spec.turns[0].expect[0].says") == "trunkline.yaml:34:11"
    assert script.agent_digest == "sha256:a"
    assert Script.model_validate_json(script.model_dump_json()) == script


def test_what_is_rendered_opens_the_conversation(tmp_path: Path) -> None:
    manifests = _manifests(tmp_path / "a")
    script = compile_script(manifests, "opens", environment="testing", first_message="")
    assert script.first_message == ""


def test_an_unknown_test_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no conversation test closes"):
        compile_script(_manifests(tmp_path / "a"), "closes", environment="testing")


def test_files_count_by_what_is_in_them(tmp_path: Path) -> None:
    def digest(folder: str, **more: Any) -> str:
        manifests = _manifests(tmp_path / folder, **more)
        return compile_script(manifests, "opens", environment="testing").test_digest

    same = digest("a")
    renamed = AGENT.replace("name: opens }", "name: opens, tags: [smoke], why: it matters }")
    assert digest("b", text=renamed) == same
    assert digest("c", sample=SAMPLE.replace("Hello", "Bye")) != same
    assert digest("d", text=AGENT.replace("Nine to five", "Ten to five")) != same


def test_another_mode_or_count_is_another_test(tmp_path: Path) -> None:
    manifests = _manifests(tmp_path / "a")
    made = [
        compile_script(manifests, "opens", environment="testing", **changed)
        for changed in ({}, {"mode": "audio"}, {"repeat": 3})
    ]
    assert [(s.spec.mode, s.spec.repeat.runs) for s in made] == [
        ("text", 1),
        ("audio", 1),
        ("text", 3),
    ]
    assert len({script.test_digest for script in made}) == 3


def test_every_test_of_the_sample_company_makes_a_script() -> None:
    manifests = load(DirectoryTree(sample_folder()))
    made = [compile_script(manifests, name, environment="testing") for name in manifests.tests]
    assert made
    for script in made:
        assert Script.model_validate_json(script.model_dump_json()) == script
    assert len({script.test_digest for script in made}) == len(made)


def _digest(spec: Spec) -> str:
    return scripts.test_digest(ConversationTestSpec.model_validate({"agent": "a", **spec}), {})


EXPECT = {"turns": [{"say": "Hi.", "expect": [{"calls": "book_slot", "within": "2s"}]}]}


@pytest.mark.parametrize(
    "spec",
    [
        {**EXPECT, "mode": "text", "always": [], "limits": {}},
        {**EXPECT, "repeat": {"runs": 1}},
        {"turns": [{"say": "Hi.", "expect": [{"calls": "book_slot", "within": "2000ms"}]}]},
        {"turns": [{"say": "Hi.", "expect": [{"calls": {"name": "book_slot"}, "within": "2s"}]}]},
        {**EXPECT, "include": ["shared.fragment.yaml"]},
    ],
)
def test_what_means_the_same_has_the_same_digest(spec: Spec) -> None:
    assert _digest(spec) == _digest(EXPECT)


def _called(wanted: Any) -> Spec:
    return {"turns": [{"say": "Hi.", "expect": [{"calls": {"name": "f", "args": wanted}}]}]}


def test_what_means_something_else_has_another() -> None:
    specs: list[Spec] = [
        EXPECT,
        {**EXPECT, "gate": "advisory"},
        {"turns": [{"say": "Hi.", "expect": [{"calls": "book_slot", "within": "3s"}]}]},
        {"turns": [{"say": "Hello.", "expect": [{"calls": "book_slot", "within": "2s"}]}]},
        _called({"a": None}),
        _called({"a": {"equals": None}}),
        _called({"a": {"equals": None, "contains": "x"}}),
        _called({"a": {"contains": "x"}}),
        _called({"a": {"equals": 0}}),
        _called({"a": {"equals": False}}),
        _called({"a": "x"}),
        {"tools": {"f": [{"reply": None}]}},
        {"tools": {"f": [{"reply": {}}]}},
        {"tools": {"f": [{"fail": "timeout"}]}},
        {"tools": {"f": [{"fail": "error"}]}},
        {"tools": {"f": [{"reply": None, "after": "1s"}]}},
        {"tools": {"live": True}},
    ]
    assert len({_digest(spec) for spec in specs}) == len(specs)


def test_a_suite_is_its_tests_in_any_order() -> None:
    assert scripts.suite_digest(["b", "a"]) == scripts.suite_digest(["a", "b"])
    assert scripts.suite_digest(["a"]) != scripts.suite_digest(["a", "a"])


def test_nulls_and_faults_survive_the_way_through_json(make_script: MakeScript) -> None:
    script = make_script(
        {
            **_called({"a": {"equals": None}, "b": None, "c": {"anything": True}}),
            "tools": {"f": [{"reply": None}, {"fail": "timeout"}], "live": True},
            "history": [{"agent": "Hello."}],
            "repeat": {"runs": 5, "pass": 4},
            "clock": "2026-06-12T09:00:00+01:00",
        }
    )
    assert Script.model_validate_json(script.model_dump_json()) == script
