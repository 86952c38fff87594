"""A test may say what it probably does not mean; it is told so, and nothing is stopped."""

from collections.abc import Callable, Mapping

import pytest

from trunkline.manifests import Inspection

Look = Callable[[Mapping[str, str | bytes]], Inspection]

FILE = "agents/desk/tests/a.yaml"
HEAD = "apiVersion: trunkline/v1alpha1\nkind: ConversationTest\nmetadata: { name: t }\nspec:\n"


def warned(look: Look, *lines: str, files: Mapping[str, str] | None = None) -> list[str]:
    text = HEAD + "".join(f"  {line}\n" for line in ("agent: desk", *lines))
    found = look({**(files or {}), FILE: text})
    assert found.problems == ()
    return [str(each).removeprefix(f"{FILE}:") for each in found.warnings]


CHECK = "expect: [ { says: Hello } ]"


@pytest.mark.parametrize(
    ("line", "place", "key"),
    [
        (f"turns: [ {{ dtmf: '1', {CHECK} }}, {{ {CHECK} }} ]", "6:14", "dtmf"),
        (f"turns: [ {{ say: Hi, interrupt: {{ by: 1s }}, {CHECK} }} ]", "6:23", "interrupt"),
        ("turns: [ { say: Hi, expect: [ { says: a }, { stopsWithin: 1s } ] } ]", "6:48", "stops"),
        ("finally: [ { judge: a }, { audio: { clippingMax: 0 } } ]", "6:30", "audio"),
    ],
)
def test_what_only_sound_can_show_does_not_apply_in_text(
    line: str, place: str, key: str, look: Look
) -> None:
    [warning] = warned(look, line)
    assert warning.startswith(f"{place}: `{key}")
    assert warning.endswith("does not apply in mode text, where nobody is heard")
    assert warned(look, line, "mode: audio") == []


def test_a_played_caller_should_not_gate(look: Look) -> None:
    turns = f"turns: [ {{ asCaller: Books a table, {CHECK} }} ]"
    [warning] = warned(look, turns, "gate: required")
    assert warning.startswith("7:9: a model plays the caller")
    assert warned(look, turns) == []


def test_nobody_places_calls_yet(look: Look) -> None:
    assert warned(look, f"turns: [ {{ say: Hi, {CHECK} }} ]", "mode: phone") == [
        "7:9: nobody places calls for tests yet; such a test is inconclusive"
    ]


def test_a_script_longer_than_its_limit_would_always_fail(look: Look) -> None:
    turns = f"turns: [ {{ say: Hi, {CHECK} }}, {{ silence: 1s }}, {{ say: Bye }} ]"
    assert warned(look, turns, "limits: { turns: 1 }") == [
        "7:20: the caller has 2 turns in the script; every run would fail"
    ]
    assert warned(look, turns, "limits: { turns: 2 }") == []


def test_a_variable_nobody_uses_is_told_with_the_nearest(look: Look) -> None:
    agent = """\
        apiVersion: trunkline/v1alpha1
        kind: Agent
        metadata: { name: desk }
        spec:
          prompt: { text: "You speak to {{ owner }}." }
          firstMessage: "Hello {{animal}}"
          variables: { clinic: Here }
          tools: [look]
        """
    tool = """\
        apiVersion: trunkline/v1alpha1
        kind: Tool
        metadata: { name: look }
        spec:
          type: client
          function: look
          description: Looks
          parameters:
            type: object
            properties: { id: { type: string, dynamic_variable: case_id } }
        """
    files = {"agents/desk/agent.yaml": agent, "look.yaml": tool}
    variables = "variables: { clinic: a, owner: b, animal: c, case_id: d, %s: e }"
    checks = "always: [ { judge: polite } ]"
    [warning] = [
        each for each in warned(look, variables % "anmal", checks, files=files) if "anmal" in each
    ]
    assert warning == (
        "6:60: agent `desk` makes no use of a variable `anmal` (did you mean animal?)"
    )
    rest = warned(look, "variables: { clinic: a, owner: b, case_id: d }", checks, files=files)
    assert not [each for each in rest if "makes no use" in each]


def test_a_stub_may_be_missing(look: Look) -> None:
    assert warned(look, f"turns: [ {{ say: Hi, {CHECK} }} ]") == []


@pytest.mark.parametrize("lifecycle", ["draft", "inactive"])
def test_an_agent_nobody_reaches_may_be_tested(lifecycle: str, look: Look) -> None:
    agent = (
        "apiVersion: trunkline/v1alpha1\nkind: Agent\nmetadata: { name: spare }\n"
        f"spec: {{ lifecycle: {lifecycle} }}\n"
    )
    text = f"{HEAD}  agent: spare\n  turns: [ {{ say: Hi, {CHECK} }} ]\n"
    found = look({"agents/spare/agent.yaml": agent, "agents/spare/tests/a.yaml": text})
    assert found.problems == ()


def test_tools_of_an_override_count_as_the_agent_s(look: Look) -> None:
    agent = """\
        apiVersion: trunkline/v1alpha1
        kind: Agent
        metadata: { name: desk }
        spec:
          persona: host
          overrides: { production: { tools: [ { builtin: end_call } ] } }
          elevenlabs:
            conversation_config:
              agent: { prompt: { built_in_tools: { transfer_to_number: { params: {} } } } }
        """
    files = {"agents/desk/agent.yaml": agent}
    expect = (
        "turns: [ { say: Bye, expect: [ { calls: end_call }, { noCall: transfer_to_number } ] } ]"
    )
    assert warned(look, expect, files=files) == []


def test_tools_of_a_server_nobody_can_see_into_are_not_doubted(look: Look) -> None:
    agent = """\
        apiVersion: trunkline/v1alpha1
        kind: Agent
        metadata: { name: desk }
        spec:
          elevenlabs: { conversation_config: { agent: { prompt: { mcp_server_ids: [abc] } } } }
        """
    files = {"agents/desk/agent.yaml": agent}
    expect = "turns: [ { say: Bye, expect: [ { calls: file_a_claim } ] } ]"
    assert warned(look, expect, files=files) == []
