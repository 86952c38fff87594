"""What cannot be promoted is refused with a reason a person can act on."""

from datetime import timedelta
from typing import Any

import pytest

from tests.promotions.situations import (
    NOW,
    PUBLIC_KEY,
    TESTED,
    Promoting,
    facts,
    record,
    release,
    rules,
    standing,
)
from trunkline.model.ids import Digest
from trunkline.model.interventions import Intervention
from trunkline.model.manual_results import ManualResult
from trunkline.model.promotions.facts import Deployed
from trunkline.model.promotions.guards import in_the_way, manual_passed, refusals, waiting
from trunkline.model.promotions.records import CommitAuthor
from trunkline.model.public_keys import ssh_line

CHECKED = dict.fromkeys(("greeting", "understanding", "tools", "knowledge", "tone", "ending"), True)


def word(verb: str, **changed: Any) -> Intervention:
    """Somebody's word about the agent."""
    said = {
        "project": "acme",
        "environment": "production",
        "kind": "agent",
        "name": "front-desk",
        "verb": verb,
        "reason": "it is loud",
        "by": "bob",
        "at": NOW,
        **changed,
    }
    return Intervention.model_validate(said)


def draft(lifecycle: str) -> Any:
    """The candidate with another lifecycle."""
    candidate = facts().candidate
    assert candidate is not None
    return candidate.model_copy(update={"lifecycle": lifecycle})


HELD = standing(6, spec={"hold": {"reason": "rolled back", "by": "trunkline"}})
LIVE = standing(6, spec={"digest": TESTED})
CASES: list[tuple[str, dict[str, Any], dict[str, Any], str, str]] = [
    (
        "AgentNotCreated",
        {"origin": Deployed(there=False)},
        {},
        "agent not created in ElevenLabs",
        "trunkline sync front-desk -e testing",
    ),
    ("AgentDraft", {"candidate": draft("draft")}, {}, "agent is a draft", "lifecycle: active"),
    ("AgentInactive", {"candidate": draft("inactive")}, {}, "inactive", "lifecycle: active"),
    (
        "AgentUnknown",
        {"candidate": None, "candidate_gone": True},
        {},
        "the branch has no such agent",
        "add front-desk",
    ),
    (
        "AgentDisabled",
        {"interventions": (word("disable"),)},
        {},
        "agent was disabled in production by bob: it is loud",
        "trunkline enable front-desk -e production",
    ),
    (
        "AgentDisabled",
        {"interventions": (word("disable", environment="testing", by="trunkline"),)},
        {},
        "agent was disabled in testing",
        "trunkline enable front-desk -e testing",
    ),
    (
        "AgentSuspended",
        {"interventions": (word("suspend", kind="", name=""),)},
        {},
        "production was suspended by bob: it is loud",
        "trunkline resume front-desk -e production",
    ),
    (
        "NoPromotion",
        {"rules": None, "no_promotion": True},
        {},
        "nothing is promoted to production",
        "`promotion` in trunkline.yaml",
    ),
    (
        "PullRequestNeeded",
        {"rules": rules(via="pull-request"), "forge_problem": "it has no token"},
        {},
        "made by pull request",
        "via: commit",
    ),
    ("OriginChanged", {}, {"origin": "canary"}, "from testing, not from canary", ""),
    ("AlreadyReleased", {"standing": LIVE}, {}, "is v6 there already", ""),
    (
        "Held",
        {"standing": HELD},
        {"automatic": True},
        "held by trunkline: rolled back",
        "trunkline hold front-desk -e production --release",
    ),
    (
        "BehaviourDrifted",
        {"interventions": (word("behaviour-drifted", by="trunkline"),)},
        {"automatic": True},
        "behaves worse there than it did: it is loud",
        "trunkline promote front-desk -e production",
    ),
    (
        "ChangesMeaningless",
        {},
        {"changes": "updated front-desk"},
        '"updated front-desk" does not say what changes',
        "Shorter greeting",
    ),
    (
        "SigningKeyMissing",
        {"public_key": ""},
        {},
        "no key to sign evidence with",
        "TRUNKLINE_SIGNING_KEY",
    ),
    (
        "PublicKeyNotInForce",
        {"public_key": "ed25519:PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw="},
        {},
        "is not among the public keys in force",
        "signing.publicKeys",
    ),
    (
        "CommitsNotAccepted",
        {"commit_problem": "commits of the project have to be signed (policy head)"},
        {},
        "have to be signed (policy head)",
        ssh_line(PUBLIC_KEY),
    ),
    (
        "AuthorUnknown",
        {"authors": (CommitAuthor(email="x@y.example", revision="d" * 40),)},
        {},
        "nobody of `people` has x@y.example (commit dddddddddd)",
        "`people` in trunkline.yaml",
    ),
    (
        "ManualResultsMissing",
        {"rules": rules(tests={"manual": 2}), "manual_passed": 1},
        {},
        "1 of 2 manual results of this configuration passed",
        "call the agent",
    ),
]


@pytest.mark.parametrize(("reason", "known", "asked", "words", "hint"), CASES)
def test_each_reason_is_said_with_what_to_do(
    reason: str, known: dict[str, Any], asked: dict[str, Any], words: str, hint: str
) -> None:
    (found,) = refusals(record(**asked), facts(**known))
    assert found.reason == reason
    assert found.message.startswith("Cannot deploy to production: ")
    assert words in found.message
    assert hint in found.hint
    one = Promoting()
    one.record = record(**asked)
    one.look(**known)
    assert (one.record.state, one.record.reason) == ("Failed", reason)
    assert one.record.details["refusals"] == [found.words]


def test_nothing_is_refused_where_everything_is_right() -> None:
    assert refusals(record(), facts()) == ()
    assert waiting(record(), facts()) is None


def test_the_most_telling_reason_comes_first_and_all_are_kept() -> None:
    known = facts(candidate=draft("draft"), origin=Deployed(there=False), public_key="")
    assert [each.reason for each in refusals(record(changes="wip"), known)] == [
        *("AgentDraft", "AgentNotCreated", "SigningKeyMissing", "ChangesMeaningless")
    ]


@pytest.mark.parametrize("name", ["rules", "candidate", "origin", "target", "standing", "authors"])
def test_what_is_not_known_refuses_nothing(name: str) -> None:
    assert refusals(record(), facts(**{name: None})) == ()


@pytest.mark.parametrize(
    ("known", "asked"),
    [
        ({"standing": HELD}, {}),
        ({"interventions": (word("behaviour-drifted"),)}, {}),
        ({"interventions": (word("disable", by="trunkline"),)}, {}),
        ({"interventions": (word("disable", name="other"),)}, {}),
        ({"interventions": (word("suspend", environment="canary"),)}, {}),
        ({"standing": standing(6, spec={"digest": TESTED}, reason="EvidenceInvalid")}, {}),
        ({"standing": standing(6, spec={"digest": TESTED}, removed=True)}, {}),
        ({}, {"automatic": True, "changes": ""}),
    ],
)
def test_what_can_be_mended_by_a_promotion_does_not_refuse_it(
    known: dict[str, Any], asked: dict[str, Any]
) -> None:
    assert refusals(record(**asked), facts(**known)) == ()


@pytest.mark.parametrize("approvals", [{"count": 0}, {"count": 1, "notAuthor": False}])
def test_authors_matter_only_where_they_may_not_approve(approvals: dict[str, Any]) -> None:
    strangers = (CommitAuthor(email="x@y.example"),)
    known = facts(rules=rules(approvals=approvals), authors=strangers)
    assert refusals(record(), known) == ()


def test_a_release_beside_an_experiment_can_be_released_alone() -> None:
    experiment = {
        "version": 5,
        "revision": "b" * 40,
        "digest": f"sha256:{'5' * 64}",
        "percent": 20,
    }
    running = standing(6, spec={"digest": TESTED, "experiment": experiment})
    assert release(6, experiment=experiment).experiment is not None
    assert refusals(record(), facts(standing=running)) == ()


def test_authors_who_become_nobodys_during_a_promotion_stall_it() -> None:
    one = Promoting()
    one.look()
    one.ends_run()
    one.look(600, authors=(CommitAuthor(email="x@y.example"),))
    assert (one.record.phase, one.record.reason) == ("Approval", "AuthorUnknown")
    assert one.record.stalled
    people = (*rules().people, {"name": "xan", "emails": ["x@y.example"]})
    listed = type(one.rules).model_validate({**rules().model_dump(by_alias=True), "people": people})
    one.look(rules=listed)
    assert one.record.reason == "ApprovalNeeded"
    assert one.approves().kind == "release"


def manual(person: str, minute: int = 0, **changed: Any) -> ManualResult:
    """Somebody called the agent and found it good."""
    said = {
        "id": f"m{minute}",
        "project": "acme",
        "agent": "front-desk",
        "environment": "testing",
        "stage": "testing",
        "version": 0,
        "digest": TESTED,
        "tested_at": NOW + timedelta(minutes=minute),
        "tested_by": person,
        "duration": 60.0,
        "rating": 5,
        "status": "passed",
        "checklist": CHECKED,
        **changed,
    }
    return ManualResult.model_validate(said)


@pytest.mark.parametrize(
    ("results", "count"),
    [
        ((), 0),
        ((manual("ada"), manual("bob")), 2),
        ((manual("ada"), manual("Ada", 1)), 1),
        ((manual("ada"), manual("ada", 1, status="failed")), 0),
        ((manual("ada", 1), manual("ada", 0, status="failed")), 1),
        ((manual("ada", status="needs_improvement"),), 0),
        ((manual("ada", digest=f"sha256:{'9' * 64}"),), 0),
        ((manual("ada", digest=None),), 0),
        ((manual("ada", checklist={**CHECKED, "tone": False}),), 0),
        ((manual("ada", checklist={**CHECKED, "tone": None}),), 0),
        ((manual("ada"), manual("ada", 1, digest=f"sha256:{'9' * 64}", status="failed")), 1),
    ],
)
def test_manual_results_count_by_person_digest_and_whole_checklist(
    results: tuple[ManualResult, ...], count: int
) -> None:
    assert manual_passed(results, Digest(TESTED)) == count


def test_the_servers_key_counts_in_any_spelling() -> None:
    pem = (
        "-----BEGIN PUBLIC KEY-----\n"
        "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
        "-----END PUBLIC KEY-----"
    )
    spelt = rules().model_copy(update={"public_keys": (pem,)})
    assert refusals(record(), facts(rules=spelt, public_key=PUBLIC_KEY)) == ()


def test_a_rule_for_commits_that_comes_up_later_holds_the_release_commit_back() -> None:
    one = Promoting(approvals={"count": 0}, soak="0s")
    one.look()
    one.facts = one.facts.model_copy(update={"commit_problem": "commits have to be signed"})
    one.ends_run()
    assert (one.record.phase, one.record.reason) == ("Releasing", "CommitsNotAccepted")
    assert one.move.kind == "wait"
    assert one.look(60, commit_problem="").kind == "release"


def test_a_rule_for_commits_keeps_nobody_from_going_back() -> None:
    asked = record(kind="rollback", restores=5)
    assert refusals(asked, facts(restorable=True, commit_problem="they have to be signed")) == ()
    assert in_the_way(asked, facts(commit_problem="they have to be signed")) is None
