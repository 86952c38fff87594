"""What forgers, copiers and the forgetful try, and the words each of them is refused with."""

import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.evidence.worlds import ENDED_AT, World
from trunkline.adapters.signing import Ed25519Keys, new_private_key
from trunkline.model.base import JsonObject
from trunkline.model.errors import PromotionRefused, SigningKeyMissing
from trunkline.model.evidence import (
    Rollback,
    TestEvidence,
    evidence_body,
    parse_evidence,
    restored_evidence,
    signed_release,
    statement,
)
from trunkline.model.kinds.release import ReleaseSpec

Edited = Callable[[ReleaseSpec, Callable[[dict[str, Any]], None]], ReleaseSpec]

BACK = Rollback(replaced=8, restored=6, by="ada", reason="It hangs up", at=ENDED_AT)


def test_a_release_that_passed_its_gate_counts(world: World) -> None:
    assert world.problem(world.release()) == ""


EDITS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "no evidence": (lambda spec: spec.pop("evidence"), "it has no evidence"),
    "empty evidence": (lambda spec: spec.update(evidence={}), "it has no evidence"),
    "another schema": (
        lambda spec: spec["evidence"].update(schema="trunkline/evidence/v9"),
        "trunkline/evidence/v9, which this release does not know",
    ),
    "no schema": (lambda spec: spec["evidence"].pop("schema"), "the schema None"),
    "an unknown key": (lambda spec: spec["evidence"].update(more=1), "more: Extra inputs"),
    "a key in another spelling": (
        lambda spec: spec["evidence"].update(suite_digest="x"),
        "suite_digest: Extra inputs",
    ),
    "a number for a word": (lambda spec: spec["evidence"].update(agent=7), "agent: Input should"),
    "a number for a time": (lambda spec: spec["evidence"].update(issuedAt=7), "issuedAt: "),
    "a time without a zone": (
        lambda spec: spec["evidence"].update(issuedAt="2026-03-02T13:00:00"),
        "issuedAt: ",
    ),
    "no signature": (lambda spec: spec["evidence"].pop("signature"), "is not signed"),
    "no key": (lambda spec: spec["evidence"].pop("keyId"), "is not signed"),
    "a signature that was cut": (
        lambda spec: spec["evidence"].update(signature=spec["evidence"]["signature"][:-4]),
        "64 bytes in base 64",
    ),
    "a signature that is no base 64": (
        lambda spec: spec["evidence"].update(signature="?" * 86 + "=="),
        "64 bytes in base 64",
    ),
    "a signature in other letters": (
        lambda spec: spec["evidence"].update(signature="A" * 86 + "=="),
        "does not fit what it says",
    ),
    "another revision": (lambda spec: spec.update(revision="2" * 40), "does not fit what it says"),
    "another version": (lambda spec: spec.update(version=8), "does not fit what it says"),
    "faster traffic": (
        lambda spec: spec["rollout"].update(steps=[90]),
        "does not fit what it says",
    ),
    "no rollout": (lambda spec: spec.pop("rollout"), "does not fit what it says"),
    "an experiment": (
        lambda spec: spec.update(
            experiment={
                "version": 6,
                "revision": "2" * 40,
                "digest": f"sha256:{'e' * 64}",
                "percent": 50,
            }
        ),
        "does not fit what it says",
    ),
    "later expiry": (
        lambda spec: spec["evidence"].update(expiresAt="2036-03-02T13:00:00Z"),
        "does not fit what it says",
    ),
    "another digest": (
        lambda spec: spec.update(digest=f"sha256:{'e' * 64}"),
        "its evidence is of the digest sha256:aaa",
    ),
    "a rollback": (lambda spec: spec.update(restores=3), "does not fit what it says"),
}


@pytest.mark.parametrize("what", EDITS)
def test_an_edit_by_hand_is_refused(world: World, edited: Edited, what: str) -> None:
    edit, words = EDITS[what]
    assert words in world.problem(edited(world.release(), edit))


def test_evidence_counts_only_where_it_belongs(world: World) -> None:
    release = world.release()
    found = [
        world.problem(release, agent="night-desk"),
        world.problem(release, project="other"),
        world.problem(release, environment="staging"),
    ]
    assert found == [
        "its evidence is of the agent front-desk, not of night-desk",
        "its evidence is of the project acme, not of other",
        "it is a release of production, not of staging",
    ]


def test_evidence_of_another_agent_does_not_fit_with_its_names_forged(
    world: World, edited: Edited
) -> None:
    def rename(spec: dict[str, Any]) -> None:
        spec["evidence"]["agent"] = "night-desk"

    forged = edited(world.release(), rename)
    assert "does not fit" in world.problem(forged, agent="night-desk")


def test_a_key_the_project_does_not_list(world: World) -> None:
    strangers = Ed25519Keys(new_private_key()).public_key
    words = world.problem(world.release(), public_keys=(strangers,))
    assert words.endswith("which is not among the Project's spec.signing.publicKeys")
    assert world.keys.public_key in words


@pytest.mark.parametrize("listed", [(), ("ed25519:cut",), ("ssh-ed25519 AAAA",)])
def test_a_project_without_a_usable_key(world: World, listed: tuple[str, ...]) -> None:
    assert "the Project lists no public key" in world.problem(world.release(), public_keys=listed)


def test_a_foreign_key_that_claims_to_be_ours(world: World) -> None:
    foreign = Ed25519Keys(new_private_key())
    proof = world.evidence()
    body = evidence_body(proof.model_copy(update={"key_id": world.keys.public_key}))
    stated = world.spec().model_copy(update={"evidence": body})
    signature = foreign.sign(statement("acme", "front-desk", stated))
    forged = stated.model_copy(update={"evidence": {**body, "signature": signature}})
    assert "does not fit" in world.problem(forged)


def test_a_signature_of_the_same_bytes_as_something_else_does_not_count(world: World) -> None:
    proof = evidence_body(world.evidence().model_copy(update={"key_id": world.keys.public_key}))
    stated = world.spec().model_copy(update={"evidence": proof})
    payload = statement("acme", "front-desk", stated)
    bare = payload[payload.index(b"{") :]
    forged = stated.model_copy(update={"evidence": {**proof, "signature": world.keys.sign(bare)}})
    assert payload.startswith(b"DSSEv1 41 application/vnd.trunkline.release.v1+json ")
    assert "does not fit" in world.problem(forged)


def test_an_old_key_that_is_still_listed_counts_after_a_rotation(world: World) -> None:
    newer = Ed25519Keys(new_private_key()).public_key
    both = (newer, world.keys.public_key)
    assert world.problem(world.release(), public_keys=both) == ""


def test_a_release_made_after_its_evidence_expired(world: World) -> None:
    late = world.evidence().model_copy(update={"issued_at": ENDED_AT + timedelta(hours=25)})
    words = world.problem(world.release(late))
    assert words == ("its evidence expired at 2026-03-03 12:00:00 UTC, before the release was made")


def test_no_release_without_a_test(world: World) -> None:
    empty = world.evidence().model_copy(update={"tests": ()})
    assert "no required test was carried out" in world.problem(world.release(empty))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"outcome": "failed"}, "the required test greets ended failed, 2 of 2 runs passed"),
        ({"outcome": "inconclusive"}, "ended inconclusive"),
        ({"passed": 0}, "0 of 2 runs passed"),
        ({"runs": 0, "passed": 0}, "0 of 0 runs passed"),
        ({"passed": 3}, "3 of 2 runs passed"),
    ],
)
def test_a_required_test_that_did_not_pass(
    world: World, change: dict[str, Any], words: str
) -> None:
    proof = world.evidence()
    first, *rest = proof.tests
    spoilt = proof.model_copy(update={"tests": (first.model_copy(update=change), *rest)})
    assert words in world.problem(world.release(spoilt))


def test_advisory_tests_alone_prove_nothing_and_do_not_block_others(world: World) -> None:
    proof = world.evidence()
    advisory = TestEvidence(
        name="tone", digest="d", required=False, outcome="failed", passed=0, runs=1
    )
    alone = proof.model_copy(update={"tests": (advisory,)})
    assert "no required test" in world.problem(world.release(alone))
    beside = proof.model_copy(update={"tests": (*proof.tests, advisory)})
    assert world.problem(world.release(beside)) == ""


def test_where_no_test_is_required_none_is_missed(world: World) -> None:
    free = world.evidence().model_copy(update={"tests": (), "tests_required": False})
    assert world.problem(world.release(free)) == ""


def test_a_rollback_carries_the_evidence_of_what_it_restores(world: World) -> None:
    former = world.release().evidence
    back = restored_evidence(former, BACK)
    assert world.problem(world.release(back, version=9, restores=6)) == ""
    assert back.gate_ended_at == ENDED_AT


def test_a_rollback_long_after_the_evidence_expired_counts(world: World) -> None:
    late = BACK.model_copy(update={"at": ENDED_AT + timedelta(days=400)})
    back = restored_evidence(world.release().evidence, late)
    assert world.problem(world.release(back, version=9, restores=6)) == ""


@pytest.mark.parametrize(
    ("changes", "restored", "words"),
    [
        ({"version": 9, "restores": 6}, None, "and its evidence is of no version restored"),
        ({"version": 9}, 6, "it restores no version, and its evidence is of version 6"),
        ({"version": 9, "restores": 5}, 6, "it restores version 5"),
        ({"version": 6, "restores": 6}, 6, "which is not older than 6 itself"),
    ],
)
def test_a_rollback_without_the_evidence_of_one(
    world: World, changes: dict[str, Any], restored: int | None, words: str
) -> None:
    proof = world.evidence()
    if restored is not None:
        proof = restored_evidence(evidence_body(proof), BACK)
    assert words in world.problem(world.release(proof, **changes))


@pytest.mark.parametrize("former", [{}, {"schema": "other"}, {"schema": "trunkline/evidence/v1"}])
def test_nothing_goes_back_to_a_version_without_evidence(former: JsonObject) -> None:
    with pytest.raises(PromotionRefused, match="version 6 has no evidence to go back on"):
        restored_evidence(former, BACK)


def test_a_signed_statement_of_unheard_of_size_is_not_looked_at(world: World) -> None:
    proof = world.evidence()
    many = tuple(f"path-{n}-{'x' * 900}" for n in range(400))
    huge = world.release(proof.model_copy(update={"allowed_differences": many}))
    assert "a release states at most 262144" in world.problem(huge)


def test_lists_and_depths_without_a_bound_are_refused(world: World, edited: Edited) -> None:
    def lengthen(spec: dict[str, Any]) -> None:
        spec["evidence"]["judges"] = ["x"] * 501

    assert "judges: Tuple should have at most 500" in world.problem(
        edited(world.release(), lengthen)
    )
    nested: Any = []
    for _ in range(3000):
        nested = [nested]
    deep = world.spec().model_copy(
        update={"evidence": {**world.release().evidence, "judges": nested}}
    )
    assert "cannot be read" in world.problem(deep)


def test_nothing_is_signed_without_a_key(world: World) -> None:
    with pytest.raises(SigningKeyMissing, match="TRUNKLINE_SIGNING_KEY is not set") as raised:
        signed_release("acme", "front-desk", world.spec(), world.evidence(), Ed25519Keys())
    assert "openssl genpkey -algorithm ed25519" in raised.value.hint


def test_the_signature_is_over_the_state_it_names_and_64_bytes_long(world: World) -> None:
    evidence = parse_evidence(world.release().evidence)
    assert len(base64.b64decode(evidence.signature)) == 64
    assert evidence.key_id == world.keys.public_key
