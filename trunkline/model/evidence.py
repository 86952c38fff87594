"""Evidence: the signed word that what a release pins passed the gate, and why a release counts.

One Ed25519 signature covers project, agent and everything a Release says but its hold, so that
nobody who can merely push decides what an environment runs. What is signed is worked out again
from the manifest and never read from beside it. Nothing here knows Git, YAML or a library of
cryptography: whoever signs and verifies is handed in.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Protocol

from pydantic import AwareDatetime, Field, ValidationError

from trunkline.model.base import Frozen, JsonObject
from trunkline.model.canonical import canonical
from trunkline.model.errors import InvalidInput, PromotionRefused
from trunkline.model.kinds.base import DigestText, Shape
from trunkline.model.kinds.release import ReleaseSpec
from trunkline.model.limits import (
    EVIDENCE_ITEMS_MAX,
    EVIDENCE_MAX_BYTES,
    EVIDENCE_TEXT_MAX_CHARACTERS,
)
from trunkline.model.manual_results import ManualResult
from trunkline.model.promotions.records import PromotionRecord
from trunkline.model.public_keys import NotAPublicKey, parse_evidence_key
from trunkline.model.testing.limits import TEST_RUNS_MAX, TESTS_PER_RUN_MAX
from trunkline.model.testing.results import TestResult, TestRunReport

EVIDENCE_INVALID: Final = "EvidenceInvalid"
SCHEMA: Final = "trunkline/evidence/v1"
PAYLOAD_TYPE: Final = "application/vnd.trunkline.release.v1+json"
"""Tells these bytes from anything else the same key might ever sign."""

BoundedText = Annotated[str, Field(max_length=EVIDENCE_TEXT_MAX_CHARACTERS)]
Count = Annotated[int, Field(ge=0)]
Version = Annotated[int, Field(ge=1)]
Signature = Annotated[
    str, Shape(r"^([A-Za-z0-9+/]{86}==)?$", "64 bytes in base 64, 88 characters in all")
]


class TestEvidence(Frozen):
    """One test of the gate. ``runs`` were carried out, ``passed`` of them well; ``judge`` is who
    judged, "" for nobody. Of one over the telephone ``mode`` says so, and ``calls`` are the
    carrier's ids of its calls.
    """

    __test__ = False

    name: BoundedText
    digest: BoundedText
    required: bool
    outcome: Literal["passed", "failed", "inconclusive"]
    passed: Count
    runs: Count
    judge: BoundedText = ""
    mode: Literal["phone"] | None = None
    calls: Annotated[tuple[BoundedText, ...], Field(max_length=TEST_RUNS_MAX)] | None = None


class ApprovalEvidence(Frozen):
    """Who agreed, in which role; ``audit`` is the row of the audit log that says so."""

    person: BoundedText
    role: BoundedText
    at: AwareDatetime
    audit: Count


class AuthorEvidence(Frozen):
    """Somebody who touched the closure since the last release."""

    email: BoundedText
    person: BoundedText = ""


class ManualEvidence(Frozen):
    """A passed result of a person who called the agent."""

    id: BoundedText
    person: BoundedText
    at: AwareDatetime


class Rollback(Frozen):
    """Why an earlier version runs again: ``from`` is what it replaces, ``to`` what it restores."""

    replaced: Version = Field(alias="from")
    restored: Version = Field(alias="to")
    by: BoundedText
    reason: BoundedText
    at: AwareDatetime


class Evidence(Frozen):
    """That ``digest`` passed the gate of ``target``, and everything the verdict rests on.

    ``digest`` covers configuration, tools and knowledge, ``suite_digest`` the tests;
    ``allowed_differences`` are paths in which what was tested is not what will run. ``issued_at``
    is when the release was made of it, which must not be later than ``expires_at``.
    ``tests_required`` is False where the rules in force asked for no test. ``numbers`` are names of
    the phone numbers that may be given to the agent with this release. A rollback carries the
    evidence of what it restores, with ``rollback``.
    """

    schema_version: Literal["trunkline/evidence/v1"] = Field(default=SCHEMA, alias="schema")
    project: BoundedText
    agent: BoundedText
    origin: BoundedText = Field(alias="from")
    target: BoundedText
    promotion: BoundedText
    digest: DigestText
    rendered_digest: BoundedText = ""
    suite_digest: BoundedText = ""
    persona_digest: BoundedText = ""
    test_run: BoundedText = ""
    tests_required: bool = True
    tests: Annotated[tuple[TestEvidence, ...], Field(max_length=TESTS_PER_RUN_MAX)] = ()
    judges: Annotated[tuple[BoundedText, ...], Field(max_length=EVIDENCE_ITEMS_MAX)] = ()
    allowed_differences: Annotated[
        tuple[BoundedText, ...], Field(max_length=EVIDENCE_ITEMS_MAX)
    ] = ()
    approvals: Annotated[tuple[ApprovalEvidence, ...], Field(max_length=EVIDENCE_ITEMS_MAX)] = ()
    authors: Annotated[tuple[AuthorEvidence, ...], Field(max_length=EVIDENCE_ITEMS_MAX)] = ()
    manual: Annotated[tuple[ManualEvidence, ...], Field(max_length=EVIDENCE_ITEMS_MAX)] = ()
    numbers: Annotated[tuple[BoundedText, ...], Field(max_length=EVIDENCE_ITEMS_MAX)] = ()
    gate_ended_at: AwareDatetime
    issued_at: AwareDatetime
    expires_at: AwareDatetime
    rollback: Rollback | None = None
    key_id: BoundedText = ""
    signature: Signature = ""


class Signs(Protocol):
    """A key that signs."""

    @property
    def public_key(self) -> str:
        """``ed25519:<base64>``, "" without a key."""

    def sign(self, payload: bytes) -> str:
        """Base64 of the signature. Raises SigningKeyMissing."""


class Verifies(Protocol):
    """Whoever knows the mathematics."""

    def verifies(self, payload: bytes, signature: str, public_key: str) -> bool:
        """True if the signature is that key's over exactly these bytes."""


def gate_evidence(
    report: TestRunReport,
    record: PromotionRecord,
    *,
    expires_at: datetime,
    tests_required: bool = True,
    persona_digest: str = "",
) -> Evidence:
    """What a finished run of the gate proves, unsigned, issued when it ended.

    Raises PromotionRefused if it proves nothing of the promotion's digest.
    """
    problem = gate_problem(report, record, tests_required=tests_required)
    if problem:
        raise PromotionRefused(f"this run of tests is no evidence: {problem}")
    ended_at = report.finished_at or record.gate_passed_at
    if record.digest is None or ended_at is None:
        raise PromotionRefused("this run of tests is no evidence: it is not known when it ended")
    differences = report.details.get("differences")
    rendered = {result.rendered_digest for result in report.tests} - {""}
    return _made(
        project=record.project,
        agent=record.agent,
        origin=record.origin,
        target=record.environment,
        promotion=record.id,
        digest=record.digest,
        rendered_digest=record.rendered_digest or next(iter(sorted(rendered)), ""),
        suite_digest=record.suite_digest or report.suite_digest,
        persona_digest=persona_digest,
        test_run=report.id,
        tests_required=tests_required,
        tests=[_tested(result) for result in sorted(report.tests, key=lambda each: each.name)],
        judges=sorted({name for result in report.tests for name in _judges(result)}),
        allowed_differences=differences if isinstance(differences, list) else [],
        gate_ended_at=ended_at,
        issued_at=ended_at,
        expires_at=expires_at,
    )


def gate_problem(
    report: TestRunReport, record: PromotionRecord, *, tests_required: bool = True
) -> str:
    """Why a run proves nothing of what is promoted, in words; "" if it does."""
    return next(_gate_problems(report, record, tests_required=tests_required), "")


def _gate_problems(
    report: TestRunReport, record: PromotionRecord, *, tests_required: bool
) -> Iterator[str]:
    about = (record.project, record.environment)
    if (report.project, report.environment) != about:
        yield f"it is about {report.project}/{report.environment}, not {'/'.join(about)}"
    if report.state != "Finished":
        yield f"it is {report.state.lower()}"
    for result in report.tests:
        rendered = (result.rendered_digest, record.rendered_digest)
        if result.agent != record.agent:
            yield f"{result.name} tests {result.agent}, not {record.agent}"
        elif result.agent_digest and result.agent_digest != record.digest:
            yield f"{result.name} spoke to another configuration than the one promoted"
        elif all(rendered) and rendered[0] != rendered[1]:
            yield f"{result.name} spoke to another rendering than the one promoted"
    if tests_required and report.outcome != "passed":
        yield f"it ended {report.outcome or 'without an outcome'}"
    if tests_required:
        yield from _test_problems([_tested(result) for result in report.tests])


def release_evidence(
    gate: Evidence,
    record: PromotionRecord,
    *,
    issued_at: datetime,
    manual: Sequence[ManualResult] = (),
) -> Evidence:
    """The evidence a release carries: the gate's, with who agreed and who made the change.

    Raises PromotionRefused once it has expired.
    """
    if issued_at > gate.expires_at:
        raise PromotionRefused(
            f"the evidence of {record.id} expired at {gate.expires_at:%Y-%m-%d %H:%M:%S %Z}",
            hint="Pass the gate again: its result no longer counts.",
        )
    said = gate.model_dump(by_alias=False)
    said["approvals"] = [
        {"person": each.person, "role": each.role, "at": each.at, "audit": each.audit_id}
        for each in record.approvals
    ]
    said["authors"] = [{"email": each.email, "person": each.person} for each in record.authors]
    said["manual"] = [
        {"id": each.id, "person": each.tested_by, "at": each.tested_at} for each in manual
    ]
    return _made(**{**said, "issued_at": issued_at})


def restored_evidence(former: JsonObject, rollback: Rollback) -> Evidence:
    """The evidence of a release that goes back to a version, from that version's.

    Only of a release that counted: signing again makes it count anew. Raises PromotionRefused for
    evidence nobody can read.
    """
    try:
        restored = parse_evidence(former)
    except InvalidInput as error:
        raise PromotionRefused(
            f"version {rollback.restored} has no evidence to go back on: {error.message}",
            hint="Go back to another version: trunkline history",
        ) from error
    return restored.model_copy(update={"rollback": rollback, "key_id": "", "signature": ""})


def signed_release(
    project: str, agent: str, spec: ReleaseSpec, evidence: Evidence, keys: Signs
) -> ReleaseSpec:
    """The release with its evidence, signed. Raises SigningKeyMissing."""
    body = evidence_body(evidence.model_copy(update={"key_id": keys.public_key, "signature": ""}))
    stated = spec.model_copy(update={"evidence": body})
    signature = keys.sign(statement(project, agent, stated))
    return spec.model_copy(update={"evidence": {**body, "signature": signature}})


def evidence_body(evidence: Evidence) -> JsonObject:
    """Evidence as it stands in a manifest; what says nothing is left out."""
    body: JsonObject = evidence.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return {"schema": SCHEMA, **body}


def parse_evidence(raw: JsonObject) -> Evidence:
    """The evidence of a manifest. Raises InvalidInput with what is wrong, in words."""
    if not raw:
        raise InvalidInput("it has no evidence")
    if raw.get("schema") != SCHEMA:
        shown = str(raw.get("schema"))[:EVIDENCE_TEXT_MAX_CHARACTERS]
        raise InvalidInput(
            f"its evidence has the schema {shown}, which this release does not know; "
            f"it knows {SCHEMA}"
        )
    try:
        return Evidence.model_validate_json(
            json.dumps(raw), strict=True, by_alias=True, by_name=False
        )
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        path = ".".join(map(str, first["loc"]))
        raise InvalidInput(f"its evidence cannot be read: {path}: {first['msg']}") from None
    except (RecursionError, ValueError):
        raise InvalidInput("its evidence cannot be read: it is no JSON of bounded depth") from None


def statement(project: str, agent: str, spec: ReleaseSpec) -> bytes:
    """The bytes that are signed: DSSE's pre-authentication encoding of canonical JSON.

    The JSON has ``project``, ``agent`` and ``spec``, without ``hold``, without the signature and
    without what is null.
    """
    evidence = {key: value for key, value in spec.evidence.items() if key != "signature"}
    said: JsonObject = spec.model_dump(
        mode="json", by_alias=True, exclude_none=True, exclude={"hold", "evidence"}
    )
    body = canonical({"project": project, "agent": agent, "spec": {**said, "evidence": evidence}})
    return _encoded(PAYLOAD_TYPE.encode("ascii"), body.encode("utf-8", "surrogatepass"))


def release_problem(
    project: str,
    environment: str,
    agent: str,
    spec: ReleaseSpec,
    *,
    public_keys: Sequence[str],
    keys: Verifies,
) -> str:
    """Why a release does not count, in words that name what to do; "" if it does.

    ``public_keys`` are those of the Project's rules in force. Whether the closure at the pinned
    revision has the digest, and whether a tag allocated the version, is the caller's to look up.
    """
    try:
        evidence = parse_evidence(spec.evidence)
    except InvalidInput as error:
        return error.message
    objections = (
        _identity_problems(project, environment, agent, spec, evidence),
        _signature_problems(project, agent, spec, evidence, public_keys, keys),
        _meaning_problems(spec, evidence),
    )
    return next((words for group in objections for words in group), "")


def is_signed(
    project: str,
    agent: str,
    spec: ReleaseSpec,
    *,
    public_keys: Sequence[str],
    keys: Verifies,
) -> bool:
    """True if a release bears a signature of one of the keys, whether it counts or not."""
    try:
        evidence = parse_evidence(spec.evidence)
    except InvalidInput:
        return False
    return not any(_signature_problems(project, agent, spec, evidence, public_keys, keys))


def _identity_problems(
    project: str, environment: str, agent: str, spec: ReleaseSpec, evidence: Evidence
) -> Iterator[str]:
    """What the evidence is about, compared with where it stands."""
    if spec.environment != environment:
        yield f"it is a release of {spec.environment}, not of {environment}"
    pairs = (
        ("project", evidence.project, project),
        ("agent", evidence.agent, agent),
        ("environment", evidence.target, environment),
        ("digest", evidence.digest, spec.digest),
    )
    for what, found, wanted in pairs:
        if found != wanted:
            yield f"its evidence is of the {what} {found}, not of {wanted}"


def _signature_problems(
    project: str,
    agent: str,
    spec: ReleaseSpec,
    evidence: Evidence,
    public_keys: Sequence[str],
    keys: Verifies,
) -> Iterator[str]:
    known = usable_keys(public_keys)
    if not known:
        yield (
            "the Project lists no public key: add the one of TRUNKLINE_SIGNING_KEY to "
            "spec.signing.publicKeys"
        )
    elif not evidence.signature or not evidence.key_id:
        yield "its evidence is not signed"
    elif evidence.key_id not in known:
        yield (
            f"its evidence is signed with {evidence.key_id}, which is not among the Project's "
            "spec.signing.publicKeys"
        )
    else:
        payload = statement(project, agent, spec)
        if len(payload) > EVIDENCE_MAX_BYTES:
            yield f"it states {len(payload)} bytes; a release states at most {EVIDENCE_MAX_BYTES}"
        elif not keys.verifies(payload, evidence.signature, evidence.key_id):
            yield (
                "its signature does not fit what it says: it was changed after it was signed; "
                "promote again, or restore the file as it was committed"
            )


def usable_keys(public_keys: Sequence[str]) -> frozenset[str]:
    """The keys in their one spelling; what is none is left out."""
    found: set[str] = set()
    for text in public_keys:
        try:
            found.add(parse_evidence_key(text))
        except NotAPublicKey:
            continue
    return frozenset(found)


def _meaning_problems(spec: ReleaseSpec, evidence: Evidence) -> Iterator[str]:
    """What is signed and still proves nothing."""
    if evidence.issued_at > evidence.expires_at:
        yield (
            f"its evidence expired at {evidence.expires_at:%Y-%m-%d %H:%M:%S %Z}, before the "
            "release was made"
        )
    if evidence.tests_required:
        for words in _test_problems(evidence.tests):
            yield f"its evidence proves nothing: {words}"
    restored = evidence.rollback.restored if evidence.rollback is not None else None
    if spec.restores != restored:
        yield (
            f"it restores {_named(spec.restores)}, and its evidence is of "
            f"{_named(restored)} restored"
        )
    elif restored is not None and restored >= spec.version:
        yield f"it restores version {restored}, which is not older than {spec.version} itself"


def _test_problems(tests: Sequence[TestEvidence]) -> Iterator[str]:
    required = [each for each in tests if each.required]
    if not required:
        yield "no required test was carried out"
    for each in required:
        if each.outcome != "passed" or not 1 <= each.passed <= each.runs:
            yield (
                f"the required test {each.name} ended {each.outcome}, "
                f"{each.passed} of {each.runs} runs passed"
            )


def _made(**values: Any) -> Evidence:
    try:
        return Evidence.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        path = ".".join(map(str, first["loc"]))
        raise PromotionRefused(
            f"this cannot be written down as evidence: {path}: {first['msg']}"
        ) from None


def _named(version: int | None) -> str:
    return "no version" if version is None else f"version {version}"


def _tested(result: TestResult) -> TestEvidence:
    return TestEvidence(
        name=result.name,
        digest=result.digest,
        required=result.required,
        outcome=result.outcome,
        passed=sum(run.outcome == "passed" for run in result.runs),
        runs=len(result.runs),
        judge=result.judge or ",".join(sorted(_judges(result))),
        mode="phone" if result.mode == "phone" else None,
        calls=tuple(run.call_sid for run in result.runs if run.call_sid) or None,
    )


def _judges(result: TestResult) -> frozenset[str]:
    return frozenset({result.judge, *(run.judge for run in result.runs)} - {""})


def _encoded(payload_type: bytes, body: bytes) -> bytes:
    """DSSE v1.0.2, section "Signature Definition": lengths leave one reading of the whole."""
    return b"DSSEv1 %d %b %d %b" % (len(payload_type), payload_type, len(body), body)
