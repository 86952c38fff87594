"""The doctor says whether what this server signs would count in each project."""

from datetime import date

import pytest

from trunkline.adapters.signing import Ed25519Keys, new_private_key
from trunkline.model.base import Json, JsonObject
from trunkline.model.findings import ServerSettings
from trunkline.model.public_keys import ssh_line
from trunkline.services.diagnoses import commit_findings, evidence_findings, setting_findings

OWN = Ed25519Keys(new_private_key()).public_key
OTHER = Ed25519Keys(new_private_key()).public_key
TODAY = date(2026, 3, 2)


def manifest(*public_keys: str, promotes: bool = True) -> JsonObject:
    places: list[Json] = [{"name": "testing", "source": "head"}]
    if promotes:
        promotion: JsonObject = {"from": "testing"}
        places.append({"name": "production", "source": "releases", "promotion": promotion})
    spec: JsonObject = {"environments": places}
    if public_keys:
        spec["signing"] = {"publicKeys": [*public_keys]}
    return {"spec": spec}


@pytest.mark.parametrize("known", [None, manifest(promotes=False), {}, {"spec": None}])
def test_a_project_that_promotes_nothing_needs_no_key(known: JsonObject | None) -> None:
    assert evidence_findings("acme", known, "") == []


def test_a_key_that_is_listed_is_well() -> None:
    [finding] = evidence_findings("acme", manifest(OTHER, OWN), OWN)
    assert (finding.name, finding.state) == ("signing.acme", "ok")
    assert finding.found == "this server's is among 2 keys"


def test_without_a_key_nothing_can_be_released() -> None:
    [finding] = evidence_findings("acme", manifest(OTHER), "")
    assert finding.state == "warning"
    assert "openssl genpkey -algorithm ed25519" in finding.advice


@pytest.mark.parametrize("known", [manifest(), manifest(OTHER)])
def test_a_key_that_is_not_listed_is_the_line_to_add(known: JsonObject) -> None:
    [finding] = evidence_findings("acme", known, OWN)
    assert finding.state == "failed"
    assert f'spec.signing.publicKeys: ["{OWN}"]' in finding.advice


def test_the_servers_own_key_is_shown_by_its_public_half() -> None:
    found = {each.name: each for each in setting_findings(ServerSettings(signing_public_key=OWN))}
    assert found["server.signing-key"].found == f"its public key is {OWN}"
    absent = {each.name: each for each in setting_findings(ServerSettings())}
    assert absent["server.signing-key"].state == "warning"
    assert "TRUNKLINE_SIGNING_KEY" in absent["server.signing-key"].advice


def test_the_key_of_commits_is_shown_as_ssh_writes_it() -> None:
    found = {each.name: each for each in setting_findings(ServerSettings(signing_public_key=OWN))}
    assert ssh_line(OWN) in found["server.commit-key"].found
    assert "server.commit-key" not in {each.name for each in setting_findings(ServerSettings())}


def wanting(policy: str, *public_keys: str, **more: Json) -> JsonObject:
    """A project that promotes, and wants signed commits of these."""
    signers: list[Json] = [
        {"ssh": ssh_line(each), "emails": ["a@example.com"], **more} for each in public_keys
    ]
    asked = manifest(OWN)
    spec = asked["spec"]
    assert isinstance(spec, dict)
    spec["signing"] = {"commits": {"policy": policy, "signers": signers}}
    return asked


@pytest.mark.parametrize(
    "known",
    [None, manifest(OWN), wanting("off", OTHER), {}],
    ids=["unknown", "no rule", "off", "unreadable"],
)
def test_where_commits_need_no_signature_nothing_is_said(known: JsonObject | None) -> None:
    assert commit_findings("acme", known, OWN, TODAY) == []


@pytest.mark.parametrize("policy", ["head", "strict"])
def test_a_signers_key_is_well(policy: str) -> None:
    [finding] = commit_findings("acme", wanting(policy, OTHER, OWN), OWN, TODAY)
    assert (finding.name, finding.state) == ("commits.acme", "ok")


@pytest.mark.parametrize(
    ("known", "own", "words", "advice"),
    [
        (wanting("head", OTHER), OWN, "none of the signers'", ssh_line(OWN)),
        (wanting("head", OWN, validUntil="2026-03-01"), OWN, "until 2026-03-01", ssh_line(OWN)),
        (wanting("strict", OTHER), "", "has no key", "TRUNKLINE_SIGNING_KEY"),
    ],
    ids=["not listed", "expired", "no key"],
)
def test_commits_that_would_be_refused_are_told_before(
    known: JsonObject, own: str, words: str, advice: str
) -> None:
    [finding] = commit_findings("acme", known, own, TODAY)
    assert finding.state == "failed"
    assert words in finding.found
    assert advice in finding.advice
