"""What is allowed and probably not meant is said, and does not make a tree invalid."""

from collections.abc import Callable, Mapping

import pytest

from trunkline.manifests import Inspection

Look = Callable[[Mapping[str, str]], Inspection]

HEAD = "apiVersion: trunkline/v1alpha1\n"
CALLS = "outbound: { from: [main] }"


def agent(spec: str) -> str:
    return f"{HEAD}kind: Agent\nmetadata: {{ name: other }}\nspec: {spec}\n"


@pytest.mark.parametrize(
    ("spec", "place", "name", "meant"),
    [
        (
            "{ variables: { company: A }, firstMessage: 'At {{compny}}' }",
            (4, 50),
            "compny",
            "company",
        ),
        ("{ prompt: { text: 'At {{ town }}' } }", (4, 25), "town", ""),
        ("{ prompt: { file: p.md } }", (4, 25), "street", ""),
    ],
    ids=["greeting", "prompt", "prompt file"],
)
def test_a_placeholder_nobody_fills_is_warned_about(
    spec: str, place: tuple[int, int], name: str, meant: str, look: Look
) -> None:
    found = look({"other.yaml": agent(spec), "p.md": "Our {{street}}"})
    assert found.problems == ()
    assert found.manifests is not None
    (warning,) = found.warnings
    assert (warning.position.line, warning.position.column) == place
    assert f"{{{{{name}}}}}" in warning.message
    assert warning.suggestion == meant


def test_variables_slots_and_the_platforms_own_are_known(look: Look) -> None:
    text = "'{{a}} {{b}} {{system__time}} {{secret__key}}'"
    spec = f"{{ variables: {{ a: x }}, context: {{ b: y }}, firstMessage: {text} }}"
    assert look({"other.yaml": agent(spec)}).warnings == ()


def test_a_number_that_leads_nowhere_is_warned_about(look: Look) -> None:
    head = f"{HEAD}kind: PhoneNumber\nmetadata: {{ name: lost }}\n"
    spec = 'spec: { number: "+15005550009", environment: testing }\n'
    assert [str(each) for each in look({"lost.yaml": head + spec}).warnings] == [
        "lost.yaml:4:17: the number names no agent; nobody answers it"
    ]


def test_a_number_of_a_draft_is_warned_about(look: Look) -> None:
    head = f"{HEAD}kind: PhoneNumber\nmetadata: {{ name: early }}\n"
    spec = 'spec: { number: "+15005550009", environment: testing, agent: other }\n'
    found = look({"early.yaml": head + spec, "other.yaml": agent("{ lifecycle: draft }")})
    assert [str(each) for each in found.warnings] == [
        "early.yaml:4:62: agent `other` is a draft in testing; nobody answers"
    ]


@pytest.mark.parametrize(
    ("spec", "warning"),
    [
        ("{ outbound: { from: [main] } }", "4:9: an inbound agent calls nobody"),
        (
            f"{{ direction: both, {CALLS}, overrides: {{ testing: {{ direction: inbound }} }} }}",
            "4:26: an inbound agent calls nobody",
        ),
    ],
    ids=["inbound", "inbound by an override"],
)
def test_calls_that_cannot_be_made_are_warned_about(spec: str, warning: str, look: Look) -> None:
    found = look({"other.yaml": agent(spec)})
    assert found.problems == ()
    [said] = found.warnings
    assert str(said).startswith(f"other.yaml:{warning}")
