"""What the REST dialects of forges have in common: where things are, and comments beside them.

How an answer looks, what is refused in which words and which paths there are is each dialect's
own business.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from typing import ClassVar, Generic, Protocol, TypeVar

from simulators.forges.access import Access, Caller
from simulators.forges.pulls import Pulls
from simulators.forges.refusals import Refused, missing
from simulators.forges.space import Space
from simulators.forges.words import Words
from simulators.store import Json
from simulators.wire import Answer, Request, json_answer

NO_CONTENT = 204


class Bodies(Protocol):
    """How a dialect shows what both have."""

    def comment(self, comment: Json) -> Json:
        """A comment of a pull request."""

    def combined_status(self, repository: Json, sha: str) -> Json:
        """What the statuses of a commit come to."""


Shown = TypeVar("Shown", bound=Bodies)


class Dialect(ABC, Generic[Shown]):
    """One forge's REST API as far as it is the same in every dialect.

    ``comment_scope`` is what a token needs for comments; ``unreadable`` and ``no_object`` are
    status and words for a body that is no JSON, and for one that is no object.
    """

    comment_scope: ClassVar[str]
    unreadable: ClassVar[tuple[int, str]]
    no_object: ClassVar[tuple[int, str]]

    def __init__(
        self, space: Space, access: Access, pulls: Pulls, words: Words, bodies: Shown
    ) -> None:
        self._space = space
        self._access = access
        self._pulls = pulls
        self._words = words
        self._bodies = bodies

    @abstractmethod
    def _commit(self, repository: Json, request: Request) -> str:
        """The commit a path names. Raises Refused in the dialect's words."""

    def _content(self, request: Request) -> Json:
        try:
            body = json.loads(request.body or b"{}")
        except ValueError as error:
            raise Refused(*self.unreadable) from error
        if not isinstance(body, dict):
            raise Refused(*self.no_object)
        return body

    def _found(self, repository: Json, request: Request) -> Json:
        return self._pulls.of_number(repository, request.path_values["number"])

    def _add_comment(self, request: Request, caller: Caller) -> Answer:
        repository = self._access.repository(caller, request)
        pull = self._found(repository, request)
        self._access.require(caller, repository, "read", self.comment_scope)
        text = self._content(request).get("body")
        comment = self._words.comment(repository, pull, caller.login or "", text)
        return json_answer(self._bodies.comment(comment), status=201)

    def _of_id(self, repository: Json, request: Request) -> Json:
        text = request.path_values["comment_id"]
        if not text.isascii() or not text.isdecimal():
            raise missing()
        return self._space.comment(repository, int(text))

    def _comment(self, request: Request, caller: Caller) -> Answer:
        repository = self._access.repository(caller, request)
        return json_answer(self._bodies.comment(self._of_id(repository, request)))

    def _own_comment(self, request: Request, caller: Caller) -> tuple[Json, Json]:
        repository = self._access.repository(caller, request)
        comment = self._of_id(repository, request)
        right = "read" if comment["author"] == caller.login else "write"
        self._access.require(caller, repository, right, self.comment_scope)
        return repository, comment

    def _edit_comment(self, request: Request, caller: Caller) -> Answer:
        repository, comment = self._own_comment(request, caller)
        text = self._content(request).get("body")
        edited = self._words.edit(repository, comment, caller.login or "", text)
        return json_answer(self._bodies.comment(edited))

    def _remove_comment(self, request: Request, caller: Caller) -> Answer:
        repository, comment = self._own_comment(request, caller)
        self._words.remove(repository, comment, caller.login or "")
        return Answer(NO_CONTENT)

    def _combined_status(self, request: Request, caller: Caller) -> Answer:
        repository = self._access.repository(caller, request)
        sha = self._commit(repository, request)
        return json_answer(self._bodies.combined_status(repository, sha))
