"""Names that lead somewhere: persona, tool, knowledge, agent, number, environment, secret.

A name that leads nowhere is reported at the place it is written, with the nearest name there is.
If a document of the wanted kind is too broken to have a name, its absence proves nothing; nor
does it beside a file nobody can read, unless the name is close to one there is.
"""

from collections.abc import Iterator

from trunkline.manifests.inventory import WORDS, Inventory
from trunkline.manifests.suggestions import nearest
from trunkline.model.ids import secret_prefix
from trunkline.model.kinds import Agent, AgentContent, ConversationTest
from trunkline.model.kinds.base import SecretValue
from trunkline.model.kinds.conversation import Phone
from trunkline.model.kinds.project import Credential
from trunkline.model.manifests import Placed, Positions
from trunkline.model.paths import child
from trunkline.model.problems import Position, Problem

VENDOR_VARIABLES = ("ELEVENLABS_API_KEY", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")
"""Variables of the server that the first project's accounts may name besides its secrets."""

_NAMED = ("Agent", "Persona", "Tool", "KnowledgeDocument", "PhoneNumber")
"""Kinds that others name."""


def check_references(inventory: Inventory) -> Iterator[Problem]:
    """Every name in the tree that leads nowhere."""
    for agent in inventory.agents.values():
        yield from _agent(inventory, agent)
    for number in inventory.numbers.values():
        spec = number.manifest.spec
        positions = number.positions
        yield from _environment(inventory, spec.environment, positions, "spec.environment")
        if spec.agent is not None:
            yield from _name(inventory, "Agent", spec.agent, positions, "spec.agent")
        for index, route in enumerate(spec.route or ()):
            key = "agent" if route.otherwise is None else "otherwise"
            path = f"spec.route[{index}].{key}"
            yield from _name(inventory, "Agent", route.target, positions, path)
    for test in inventory.tests.values():
        yield from _test(inventory, test)
    yield from _project(inventory)
    yield from _secrets(inventory)
    yield from _notified(inventory)


def _test(inventory: Inventory, test: Placed[ConversationTest]) -> Iterator[Problem]:
    spec = test.manifest.spec
    heir = inventory.heirs.get(spec.agent, "")
    if heir and spec.agent not in inventory.names("Agent"):
        position = test.positions.value("spec.agent")
        message = f"agent `{spec.agent}` is called `{heir}` now"
        yield Problem(position=position, message=message, suggestion=heir)
    else:
        yield from _name(inventory, "Agent", spec.agent, test.positions, "spec.agent")
    if spec.compare is not None:
        yield from _environment(inventory, spec.compare.to, test.positions, "spec.compare.to")
    if spec.phone is not None:
        yield from _phone(inventory, spec.phone, test.positions)
    for index, line in enumerate(spec.at_end):
        if line.grounded_in is not None:
            path = f"spec.finally[{index}].groundedIn"
            yield from _name(inventory, "KnowledgeDocument", line.grounded_in, test.positions, path)


def _phone(inventory: Inventory, phone: Phone, positions: Positions) -> Iterator[Problem]:
    """Numbers that are there and two, the first of them one that tests may call from."""
    for key, name in (("from", phone.calling), ("to", phone.called)):
        if name is not None:
            yield from _name(inventory, "PhoneNumber", name, positions, f"spec.phone.{key}")
    if phone.calling is None or phone.calling not in inventory.names("PhoneNumber"):
        return
    if phone.calling == phone.called:
        words = f"`{phone.called}` cannot call itself"
        yield Problem(position=positions.value("spec.phone.to"), message=words)
        return
    for project in inventory.projects.values():
        allowed = project.manifest.spec.calls.test_numbers
        if phone.calling not in allowed:
            yield Problem(
                position=positions.value("spec.phone.from"),
                message=f"`{phone.calling}` is not among spec.calls.testNumbers of the Project",
                suggestion=nearest(phone.calling, allowed),
            )


def _agent(inventory: Inventory, agent: Placed[Agent]) -> Iterator[Problem]:
    spec = agent.manifest.spec
    yield from _content(inventory, spec, agent.positions, "spec")
    for name, override in spec.overrides.items():
        path = f"spec.overrides.{name}"
        if inventory.environments and name not in inventory.environments:
            yield _no_environment(inventory, name, agent.positions.key(path))
        yield from _content(inventory, override, agent.positions, path)


def _content(
    inventory: Inventory, content: AgentContent, positions: Positions, at: str
) -> Iterator[Problem]:
    if content.persona is not None:
        yield from _name(inventory, "Persona", content.persona, positions, f"{at}.persona")
    for index, use in enumerate(content.tools):
        if isinstance(use, str):
            yield from _name(inventory, "Tool", use, positions, f"{at}.tools[{index}]")
    for index, name in enumerate(content.knowledge):
        path = f"{at}.knowledge[{index}]"
        yield from _name(inventory, "KnowledgeDocument", name, positions, path)
    for index, name in enumerate(content.outbound.from_numbers if content.outbound else ()):
        path = f"{at}.outbound.from[{index}]"
        yield from _name(inventory, "PhoneNumber", name, positions, path)


def _name(
    inventory: Inventory, kind: str, name: str, positions: Positions, path: str
) -> Iterator[Problem]:
    known = inventory.names(kind)
    if name not in known and inventory.is_complete(kind):
        other = next((each for each in _NAMED if name in inventory.names(each)), "")
        meant = nearest(name, known)
        if not (inventory.whole or other or meant):
            return
        yield Problem(
            position=positions.value(path),
            message=f"there is no {WORDS[kind]} `{name}`"
            + (f"; `{name}` is {_with_article(WORDS[other])}" if other else ""),
            suggestion=meant,
        )


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _environment(
    inventory: Inventory, name: str, positions: Positions, path: str
) -> Iterator[Problem]:
    if inventory.environments and name not in inventory.environments:
        yield _no_environment(inventory, name, positions.value(path))


def _no_environment(inventory: Inventory, name: str, position: Position) -> Problem:
    meant = nearest(name, inventory.environments)
    message = f"there is no environment `{name}`"
    if not meant:
        *others, last = sorted(inventory.environments)
        message += f"; there are {', '.join(others)} and {last}" if others else f"; only `{last}`"
    return Problem(position=position, message=message, suggestion=meant)


def _notified(inventory: Inventory) -> Iterator[Problem]:
    for placed in inventory.projects.values():
        for index, notification in enumerate(placed.manifest.spec.notifications):
            for at, environment in enumerate(notification.environments):
                path = f"spec.notifications[{index}].environments[{at}]"
                yield from _environment(inventory, environment, placed.positions, path)


def _project(inventory: Inventory) -> Iterator[Problem]:
    for placed in inventory.projects.values():
        seen: dict[str, int] = {}
        for index, name in enumerate(placed.manifest.spec.calls.test_numbers):
            path = f"spec.calls.testNumbers[{index}]"
            yield from _name(inventory, "PhoneNumber", name, placed.positions, path)
        for index, environment in enumerate(placed.manifest.spec.environments):
            path = f"spec.environments[{index}]"
            if environment.name in seen:
                yield Problem(
                    position=placed.positions.value(f"{path}.name"),
                    message=f"environment `{environment.name}` is given twice",
                )
            seen[environment.name] = index
            for at, ignored in enumerate(environment.drift.ignore):
                if ignored.agent != "*":
                    where = f"{path}.drift.ignore[{at}].agent"
                    yield from _name(inventory, "Agent", ignored.agent, placed.positions, where)
            if environment.promotion is None:
                continue
            origin = environment.promotion.from_environment
            where = f"{path}.promotion.from"
            yield from _environment(inventory, origin, placed.positions, where)
            if origin == environment.name:
                yield Problem(
                    position=placed.positions.value(where),
                    message=f"`{origin}` cannot be promoted from itself",
                )


def _secrets(inventory: Inventory) -> Iterator[Problem]:
    for project in inventory.projects.values():
        prefix = secret_prefix(project.manifest.name)
        for path, credential in _credentials(project.manifest.spec, "spec"):
            yield from _credential(credential, project.manifest.name, project.positions, path)
        for index, notification in enumerate(project.manifest.spec.notifications):
            for key, value in (("secret", notification.secret), ("url", notification.url)):
                if isinstance(value, SecretValue):
                    path = f"spec.notifications[{index}].{key}.secret"
                    yield from _secret(value.secret, prefix, project.positions, path)
        for tool in inventory.tools.values():
            for name, value in tool.manifest.spec.headers.items():
                if isinstance(value, SecretValue):
                    path = f"{child('spec.headers', name)}.secret"
                    yield from _secret(value.secret, prefix, tool.positions, path)


def _credentials(part: object, path: str) -> Iterator[tuple[str, Credential]]:
    """Every credential of the Project's accounts and its environments' accounts."""
    accounts = getattr(part, "accounts", None)
    eleven = accounts.elevenlabs if accounts is not None else None
    twilio = accounts.twilio if accounts is not None else None
    if eleven is not None:
        yield f"{path}.accounts.elevenlabs.apiKey", eleven.api_key
    if twilio is not None:
        yield f"{path}.accounts.twilio.accountSid", twilio.account_sid
        yield f"{path}.accounts.twilio.authToken", twilio.auth_token
    for index, environment in enumerate(getattr(part, "environments", ())):
        yield from _credentials(environment, f"{path}.environments[{index}]")


def _credential(
    credential: Credential, project: str, positions: Positions, path: str
) -> Iterator[Problem]:
    if credential.env is not None and credential.env not in VENDOR_VARIABLES:
        yield from _secret(credential.env, secret_prefix(project), positions, f"{path}.env")
    folder = f"/run/secrets/{project}/"
    if credential.file is not None and not credential.file.startswith(folder):
        yield Problem(
            position=positions.value(f"{path}.file"),
            message=f"`{credential.file}` is not below {folder}, where this project's secrets are",
        )


def _secret(name: str, prefix: str, positions: Positions, path: str) -> Iterator[Problem]:
    if not name.startswith(prefix) or name == prefix:
        yield Problem(
            position=positions.value(path),
            message=f"`{name}` is not on the project's list: its secrets begin with {prefix}",
            suggestion=nearest(name, VENDOR_VARIABLES) if path.endswith(".env") else "",
        )
