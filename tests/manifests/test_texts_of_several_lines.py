"""A text may be a YAML block, whose last line ends like every other; a name may not."""

import pytest
from pydantic import TypeAdapter, ValidationError

from trunkline.model.kinds.base import LanguageCode, Name, Text


def test_a_text_may_end_in_a_newline() -> None:
    block = "Looks something up.\nTwice.\n"
    assert TypeAdapter(Text).validate_python(block) == block


@pytest.mark.parametrize("empty", ["", " ", "\n", " \n\t\n"])
def test_a_text_of_blanks_is_none(empty: str) -> None:
    with pytest.raises(ValidationError, match="text that is not empty"):
        TypeAdapter(Text).validate_python(empty)


@pytest.mark.parametrize("kind", [Name, LanguageCode])
def test_what_is_of_one_line_does_not_end_in_a_newline(kind: type[str]) -> None:
    adapter = TypeAdapter(kind)
    adapter.validate_python("en")
    with pytest.raises(ValidationError, match="must be"):
        adapter.validate_python("en\n")
