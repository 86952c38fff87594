"""Part of kind Project: who is told of what.

Apart from the Project because the groups people name are also what events are sorted into. What an
address may lead to is decided by the server, and never here.
"""

from typing import Annotated, Final, Literal, get_args

from pydantic import Field, Tag, model_validator

from trunkline.model.kinds.base import (
    TEXT_OR_SECRET,
    EmailAddress,
    HttpsAddress,
    Labels,
    Name,
    Part,
    SecretValue,
    Shape,
    refuse,
)
from trunkline.model.limits import ENVIRONMENTS_MAX, LIST_MAX_ITEMS

Group = Literal[
    "calls",
    "changes",
    "control",
    "deletion",
    "drift",
    "health",
    "notifications",
    "promotion",
    "source",
    "sync",
    "tests",
]
GROUPS: Final[tuple[str, ...]] = get_args(Group)
NotificationType = Literal["slack", "webhook", "email"]

EventWord = Annotated[
    str,
    Shape(
        r"^[A-Za-z][A-Za-z0-9]{0,63}$",
        "a group of events, such as promotion, or the reason of one, such as GateFailed",
    ),
]


Address = Annotated[
    Annotated[HttpsAddress, Tag("=text")] | Annotated[SecretValue, Tag("=secret")],
    TEXT_OR_SECRET,
]


class Notification(Part):
    """Where news goes: ``slack`` and ``webhook`` take ``url``, ``email`` takes ``to``.

    ``events`` are groups or reasons, ``labels`` must all be on the agent or number, ``minimum``
    leaves out what is no warning, except that something has recovered.
    """

    type: NotificationType
    url: Address | None = None
    secret: SecretValue | None = None
    to: Annotated[tuple[EmailAddress, ...], Field(max_length=LIST_MAX_ITEMS)] = ()
    events: Annotated[tuple[EventWord, ...], Field(max_length=LIST_MAX_ITEMS)] = ()
    labels: Labels = Field(default_factory=dict)
    environments: Annotated[tuple[Name, ...], Field(max_length=ENVIRONMENTS_MAX)] = ()
    minimum: Literal["Normal", "Warning"] = "Normal"

    @model_validator(mode="after")
    def _address(self) -> "Notification":
        if self.type == "email":
            if not self.to or self.url is not None:
                raise refuse("an email notification needs `to` and no `url`")
        elif self.to or self.url is None:
            raise refuse(f"a {self.type} notification needs `url` and no `to`")
        if self.secret is not None and self.type != "webhook":
            raise refuse("`secret` signs what a webhook is sent", at=("secret",), key=True)
        return self

    @model_validator(mode="after")
    def _groups(self) -> "Notification":
        for index, word in enumerate(self.events):
            if word[0].islower() and word not in GROUPS:
                raise refuse(
                    f"`{word}` is no group of events: {', '.join(GROUPS)}",
                    at=("events", str(index)),
                    known=GROUPS,
                )
        return self
