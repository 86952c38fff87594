"""What a repository alone says of releases, read by Git itself and by none of the product's readers
of releases: every commit that wrote one, every tag, and which of them count.

A reader keeps what it has read, since commits do not change; only new ones cost anything.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from trunkline.adapters.git import GitSource
from trunkline.adapters.signing import Ed25519Keys
from trunkline.manifests.loading import load
from trunkline.model.closure_paths import closure_paths
from trunkline.model.errors import InvalidInput, TrunklineError
from trunkline.model.evidence import Evidence, parse_evidence, statement
from trunkline.model.ids import PROMOTION_TRAILER, Revision, release_path
from trunkline.model.kinds.release import ReleaseSpec
from trunkline.model.resolution import agent_wish
from trunkline.model.testing.choosing import chosen_tests
from trunkline.model.testing.scripts import compile_script, suite_digest

if TYPE_CHECKING:
    from pathlib import Path

    from trunkline.model.desired import DesiredAgent
    from trunkline.model.manifests import Manifests

TRUNKLINE = "noreply@trunkline.invalid"
ENVIRONMENT = "production"
UNIT, RECORD = "\x1f", "\x1e"
FORMAT = UNIT.join(
    (
        f"{RECORD}%H",
        "%P",
        "%ct",
        "%ce",
        f"%(trailers:key={PROMOTION_TRAILER},valueonly,separator=%x2c)",
        "",
    )
)


class _Plain(yaml.SafeLoader):
    """Moments stay the texts that were signed."""


_Plain.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if not tag.endswith(":timestamp")]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True)
class Written:
    """One commit's version of one release file; ``spec`` None for one nobody can read."""

    commit: str
    at: datetime
    committer: str
    trailers: tuple[str, ...]
    agent: str
    spec: ReleaseSpec | None

    @property
    def ours(self) -> bool:
        """True for a commit that Trunkline made."""
        return self.committer == TRUNKLINE


@dataclass(frozen=True)
class Tag:
    """A tag of a version: the kind of object it is, and the commit it stands on."""

    agent: str
    version: int
    kind: str
    revision: str


@dataclass
class History:
    """What one repository says; ``written`` oldest first."""

    tip: str = ""
    written: list[Written] = field(default_factory=list)
    tags: tuple[Tag, ...] = ()


class HistoryReader:
    """Reads one repository again and again; ``cache`` is a folder of its own."""

    def __init__(self, bare: Path, cache: Path, project: str = "acme") -> None:
        cache.mkdir(parents=True, exist_ok=True)
        self._bare = bare
        self._cache = cache
        self._project = project
        self._known = History()
        self._trees: dict[str, Manifests] = {}
        self._problems: dict[tuple[str, str], str] = {}

    def history(self) -> History:
        """Everything up to now; refs are read until they stand still."""
        refs, before = self._refs(), ""
        while refs != before:
            before, refs = refs, self._refs()
        tags = []
        tip = ""
        for line in refs.splitlines():
            name, kind, own, peeled = (*line.split(" "), "")[:4]
            if name == "refs/heads/main":
                tip = own
            if name.startswith(f"refs/tags/trunkline/{ENVIRONMENT}/"):
                *_, agent, version = name.split("/")
                tags.append(Tag(agent, int(version.removeprefix("v")), kind, peeled))
        if tip != self._known.tip:
            self._known.written.extend(self._between(self._known.tip, tip))
        self._known.tip, self._known.tags = tip, tuple(tags)
        return self._known

    def problem(self, written: Written) -> str:
        """Why a release does not count whatever came before it, in words; "" if it might."""
        key = (written.commit, written.agent)
        if key not in self._problems:
            self._problems[key] = self._judge(written)
        return self._problems[key]

    def running(self) -> dict[str, Written]:
        """Who runs what by Git alone: for each agent the newest release that counts."""
        found: dict[str, Written] = {}
        history = self.history()
        tags = {(tag.agent, tag.version): tag.revision for tag in history.tags}
        for one in history.written:
            if one.spec is None or self.problem(one):
                continue
            before = found.get(one.agent)
            version = before.spec.version if before is not None and before.spec is not None else 0
            tagged = tags.get((one.agent, one.spec.version)) == one.spec.revision
            if tagged and one.spec.version >= version:
                found[one.agent] = one
        return found

    def tree(self, revision: str) -> Manifests:
        """What a commit declares."""
        if revision not in self._trees:
            source = GitSource(str(self._bare), "main", cache=self._cache, allow_local=True)
            self._trees[revision] = source.read(Revision(revision), load)
        return self._trees[revision]

    def wish(self, agent: str, revision: str) -> DesiredAgent | None:
        """What production would be brought to by a release of that commit."""
        tree = self.tree(revision)
        environment = tree.project.manifest.environment(ENVIRONMENT)
        assert environment is not None
        return agent_wish(tree, environment, agent)

    def suite(self, agent: str, revision: str) -> str:
        """The digest of all tests of an agent at a commit."""
        tree = self.tree(revision)
        tests = chosen_tests(tree, agents=(agent,))
        scripts = [compile_script(tree, test.name, environment=ENVIRONMENT) for test in tests]
        return suite_digest([script.test_digest for script in scripts])

    def people(self, revision: str) -> dict[str, str]:
        """Person by address, as a commit has it."""
        listed = self.tree(revision).project.manifest.spec.people
        return {email.lower(): person.name for person in listed for email in person.emails}

    def authors(self, agent: str, since: str, until: str) -> set[str]:
        """Addresses of everybody who wrote or committed a change of the closure."""
        paths = closure_paths(self.tree(until), agent)
        bound = (f"^{since}",) if since else ()
        output = self._run("log", "--format=%ae%n%ce", until, *bound, "--", *paths)
        return {line.lower() for line in output.splitlines() if line and line != TRUNKLINE}

    def _judge(self, written: Written) -> str:
        spec = written.spec
        if spec is None:
            return "it cannot be read"
        try:
            evidence = parse_evidence(spec.evidence)
        except InvalidInput as error:
            return error.message
        about = (evidence.project, evidence.target, evidence.agent, spec.environment)
        objections = {
            f"its evidence is about {about}": about
            != (self._project, ENVIRONMENT, written.agent, ENVIRONMENT),
            "its evidence is of another digest": evidence.digest != spec.digest,
            "its signature is not over what it says": not self._is_signed(
                written.agent, spec, evidence
            ),
        }
        words = next((each for each, applies in objections.items() if applies), "")
        return words or self._closure_problem(written.agent, spec)

    def _closure_problem(self, agent: str, spec: ReleaseSpec) -> str:
        try:
            wish = self.wish(agent, spec.revision)
        except TrunklineError as error:
            return f"its revision cannot be read: {error.message}"
        same = wish is not None and wish.digest == spec.digest
        return "" if same else "its closure has another digest"

    def _is_signed(self, agent: str, spec: ReleaseSpec, evidence: Evidence) -> bool:
        signing = self.tree(self._known.tip).project.manifest.spec.signing
        keys = signing.public_keys if signing is not None else ()
        payload = statement(self._project, agent, spec)
        return any(Ed25519Keys().verifies(payload, evidence.signature, key) for key in keys)

    def _between(self, since: str, tip: str) -> list[Written]:
        bound = (f"^{since}",) if since else ()
        output = self._run(
            *("log", "--reverse", "--topo-order", "--name-only", f"--format={FORMAT}"),
            *(tip, *bound, "--", f"releases/{ENVIRONMENT}"),
        )
        found: list[Written] = []
        for record in output.split(RECORD)[1:]:
            commit, _, at, committer, trailers, files = record.split(UNIT)
            found.extend(
                Written(
                    commit=commit,
                    at=datetime.fromtimestamp(int(at), UTC),
                    committer=committer,
                    trailers=tuple(filter(None, trailers.split(","))),
                    agent=path.rpartition("/")[2].removesuffix(".yaml"),
                    spec=self._spec(commit, path),
                )
                for path in files.split()
            )
        return found

    def text(self, commit: str, agent: str) -> str:
        """The release file of an agent at a commit."""
        return self._run("show", f"{commit}:{release_path(ENVIRONMENT, agent)}")

    def _spec(self, commit: str, path: str) -> ReleaseSpec | None:
        text = self._run("show", f"{commit}:{path}")
        try:
            document: Any = yaml.load(text, Loader=_Plain)  # noqa: S506 - a safe loader's child
            return ReleaseSpec.model_validate(document["spec"])
        except (yaml.YAMLError, ValidationError, KeyError, TypeError):
            return None

    def _refs(self) -> str:
        shape = "%(refname) %(objecttype) %(objectname) %(*objectname)"
        return self._run("for-each-ref", f"--format={shape}", "refs/heads/main", "refs/tags")

    def _run(self, *arguments: str) -> str:
        command = ("git", "-C", str(self._bare), "-c", "safe.directory=*", *arguments)
        done = subprocess.run(command, check=True, capture_output=True, timeout=60)
        return done.stdout.decode("utf-8")


def cloned(bare: Path, folder: Path) -> Path:
    """A fresh clone with its tags, in which nothing is cached."""
    command = ("git", "-c", "safe.directory=*", "clone", "--quiet", "--mirror", str(bare))
    subprocess.run((*command, str(folder)), check=True, capture_output=True)
    return folder


def file_of(agent: str) -> str:
    """Where the release of an agent stands."""
    return release_path(ENVIRONMENT, agent)
