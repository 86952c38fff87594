"""What is written reads back to the same values, under YAML 1.2 as under 1.1."""

import json

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline.manifests.documents import read_documents
from trunkline.manifests.writing import manifest_text
from trunkline.model.base import Json, JsonObject

TRAPS = (
    *("no", "Off", "y", "null", "~", "1_000", "12:30", "0x1f", "1e3", ".5", "2020-01-01", "="),
    *("- a", "a: b", "a #b", "<<", "?", "A?", "|", ">", "@a", "%a", "{{x}}", "key:", "a:b"),
    *("line one\nline two", "line\n\n", "\n a", "a\n  b\n", "tail  \nx", "a\r\nb", " x", "x\t"),
    *("é\u2028x", "\ufeffx", "\x85", "don't", "...", "---", "10s", "21m00Tcm4Tlv", "1.5", "0o7"),
)
TEXTS = st.one_of(st.text(max_size=30), st.sampled_from(TRAPS))
KEYS = st.one_of(st.text(min_size=1, max_size=10), st.sampled_from(("no", "y", "a.b", "1", "a[0]")))
VALUES: st.SearchStrategy[Json] = st.recursive(
    st.one_of(
        TEXTS,
        st.integers(-(10**12), 10**12),
        st.booleans(),
        st.none(),
        st.floats(allow_nan=False, allow_infinity=False),
    ),
    lambda below: st.one_of(st.lists(below, max_size=4), st.dictionaries(KEYS, below, max_size=5)),
    max_leaves=20,
)


@settings(deadline=None, max_examples=150)
@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=4))
def test_any_document_reads_back(spec: JsonObject) -> None:
    try:
        json.dumps(spec, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return
    text = manifest_text({"spec": spec})
    read = [(document.value, document.faults) for document in read_documents(text)]
    assert read == [({"spec": spec}, ())]
    assert yaml.safe_load(text) == {"spec": spec}


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({"name": "Front desk"}, "name: Front desk"),
        ({"voice": {"id": "21m00Tcm", "speed": 1.1}}, "voice: { id: 21m00Tcm, speed: 1.1 }"),
        ({"timeout": "10s"}, "timeout: 10s"),
        ({"title": "no"}, 'title: "no"'),
        ({"text": "one\ntwo\n"}, "text: |\n    one\n    two"),
        ({"text": "one\ntwo"}, "text: |-\n    one\n    two"),
        ({"tools": ["a", {"builtin": "end_call"}]}, "tools: [a, { builtin: end_call }]"),
        ({"deep": {"a": {"b": 1}}}, "deep:\n    a: { b: 1 }"),
        ({"greeting": "{{company}}, hello"}, 'greeting: "{{company}}, hello"'),
    ],
)
def test_short_things_stand_on_one_line_and_long_ones_below_each_other(
    spec: JsonObject, text: str
) -> None:
    assert manifest_text({"spec": spec}) == f"spec:\n  {text}\n"


def test_comments_stand_above_what_they_are_about() -> None:
    text = manifest_text(
        {"metadata": {"name": "a", "adopt": {"testing": "x"}}},
        comments={"metadata.adopt": "taken over"},
        schema="../schema.json",
    )
    assert text == (
        "# yaml-language-server: $schema=../schema.json\n"
        "metadata:\n  name: a\n  # taken over\n  adopt: { testing: x }\n"
    )
