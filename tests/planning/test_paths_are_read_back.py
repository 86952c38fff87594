"""A path is text that always names the same leaf again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.model.paths import element, join, owning_leaf, split

KEYS = st.lists(st.text(max_size=8), min_size=1, max_size=5).map(tuple)


@given(KEYS)
def test_any_keys_survive_the_text_form(keys: tuple[str, ...]) -> None:
    assert split(join(keys)) == keys


@given(KEYS, st.text(max_size=8))
def test_an_element_belongs_to_its_list(keys: tuple[str, ...], identity: str) -> None:
    path = element(join(keys), "id", identity)
    assert owning_leaf(path) == owning_leaf(f"{path}.name") == join(keys)


def test_plain_keys_read_plainly() -> None:
    assert join(("conversation_config", "tts", "speed")) == "conversation_config.tts.speed"
    assert join(("variables", "a.b")) == 'variables["a.b"]'
    assert element("criteria", "id", "greet") == "criteria[id=greet]"


@pytest.mark.parametrize("text", ["a..b", ".a", 'a["b"', "a[0]", '["a"]b'])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a path"):
        split(text)
