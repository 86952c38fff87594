"""What promotions ask of Git and of the store: releases, tags, authors, promotions, rollouts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from trunkline.model.ids import Revision
from trunkline.model.kinds.release import ReleaseSpec
from trunkline.model.manifests import Releases
from trunkline.model.promotions.policies import PromotionRules
from trunkline.model.promotions.records import CommitAuthor, PromotionRecord
from trunkline.model.records import EventRecord, WishRecord
from trunkline.model.releases import ReleaseRecord, ReleaseStanding, ReleaseTag, RolloutState


class ReleaseRepository(Protocol):
    """The part of a manifests repository that promotions write. May block for seconds.

    Every method raises SourceErrors; what cannot be read is never taken for absent.
    """

    async def fetch_tip(self) -> Revision:
        """Fetch the branch and all release tags; the branch's tip."""

    async def releases(self, revision: Revision) -> Releases:
        """Everything below ``releases/`` at a commit, whatever the rest of its tree is like."""

    async def release_tags(self, environment: str = "", agent: str = "") -> tuple[ReleaseTag, ...]:
        """Release tags as of the last fetch, by environment, agent and version."""

    async def is_ancestor(self, older: Revision, newer: Revision) -> bool:
        """True if ``newer`` builds on ``older``."""

    async def commits_with_trailer(
        self, promotion: str, *, since: Revision | None
    ) -> tuple[Revision, ...]:
        """Commits of the fetched branch that carry the trailer of a promotion or a change, newest
        first, given by its id or by the trailer's whole value; not looked for in what ``since``
        builds on.
        Whoever may push can write a trailer: what such a commit released is to be verified.
        """

    async def authors(
        self, since: Revision | None, until: Revision, paths: Sequence[str]
    ) -> tuple[CommitAuthor, ...]:
        """Authors, committers and co-authors of every commit that touched the paths after
        ``since`` (None: ever) up to ``until``, merges included, under whatever names the files
        had meanwhile; ``person`` is left empty.

        Whoever merged is an author as well if the merge differs from any of its parents there,
        and our own committing for somebody is not. Newest first, each address once. Raises
        CommitUnreadable beyond a bound of commits.
        """

    async def subjects(
        self, since: Revision | None, until: Revision, paths: Sequence[str]
    ) -> tuple[str, ...]:
        """First lines of those commits' messages, newest first."""

    async def push_release(
        self,
        base: Revision,
        *,
        edits: Mapping[str, str | None],
        message: str,
        author: tuple[str, str],
        tag: str = "",
        tag_revision: Revision | None = None,
        tag_message: str = "",
        urgent: bool = False,
    ) -> Revision:
        """One commit on ``base`` that writes (None: deletes) files, and one annotated tag on
        ``tag_revision``, pushed in one atomic transaction; the new commit. Both are signed if the
        server has a key. Where the project's rule for commits would refuse ours, or the commit it
        stands on, nothing is pushed (PushRefused), or what is ``urgent`` is pushed unsigned.

        Raises InvalidInput (nothing would change, or a path is none), PushRejected (the branch is
        no longer at ``base`` or the tag is taken: fetch and look again),
        PushRefused (protected branch, missing right; with the server's words), PushUnanswered
        (no answer: look for the trailer), or another SourceError.
        """

    async def push_tag(self, tag: str, revision: Revision, message: str) -> None:
        """The annotated tag of a release whose commit came by a merge, signed if the server has a
        key. Raises InvalidInput, PushRejected (it is taken), and what ``push_release`` names.
        """

    async def branch_head(self, branch: str) -> Revision | None:
        """Where a branch of the server is right now, or None if there is none of the name."""

    async def push_branch(
        self,
        branch: str,
        base: Revision,
        *,
        edits: Mapping[str, str | None],
        message: str,
        author: tuple[str, str],
        lease: Revision | None = None,
    ) -> Revision:
        """One commit on ``base``, signed like a release's, that becomes a branch below
        ``trunkline/``: made if ``lease`` is None, else moved from there, whatever it held. Where
        the branch is such a commit already, that one is answered and nothing is pushed, so asking
        again after PushUnanswered is safe.

        Raises InvalidInput (nothing would change, a path is none, the branch is the project's own
        or lies elsewhere), PushRejected (the branch is not where ``lease`` says), PushRefused,
        PushUnanswered, or another SourceError.
        """

    async def delete_branch(self, branch: str, *, lease: Revision | None = None) -> None:
        """Delete a branch below ``trunkline/``; nothing happens if there is none, nor if it is not
        where ``lease`` says. Raises as ``push_branch``.
        """

    async def release_history(
        self, *, environment: str = "", agent: str = "", limit: int, before: Revision | None = None
    ) -> tuple[ReleaseRecord, ...]:
        """Releases as the branch's history tells them, newest first: every commit that changed a
        file below ``releases/``, with the release it wrote.

        A version comes once for each commit that wrote it, such as one that only held it: the
        oldest of them released it. Commits that removed a file or left it unreadable are not
        among them. ``limit`` counts commits, ``before`` is the commit of the last one seen.
        """


class EvidenceKeys(Protocol):
    """Ed25519 keys of evidence."""

    @property
    def public_key(self) -> str:
        """``ed25519:<base64>`` of the server's own key; "" without one."""

    def sign(self, payload: bytes) -> str:
        """Base64 of the signature. Raises SigningKeyMissing."""

    def verifies(self, payload: bytes, signature: str, public_key: str) -> bool:
        """True if the signature is that key's over exactly these bytes; False for anything odd."""


class Promotions(Protocol):
    """Promotions and their rows."""

    async def open_promotion(self, record: PromotionRecord) -> PromotionRecord:
        """Insert with the next free number (``number`` 0), or put a known one again.

        Raises Conflict, naming it, if another promotion of the agent and environment is open.
        """

    async def put_promotion(
        self, record: PromotionRecord, events: Sequence[EventRecord] = ()
    ) -> PromotionRecord:
        """Insert or replace, and only if its meaning changed the events; one that has ended is not
        opened again, and what people said of it stays. The promotion as it is then.
        """

    async def say_of_promotion(
        self,
        project: str,
        promotion_id: str,
        *,
        abort_requested_by: str = "",
        abort_reason: str = "",
        rejected_by: str = "",
    ) -> PromotionRecord | None:
        """Write down what a person said of an open promotion, and nothing else; what was said
        first stays. The promotion as it is then, or None.
        """

    async def promotion(self, project: str, promotion_id: str) -> PromotionRecord | None:
        """One promotion, or None."""

    async def open_promotion_of(
        self, project: str, environment: str, agent: str
    ) -> PromotionRecord | None:
        """The one that is open, or None."""

    async def last_promotion_of(
        self, project: str, environment: str, agent: str
    ) -> PromotionRecord | None:
        """The newest, open or not."""

    async def promotions(
        self,
        project: str,
        *,
        environment: str | None = None,
        agent: str | None = None,
        open_only: bool = False,
        before: tuple[datetime, str] | None = None,
        limit: int,
    ) -> tuple[PromotionRecord, ...]:
        """Newest first; ``before`` is time of creation and id of the last one seen."""


class ReleaseRecords(Protocol):
    """The index of releases, standings of releases, rollouts, and rules of promotion in force."""

    async def put_releases(self, records: Sequence[ReleaseRecord]) -> None:
        """Insert; a version that is there stays, apart from what it lacked."""

    async def release(
        self, project: str, environment: str, agent: str, version: int
    ) -> ReleaseRecord | None:
        """One release, or None."""

    async def releases_of(
        self, project: str, environment: str, agent: str, *, before: int | None = None, limit: int
    ) -> tuple[ReleaseRecord, ...]:
        """Releases, newest version first; those below ``before``."""

    async def standing_and_releases(
        self, project: str, environment: str, agent: str, *, before: int | None = None, limit: int
    ) -> tuple[ReleaseStanding | None, tuple[ReleaseRecord, ...]]:
        """What ``standing_of`` and ``releases_of`` say, both of one moment."""

    async def standing_of(
        self, project: str, environment: str, agent: str
    ) -> ReleaseStanding | None:
        """What the last look at Git said, or None."""

    async def standings(self, project: str, environment: str) -> tuple[ReleaseStanding, ...]:
        """All of an environment, by agent."""

    async def standings_mark(self, project: str) -> str:
        """Equal as long as no standing of the project changed; "" without any."""

    async def store_released(
        self,
        project: str,
        standings: Sequence[ReleaseStanding],
        wishes: Sequence[WishRecord],
        contents: Mapping[str, bytes],
        *,
        revision: Revision,
    ) -> int:
        """What a look made of releases, with the wishes of those it verified, in one transaction;
        answers how many standings changed.

        The wish of a standing that is ``removed`` becomes removed at ``revision``; one with a
        reason keeps the wish it had. Whoever's standing or wish changed has yet to be told.
        ``contents`` maps a content digest to what is stored.
        """

    async def put_rollout(self, state: RolloutState) -> None:
        """Insert or replace what the agent's rounds know; what promotions said stays."""

    async def rollout(self, project: str, environment: str, agent: str) -> RolloutState | None:
        """The rollout of the newest release, or None."""

    async def check_rollout(
        self, project: str, environment: str, agent: str, version: int, step: int
    ) -> None:
        """A promotion found the step good; nothing happens for another version."""

    async def abort_rollout(
        self, project: str, environment: str, agent: str, version: int, reason: str
    ) -> None:
        """A promotion wants the traffic back; inserted even if the rounds wrote nothing yet."""

    async def rules_in_force(self, project: str, environment: str) -> PromotionRules | None:
        """The rules of promotion that count, or None before any were."""

    async def put_rules(self, project: str, environment: str, rules: PromotionRules) -> None:
        """These count from now on."""

    async def drop_rules(self, project: str, environment: str) -> None:
        """Nothing is promoted into the environment any more, by an admin's word."""


class ReleaseRepositories(Protocol):
    """Repositories that releases are written to, by project."""

    async def repository(self, project: str) -> ReleaseRepository:
        """The repository of a project. Raises NotFound if it is not registered."""


__all__ = [
    "EvidenceKeys",
    "Promotions",
    "ReleaseRecords",
    "ReleaseRepositories",
    "ReleaseRepository",
    "ReleaseSpec",
]
