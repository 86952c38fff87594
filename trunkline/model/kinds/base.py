"""What all kinds share: the envelope, the closed base class and the shapes of single values.

Every value a person writes is described once, with the sentence that person reads when it is
wrong. Kinds know nothing of YAML, positions, other documents or a vendor's wire format.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from trunkline.model.base import Frozen
from trunkline.model.ids import NAME_PATTERN
from trunkline.model.limits import ENVIRONMENTS_MAX, LABELS_MAX, TEXT_FIELD_MAX_CHARACTERS

API_VERSION = "trunkline/v1alpha1"


class Part(Frozen):
    """A part of a manifest: only the camelCase spelling of a key is accepted."""

    model_config = ConfigDict(populate_by_name=False, strict=False)


class DescribedPart(Part):
    """A part with a sentence below each key, for schemas that editors show and for references."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Without what only Python knows: nulls and objects for absent keys, titles from names."""
        reference = handler(schema)
        for described in handler.resolve_ref_schema(reference).get("properties", {}).values():
            described.pop("title", None)
            forms = [each for each in described.get("anyOf", ()) if each != {"type": "null"}]
            if len(forms) == 1:
                del described["anyOf"]
                described.update({**forms[0], **described})
            if not isinstance(described.get("default", ""), str | int | float):
                del described["default"]
        return reference


def refuse(
    message: str,
    suggestion: str = "",
    *,
    at: tuple[str, ...] = (),
    key: bool = False,
    known: tuple[str, ...] = (),
) -> PydanticCustomError:
    """An error whose message is shown to people as it is.

    ``at`` leads from the checked value to the part that is wrong; ``key`` means the key itself;
    ``known`` are the words that would have been right there.
    """
    context = {
        "message": message,
        "suggestion": suggestion,
        "at": at,
        "key": key,
        "known": known,
    }
    return PydanticCustomError("refused", "{message}", context)


@dataclass(frozen=True, slots=True)
class Shape:
    """Annotation of a text that must match a pattern; ``means`` completes "must be …".

    A text ``of_one_line`` does not end in a newline either, which a pattern's ``$`` would allow.
    """

    pattern: str
    means: str
    of_one_line: bool = True

    def check(self, text: str) -> str:
        """The text itself. Raises a pydantic error in plain words."""
        if re.match(self.pattern, text) is None or (text.endswith("\n") and self.of_one_line):
            shown = text if len(text) <= 80 else text[:77] + "..."  # noqa: PLR2004 - one line
            raise refuse(f'must be {self.means}; found "{shown}"')
        return text

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(schema), "pattern": self.pattern}


Name = Annotated[
    str,
    Shape(NAME_PATTERN, "a DNS label: lower-case letters, digits and dashes, 63 at most"),
]
Text = Annotated[
    str,
    Shape(r"\S|\s+\S", "text that is not empty", of_one_line=False),
    Field(max_length=TEXT_FIELD_MAX_CHARACTERS),
]
PhoneNumberText = Annotated[
    str, Shape(r"^\+[1-9][0-9]{6,14}$", "a number in E.164 form, such as +15005550006, in quotes")
]
EmailAddress = Annotated[
    str, Shape(r"^[^@\s]+@[^@\s]+\.[^@\s]+$", "an e-mail address, such as ada@example.com")
]
DigestText = Annotated[
    str, Shape(r"^sha256:[0-9a-f]{64}$", "sha256: and 64 lower-case hexadecimal characters")
]
LanguageCode = Annotated[
    str, Shape(r"^[a-z]{2,3}(-[A-Za-z]{2,4})?$", "a language code, such as en or pt-br")
]
VariableName = Annotated[
    str,
    Shape(
        r"^(?!system__|secret__)[A-Za-z_][A-Za-z0-9_]{0,63}$",
        "a variable's name: letters, digits and _, not starting with system__ or secret__",
    ),
]
SecretName = Annotated[
    str,
    Shape(
        r"^TRUNKLINE_SECRET_[A-Z0-9_]+$",
        "the name of a secret on the server's list, such as TRUNKLINE_SECRET_ACME_BOOKING",
    ),
]
HttpsAddress = Annotated[
    str,
    Shape(
        r"^(https://[^\s/?#@:]+|http://(localhost|127\.0\.0\.1|\[::1\]))(:[0-9]{1,5})?([/?#]\S*)?$",
        "an https:// address without user or password (http:// only for this machine)",
    ),
]
RelativePath = Annotated[
    str,
    Shape(
        r"^(?!.*(^|/)\.\.?(/|$))[^/\\\x00-\x1f][^\\\x00-\x1f]*(?<!/)$",
        "a path beside or below this file, with / between folders and without . or ..",
    ),
]
LabelKey = Annotated[
    str,
    Shape(
        r"^[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?$",
        "a label's key: letters, digits, and . _ - / between them, at most 63 characters",
    ),
]
LabelValue = Annotated[
    str,
    Shape(
        r"^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$",
        "a label's value: letters, digits, and . _ - between them, at most 63 characters",
    ),
]
Labels = Annotated[dict[LabelKey, LabelValue], Field(max_length=LABELS_MAX)]
PlatformId = Annotated[
    str, Shape(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$", "the id of an object on the platform")
]
Adoptions = Annotated[dict[Name, PlatformId], Field(max_length=ENVIRONMENTS_MAX)]


class Metadata(Part):
    """How a document is called; labels are for selecting and are never sent to a platform."""

    name: Name
    labels: Labels = Field(default_factory=dict)


class AdoptingMetadata(Metadata):
    """``adopt`` names, by environment, an object on the platform that is taken over instead of
    created; it counts until that has happened.
    """

    adopt: Adoptions = Field(default_factory=dict)


class Envelope(Part):
    """What every document begins with."""

    api_version: Literal["trunkline/v1alpha1"]
    kind: str
    metadata: Metadata

    @property
    def name(self) -> str:
        """``metadata.name``."""
        return self.metadata.name


class SecretValue(Part):
    """A value that the server looks up under a name of its allow-list."""

    secret: SecretName


def _text_or_secret(value: Any) -> str:
    return "=secret" if isinstance(value, dict | SecretValue) else "=text"


TEXT_OR_SECRET = Discriminator(_text_or_secret)
"""Tells a text, tagged ``=text``, from a SecretValue, tagged ``=secret``."""


def exactly_one(part: Part, keys: tuple[str, ...], what: str) -> None:
    """Raises a pydantic error unless exactly one of the keys is given."""
    given = [key for key in keys if getattr(part, key) is not None]
    if len(given) != 1:
        fields = type(part).model_fields
        keys = tuple(fields[key].alias or key for key in keys)
        given = [fields[key].alias or key for key in given]
        listed = ", ".join(f"`{key}`" for key in keys[:-1]) + f" and `{keys[-1]}`"
        found = " and ".join(f"`{key}`" for key in given) or "none"
        raise refuse(f"{what} needs exactly one of {listed}; found {found}")
