"""Which role may do which action: the one table that decides, printed in the manual as it is.

An action has the name its audit row has. Roles are duties, not ranks: an approver says yes to what
somebody else does and starts nothing, an operator runs the fleet and approves nothing. Reading is
every role's. Whoever adds an action adds its line here; a caller asks ``Principal.require``.
"""

from collections.abc import Mapping
from typing import Literal

from trunkline.model.records import Role

Action = Literal[
    "plan.create",
    "plan.apply",
    "sync.create",
    "environment.suspend",
    "environment.resume",
    "environment.enforce",
    "environment.eject",
    "agent.suspend",
    "agent.resume",
    "agent.disable",
    "agent.enable",
    "agent.protect",
    "window.override",
    "prune.permit",
    "prune.resume",
    "import.create",
    "adopt.create",
    "promotion.start",
    "promotion.approve",
    "promotion.reject",
    "promotion.abort",
    "promotion.rollback",
    "promotion.hold",
    "promotion.rules",
    "agent.stage",
    "change.create",
    "pull-request.plan",
    "pull-request.test",
    "pull-request.trust",
    "notification.test",
    "call.start",
    "call.cancel",
    "call.context",
    "call.hangup",
    "call.transfer",
    "call.listen",
    "call.export",
    "do-not-call.edit",
    "experiment.start",
    "experiment.stop",
    "test.record",
    "test.run",
    "doctor.run",
    "audit.read",
    "project.add",
    "project.remove",
    "token.list",
    "token.create",
    "token.rotate",
    "token.revoke",
]

ROLES: Mapping[Role, str] = {
    "viewer": "reads, and makes plans, which write nothing",
    "operator": "runs the fleet: syncs, suspends, disables, applies plans, imports, promotes",
    "approver": "says yes or no to what somebody else prepared: plans, deletions, promotions",
    "admin": "everything, and alone: projects, tokens, the audit log",
}

EVERYBODY: frozenset[Role] = frozenset(ROLES)
OPERATORS: frozenset[Role] = frozenset({"operator", "admin"})
APPROVERS: frozenset[Role] = frozenset({"approver", "admin"})
PERMITTERS: frozenset[Role] = OPERATORS | APPROVERS
ADMINS: frozenset[Role] = frozenset({"admin"})

ALLOWED: Mapping[Action, frozenset[Role]] = {
    "plan.create": EVERYBODY,
    "plan.apply": PERMITTERS,
    "sync.create": OPERATORS,
    "environment.suspend": OPERATORS,
    "environment.resume": OPERATORS,
    "environment.enforce": OPERATORS,
    "environment.eject": ADMINS,
    "agent.suspend": OPERATORS,
    "agent.resume": OPERATORS,
    "agent.disable": OPERATORS,
    "agent.enable": OPERATORS,
    "agent.protect": OPERATORS,
    "window.override": PERMITTERS,
    "prune.permit": PERMITTERS,
    "prune.resume": OPERATORS,
    "import.create": OPERATORS,
    "adopt.create": OPERATORS,
    "promotion.start": OPERATORS,
    "promotion.approve": APPROVERS,
    "promotion.reject": APPROVERS,
    "promotion.abort": PERMITTERS,
    "promotion.rollback": OPERATORS,
    "promotion.hold": OPERATORS,
    "promotion.rules": ADMINS,
    "agent.stage": OPERATORS,
    "change.create": OPERATORS,
    "pull-request.plan": EVERYBODY,
    "pull-request.test": OPERATORS,
    "pull-request.trust": OPERATORS,
    "notification.test": OPERATORS,
    "call.start": OPERATORS,
    "call.cancel": OPERATORS,
    "call.context": OPERATORS,
    "call.hangup": OPERATORS,
    "call.transfer": OPERATORS,
    "call.listen": OPERATORS,
    "call.export": ADMINS,
    "do-not-call.edit": OPERATORS,
    "experiment.start": OPERATORS,
    "experiment.stop": OPERATORS,
    "test.record": OPERATORS,
    "test.run": OPERATORS,
    "doctor.run": OPERATORS,
    "audit.read": ADMINS,
    "project.add": ADMINS,
    "project.remove": ADMINS,
    "token.list": ADMINS,
    "token.create": ADMINS,
    "token.rotate": ADMINS,
    "token.revoke": ADMINS,
}


def roles_for(action: Action) -> tuple[Role, ...]:
    """The roles that may do it, in the order of the manual."""
    return tuple(role for role in ROLES if role in ALLOWED[action])


def roles_text() -> str:
    """What each role is for, and the table, as Markdown."""
    lines = ["| role | |", "| --- | --- |"]
    lines += [f"| `{role}` | {words} |" for role, words in ROLES.items()]
    lines += ["", f"| action | {' | '.join(ROLES)} |", f"| --- |{' --- |' * len(ROLES)}"]
    for action, allowed in ALLOWED.items():
        cells = " | ".join("yes" if role in allowed else "" for role in ROLES)
        lines.append(f"| `{action}` | {cells} |")
    return "\n".join(lines) + "\n"
