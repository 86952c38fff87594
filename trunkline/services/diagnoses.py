"""What facts about an installation mean: is it well, and if not, what to do. Pure.

Every finding has a stable name, so that a script can wait for one; the advice is a command or a
setting wherever there is one.
"""

from collections.abc import Sequence
from datetime import date, datetime
from urllib.parse import urlsplit

from trunkline.model.base import Json, JsonObject
from trunkline.model.errors import CredentialsRejected, TrunklineError
from trunkline.model.evidence import usable_keys
from trunkline.model.findings import (
    AccountFacts,
    EngineFacts,
    Finding,
    FindingState,
    MachineFacts,
    ServerSettings,
    StoreFacts,
)
from trunkline.model.forges import ForgeAccess, ForgeKind
from trunkline.model.public_keys import ssh_line
from trunkline.model.signatures import commit_problem, commit_rule, list_own_key
from trunkline.services.notifications import UNREACHED_ADVICE

PYTHON_MIN = (3, 11)
POSTGRESQL_MIN = 14
FREE_BYTES_WARNING = 2 * 1024**3
FREE_BYTES_FAILED = 200 * 1024**2
"""Below it PostgreSQL, Temporal's state and Git's copies soon stop taking writes."""
CLOCK_WARNING_S = 5.0
CLOCK_FAILED_S = 60.0
"""Windows, expiries and signatures go by the clock; a Date header is exact to a second."""
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_GIGABYTE = 1024**3


def store_findings(
    facts: StoreFacts, now: datetime, *, asked_at: datetime | None = None
) -> list[Finding]:
    """PostgreSQL answered; is it new enough, migrated, writable, and of our time?"""
    major = facts.version // 10_000
    version = f"PostgreSQL {major}.{facts.version % 10_000}"
    old = major < POSTGRESQL_MIN
    found = [
        Finding(name="postgresql.reachable", state="ok", found="it answers"),
        Finding(
            name="postgresql.version",
            state="failed" if old else "ok",
            found=version,
            advice=f"Upgrade to PostgreSQL {POSTGRESQL_MIN} or newer." if old else "",
        ),
    ]
    current = facts.tables == facts.wanted
    found.append(
        Finding(
            name="postgresql.tables",
            state="ok" if current else "failed",
            found=f"version {facts.tables}" + ("" if current else f", wanted is {facts.wanted}"),
            advice="" if current else "Run `trunkline migrate` against this database.",
        )
    )
    if current:
        found.append(
            Finding(
                name="postgresql.writable",
                state="failed" if facts.write_refusal else "ok",
                found=facts.write_refusal or "a row can be written",
                advice="Give the role of DATABASE_URL the right to write, on a primary server."
                if facts.write_refusal
                else "",
            )
        )
    return [*found, clock_finding("postgresql.clock", facts.now, now, asked_at=asked_at)]


def engine_findings(facts: EngineFacts) -> list[Finding]:
    """Temporal answered; can workflows run there, and does anybody run them?"""
    found = [
        Finding(name="temporal.reachable", state="ok", found="it answers"),
        Finding(name="temporal.version", state="ok", found=f"Temporal {facts.version}"),
    ]
    if facts.namespace_refusal:
        return [
            *found,
            Finding(
                name="temporal.namespace",
                state="failed",
                found=facts.namespace_refusal,
                advice="Create the namespace that TEMPORAL_NAMESPACE names, or name another.",
            ),
        ]
    found.append(Finding(name="temporal.namespace", state="ok", found="it is there"))
    missing = ", ".join(facts.missing_attributes)
    found.append(
        Finding(
            name="temporal.search-attributes",
            state="failed" if missing else "ok",
            found=f"not registered: {missing}" if missing else "all are registered",
            advice="A starting worker registers them; else: temporal operator search-attribute"
            " create --type Keyword --name NAME"
            if missing
            else "",
        )
    )
    for queue in facts.queues:
        silent = queue in facts.silent_queues
        found.append(
            Finding(
                name=f"workers.{queue}",
                state="failed" if silent else "ok",
                found="no worker asks for work" if silent else "workers ask for work",
                advice=f"Start one: trunkline worker --queues {queue}" if silent else "",
            )
        )
    return found


def account_findings(
    name: str, facts: AccountFacts, now: datetime, *, asked_at: datetime | None = None
) -> list[Finding]:
    """A vendor took the credential; whose is it, and what may it not do?"""
    found = [Finding(name=name, state="ok", found=f"account {facts.account}")]
    refused = ", ".join(facts.refused)
    if refused:
        found.append(
            Finding(
                name=f"{name}.permissions",
                state="failed",
                found=f"the key may not read {refused}",
                advice="Give the key these permissions in the vendor's console.",
            )
        )
    if facts.now is not None:
        found.append(clock_finding(f"{name}.clock", facts.now, now, asked_at=asked_at))
    return found


def machine_findings(facts: MachineFacts, prefix: str) -> list[Finding]:
    """Programs, Python and disk of the machine a process runs on."""
    python = ".".join(map(str, facts.python))
    old = facts.python[:2] < PYTHON_MIN
    found = [
        Finding(
            name=f"{prefix}.python",
            state="failed" if old else "ok",
            found=f"Python {python}",
            advice="Run it with Python 3.11 or newer." if old else "",
        ),
        *(_program_finding(facts, prefix, name) for name in ("git", "gpg", "ssh-keygen")),
    ]
    return [*found, _disk_finding(facts, prefix)]


def setting_findings(settings: ServerSettings) -> list[Finding]:
    """What the server was told."""
    return [
        _public_url_finding(settings.public_url),
        _set_finding(
            "server.webhook-secret",
            "TRUNKLINE_WEBHOOK_SECRET",
            "Git is polled, and no forge can announce a push",
            is_set=settings.has_webhook_secret,
        ),
        _signing_finding(settings.signing_public_key),
        *_commit_key_findings(settings.signing_public_key),
    ]


def forge_findings(name: str, kind: ForgeKind, access: ForgeAccess) -> list[Finding]:
    """May our token do what pull requests need?"""
    who = access.login or "an app"
    found = f"{who} has {access.permission} rights in {access.repository}"
    if access.permission not in ("write", "admin"):
        return [
            Finding(
                name=name,
                state="failed",
                found=found,
                advice="Give the token write rights: comments, statuses and proposals need them.",
            )
        ]
    if kind == "gitea" and access.permission != "admin":
        return [
            Finding(
                name=name,
                state="warning",
                found=f"{found}, so it may not ask what others may do there",
                advice="Make it an administrator of the repository: commands in comments and forks"
                " are decided by what their authors may do.",
            )
        ]
    return [Finding(name=name, state="ok", found=found)]


def notification_findings(project: str, recipients: int, failing: Sequence[str]) -> list[Finding]:
    """Do messages arrive? ``failing`` says of each recipient that takes none what is known of it.
    Nothing is found for a project that tells nobody.
    """
    if not recipients:
        return []
    if not failing:
        ok = f"{recipients} recipients, and none failed last time"
        return [Finding(name=f"notifications.{project}", state="ok", found=ok)]
    return [
        Finding(
            name=f"notifications.{project}",
            state="warning",
            found=said,
            advice=UNREACHED_ADVICE,
        )
        for said in failing
    ]


def evidence_findings(project: str, manifest: JsonObject | None, own: str) -> list[Finding]:
    """Do releases of a project count that this server signs? ``own`` is its public key.

    Nothing is found for a project that promotes nothing, or is not known yet.
    """
    if not _promotes(manifest):
        return []
    spec = _mapping((manifest or {}).get("spec"))
    name = f"signing.{project}"
    keys = _mapping(spec.get("signing")).get("publicKeys")
    listed = usable_keys([str(key) for key in keys] if isinstance(keys, list) else [])
    if not own:
        return [
            Finding(
                name=name,
                state="warning",
                found="it promotes, and this server has no key to sign releases with",
                advice="Make one: openssl genpkey -algorithm ed25519; then set"
                " TRUNKLINE_SIGNING_KEY for API and workers.",
            )
        ]
    if own in listed:
        noun = "key" if len(listed) == 1 else "keys"
        return [
            Finding(name=name, state="ok", found=f"this server's is among {len(listed)} {noun}")
        ]
    return [
        Finding(
            name=name,
            state="failed",
            found="releases this server signs do not count: its public key is not in the Project",
            advice=f'Add it to trunkline.yaml: spec.signing.publicKeys: ["{own}"]',
        )
    ]


def commit_findings(
    project: str, manifest: JsonObject | None, own: str, today: date
) -> list[Finding]:
    """Does a project that wants signed commits take those of this server? ``own`` is its public
    key, ``today`` in UTC. Nothing is found for a project that promotes nothing or wants none.
    """
    rule = commit_rule(manifest)
    if rule is None or rule.policy == "off" or not _promotes(manifest):
        return []
    name, problem = f"commits.{project}", commit_problem(rule, own, today=today)
    if problem:
        return [Finding(name=name, state="failed", found=problem, advice=list_own_key(own))]
    return [Finding(name=name, state="ok", found="this server's key is among the signers")]


def clock_finding(
    name: str, theirs: datetime, ours: datetime, *, asked_at: datetime | None = None
) -> Finding:
    """The difference of two clocks that were read at about the same moment: theirs at any time from
    ``asked_at``, by our clock, until ``ours``. Who answers late has no wrong clock.
    """
    if asked_at is not None:
        ours = min(max(theirs, asked_at), ours)
    ahead_s = (ours - theirs).total_seconds()
    difference_s = abs(ahead_s)
    state: FindingState = "ok"
    if difference_s >= CLOCK_WARNING_S:
        state = "failed" if difference_s >= CLOCK_FAILED_S else "warning"
    if state == "ok":
        return Finding(name=name, state=state, found="the clocks agree")
    side = "ahead of" if ahead_s > 0 else "behind"
    return Finding(
        name=name,
        state=state,
        found=f"this machine is {difference_s:.0f} s {side} it",
        advice="Set the clock by NTP on the machine that is wrong.",
    )


def error_finding(name: str, error: TrunklineError) -> Finding:
    """A check that ended with one of our errors."""
    advice = error.hint[:1].upper() + error.hint[1:]
    if isinstance(error, CredentialsRejected) and not advice:
        advice = "Give the account a credential that is valid."
    return Finding(name=name, state="failed", found=error.message, advice=advice)


def _program_finding(facts: MachineFacts, prefix: str, program: str) -> Finding:
    name = f"{prefix}.{program}"
    version = facts.programs.get(program, "")
    if version:
        return Finding(name=name, state="ok", found=version)
    if program == "git":
        return Finding(
            name=name, state="failed", found="not installed", advice="Install Git 2.34 or newer."
        )
    return Finding(
        name=name,
        state="warning",
        found="not installed",
        advice=f"Install it where commits signed with {program.partition('-')[0].upper()}"
        " are to be verified.",
    )


def _disk_finding(facts: MachineFacts, prefix: str) -> Finding:
    name = f"{prefix}.disk"
    if facts.folder_refusal:
        return Finding(
            name=name,
            state="failed",
            found=f"{facts.folder}: {facts.folder_refusal}",
            advice="Point TRUNKLINE_HOME at a folder this process may use.",
        )
    state: FindingState = "ok"
    if facts.free_bytes < FREE_BYTES_WARNING:
        state = "failed" if facts.free_bytes < FREE_BYTES_FAILED else "warning"
    return Finding(
        name=name,
        state=state,
        found=f"{facts.free_bytes / _GIGABYTE:.1f} GiB free for {facts.folder}",
        advice="" if state == "ok" else "Make room, or point TRUNKLINE_HOME at a larger disk.",
    )


def _public_url_finding(url: str) -> Finding:
    name = "server.public-url"
    parts = urlsplit(url)
    if not url:
        return Finding(
            name=name,
            state="warning",
            found="not set: forges and vendors have no address to call",
            advice="Set TRUNKLINE_PUBLIC_URL to the https address of this server.",
        )
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return Finding(
            name=name,
            state="failed",
            found=f"{url} is no address",
            advice="Set TRUNKLINE_PUBLIC_URL to one such as https://trunkline.example.com.",
        )
    plain = parts.scheme == "http" and parts.hostname not in LOOPBACK
    return Finding(
        name=name,
        state="failed" if plain else "ok",
        found=f"{url} is not encrypted" if plain else url,
        advice="Serve it by https: tokens and webhooks travel over it." if plain else "",
    )


def _promotes(manifest: JsonObject | None) -> bool:
    environments = _mapping((manifest or {}).get("spec")).get("environments")
    places = environments if isinstance(environments, list) else []
    return any(_mapping(each).get("promotion") for each in places)


def _mapping(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _signing_finding(public_key: str) -> Finding:
    name, variable = "server.signing-key", "TRUNKLINE_SIGNING_KEY"
    if public_key:
        return Finding(name=name, state="ok", found=f"its public key is {public_key}")
    return _set_finding(
        name, variable, "the evidence of a promotion cannot be signed", is_set=False
    )


def _commit_key_findings(public_key: str) -> list[Finding]:
    if not public_key:
        return []
    found = f"commits and tags of releases are signed with {ssh_line(public_key)}"
    return [Finding(name="server.commit-key", state="ok", found=found)]


def _set_finding(name: str, variable: str, otherwise: str, *, is_set: bool) -> Finding:
    if is_set:
        return Finding(name=name, state="ok", found="set")
    return Finding(
        name=name,
        state="warning",
        found=f"not set: {otherwise}",
        advice=f"Set {variable} on the server.",
    )
