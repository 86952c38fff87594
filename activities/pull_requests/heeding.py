"""Commands in comments: who may say them is asked of the forge, what came of them is written down.

Comments are taken in the order of their ids, each once: the row says how far. A command that was
carried out and not yet written down is carried out again after a crash, and all of them may be.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from activities.pull_requests.ports import PullRequestPorts
from trunkline.model.errors import TrunklineError
from trunkline.model.forges import ForgeComment, PullRequest
from trunkline.model.ids import AgentName, EnvironmentName, Revision, release_request_branch
from trunkline.model.limits import PULL_REQUEST_REPLIES_MAX
from trunkline.model.pull_requests import CommandReply, PullRequestRecord
from trunkline.model.pulls.checks import begun_again, may_check
from trunkline.model.pulls.commands import (
    ACTIONS,
    ROLES_OF_RIGHTS,
    Command,
    Mistake,
    Speaker,
    Standing,
    parse_command,
    refusal,
)
from trunkline.model.records import AuditRecord
from trunkline.ports.forges import Forge

NOT_HERE: Final = "this server lets nobody decide that by a comment"
HELPED: Final = "the commands are listed below"


class Heeding:
    """Carries out what people ask for in comments."""

    def __init__(self, ports: PullRequestPorts) -> None:
        self._ports = ports

    async def heed(
        self,
        forge: Forge,
        pull: PullRequest,
        record: PullRequestRecord,
        base: Revision | None,
        comments: Iterable[ForgeComment],
        *,
        unseen: bool = False,
    ) -> PullRequestRecord:
        """The record after every comment that it did not know; each is written down when it was
        heeded. ``unseen``: the head was found in this very look, so that every comment may be
        older, however the clocks of the forge and of ours differ. Raises ForgeErrors and
        StoreUnavailable.
        """
        seen_at = None if unseen else record.head_seen_at
        for comment in comments:
            asked = None if comment.is_own else parse_command(comment.body)
            if asked is not None:
                record = await self._heed(forge, pull, record, base, comment, asked, seen_at)
            record = record.model_copy(
                update={"seen_comment": max(record.seen_comment, comment.id)}
            )
            await self._ports.pulls.put_pull_request(record)
        return record

    async def _heed(
        self,
        forge: Forge,
        pull: PullRequest,
        record: PullRequestRecord,
        base: Revision | None,
        comment: ForgeComment,
        asked: Command | Mistake,
        seen_at: datetime | None,
    ) -> PullRequestRecord:
        if isinstance(asked, Mistake):
            return _replied(record, comment, asked.words, done=False)
        if asked.verb == "help":
            return _replied(record, comment, HELPED)
        speaker = Speaker(
            login=comment.author,
            permission=await forge.permission(comment.author),
            known=self._ports.people.get(comment.author),
        )
        standing = Standing(
            head=record.head,
            head_seen_at=seen_at,
            is_fork=record.is_fork,
            is_merged=pull.state == "merged",
            is_open=pull.state == "open",
        )
        why_not = refusal(
            asked, speaker, standing, comment.created_at, was_edited=comment.was_edited
        )
        if why_not:
            await self._audit(forge, record, comment, asked, speaker, refused=why_not)
            return _replied(record, comment, why_not, done=False)
        await self._audit(forge, record, comment, asked, speaker)
        if asked.verb in ("promote", "approve"):
            return await self._decided(record, comment, asked, speaker)
        return _again(record, comment, asked, base)

    async def _decided(
        self, record: PullRequestRecord, comment: ForgeComment, asked: Command, speaker: Speaker
    ) -> PullRequestRecord:
        """A promotion or an approval, as the person somebody is here."""
        decisions, person = self._ports.decisions, speaker.known
        if decisions is None or person is None:
            return _replied(record, comment, NOT_HERE, done=False)
        agent, environment = _meant(record, asked)
        if not agent:
            return _replied(record, comment, "say which agent is meant", done=False)
        request_id = _request_id(record, comment)
        place = (person, record.project, agent, environment)
        try:
            if asked.verb == "promote":
                words = await decisions.promote(*place, asked.changes, request_id=request_id)
            else:
                words = await decisions.approve(
                    *place, comment=f"in a comment: {comment.url}", request_id=request_id
                )
        except TrunklineError as error:
            if error.retryable:
                raise
            hint = f" {error.hint}" if error.hint else ""
            return _replied(record, comment, f"{error.message}{hint}", done=False)
        return _replied(record, comment, words)

    async def _audit(
        self,
        forge: Forge,
        record: PullRequestRecord,
        comment: ForgeComment,
        asked: Command,
        speaker: Speaker,
        *,
        refused: str = "",
    ) -> None:
        """A row of who asked for what. What somebody decides has its own row besides, as theirs:
        this one has another name, so that it never counts as the decision.
        """
        known = speaker.known
        granted = ROLES_OF_RIGHTS[speaker.permission] or "viewer"
        action = ACTIONS[asked.verb]
        named = action if action.startswith("pull-request.") else f"pull-request.{asked.verb}"
        await self._ports.access.add_audit(
            AuditRecord(
                actor=known.person if known is not None else f"{forge.kind}:{speaker.login}",
                role=known.role if known is not None else granted,
                action=named,
                project=record.project,
                subject=str(record.number),
                request_id=_request_id(record, comment),
                reason=refused,
                details={
                    "login": speaker.login,
                    "permission": speaker.permission,
                    "comment": comment.url or comment.id,
                    "head": record.head,
                    "refused": bool(refused),
                },
            )
        )


def _again(
    record: PullRequestRecord, comment: ForgeComment, asked: Command, base: Revision | None
) -> PullRequestRecord:
    """Plans or tests once more; tests of a fork are trusted with exactly this head."""
    onto = base or record.base
    if onto is None:
        return _replied(record, comment, "the branch could not be read", done=False)
    if asked.verb == "plan" and not may_check(record):
        words = f"it comes from a fork: `/trunkline test {record.head}` has it planned and tested"
        return _replied(record, comment, words, done=False)
    moved = onto != record.base
    again = begun_again(record, onto, plans=asked.verb == "plan", tests=asked.verb == "test")
    words = "planned again" if asked.verb == "plan" else "tested again"
    if asked.verb == "test" and record.is_fork:
        again = again.model_copy(update={"trusted_head": record.head})
        words = f"{record.head[:12]} is trusted, and tested"
    if moved:
        words = f"{words}, on the newest commit of the branch"
    return _replied(again, comment, words)


def _meant(record: PullRequestRecord, asked: Command) -> tuple[str, str]:
    """The agent and the environment a command is about; what it leaves out follows from the branch
    of a proposed release, or from the only agent that changes.
    """
    proposed = _proposed_release(record.head_branch)
    environment = asked.environment or (proposed[0] if proposed else "")
    if asked.agent:
        return asked.agent, environment
    if proposed:
        return proposed[1], environment
    only = record.agents[0].agent if len(record.agents) == 1 else ""
    return only, environment


def _proposed_release(branch: str) -> tuple[str, str] | None:
    """Environment and agent of a branch on which a promotion proposes its release."""
    parts = branch.split("/")
    known = release_request_branch("", "", 0).split("/")
    if len(parts) != len(known) or parts[:2] != known[:2]:
        return None
    return EnvironmentName(parts[2]), AgentName(parts[3])


def _request_id(record: PullRequestRecord, comment: ForgeComment) -> str:
    return f"pull-request-{record.number}-comment-{comment.id}"


def _replied(
    record: PullRequestRecord, comment: ForgeComment, words: str, *, done: bool = True
) -> PullRequestRecord:
    line = comment.body.split("\n", 1)[0].strip()
    reply = CommandReply(
        login=comment.author, command=line[:200], words=words, done=done, url=comment.url
    )
    return record.model_copy(
        update={"replies": (*record.replies, reply)[-PULL_REQUEST_REPLIES_MAX:]}
    )
