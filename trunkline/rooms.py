"""Activities that neither reconcile nor promote: conversation tests, and telling people.

Part of the worker's composition, apart from it for its length; it decides nothing.
"""

from typing import TYPE_CHECKING

from activities.adoption_requests import AdoptionPorts, AdoptionRequestActivities
from activities.call_keeping.ports import KeepingPorts
from activities.call_keeping.reading import NativeCallReading
from activities.call_keeping.tending import CallTending
from activities.calls.facts import CallSituations
from activities.calls.looking import CallOrderLooks
from activities.calls.placing import CallPlacing
from activities.calls.ports import OutboundPorts
from activities.notifications import NotificationActivities
from activities.platform_testing import PlatformTestActivities
from activities.retests import RetestActivities, RetestPorts
from activities.testing.branches import TestBranches
from activities.testing.conversations import ConversationActivities, ConversationPorts
from activities.testing.phone_calls import PhonePorts
from activities.testing.ports import TestPorts
from activities.testing.preparing import TestPreparation
from activities.testing.runs import TestRunActivities
from trunkline.adapters.notifying import NotifierOptions, RecipientNotifier
from trunkline.adapters.redaction import redactor
from trunkline.model.errors import InvalidSettings

if TYPE_CHECKING:
    from trunkline.worker import WorkerPorts


def unconfigured_notifier() -> RecipientNotifier:
    """Tells what needs no secret of the server, and nothing beyond the public network."""
    return RecipientNotifier(NotifierOptions(), _no_secret)


def adoption_rooms(ports: "WorkerPorts") -> tuple[object, ...]:
    """What proposals of drift ask for."""
    asked = AdoptionPorts(
        accounts=ports.accounts,
        operations=ports.operations,
        projects=ports.projects,
        repositories=ports.repositories,
        sources=ports.sources,
        statuses=ports.statuses,
        wishes=ports.wishes,
        forges=ports.forges,
    )
    return (AdoptionRequestActivities(asked),)


def delivery_rooms(ports: "WorkerPorts") -> tuple[object, ...]:
    """What deliveries of messages ask for."""
    return (
        NotificationActivities(ports.notifications, ports.statuses, ports.wishes, ports.notifier),
    )


def outbound_rooms(ports: "WorkerPorts") -> tuple[object, ...]:
    """What calls somebody asked for ask for."""
    asked = OutboundPorts(
        rows=ports.calls,
        carriers=ports.carriers,
        wishes=ports.wishes,
        statuses=ports.statuses,
        interventions=ports.interventions,
        clock=ports.clock,
        public_url=ports.public_url,
    )
    situations = CallSituations(
        ports.wishes,
        ports.statuses,
        ports.interventions,
        ports.calls,
        public_url=ports.public_url,
    )
    return (CallOrderLooks(asked, situations), CallPlacing(asked, situations))


def call_keeping_rooms(ports: "WorkerPorts") -> tuple[object, ...]:
    """What calls that nobody carries any more ask for."""
    asked = KeepingPorts(
        calls=ports.calls,
        carriers=ports.carriers,
        natives=ports.natives,
        wishes=ports.wishes,
        ledger=ports.ledger,
        statuses=ports.statuses,
        releases=ports.releases,
        clock=ports.clock,
        redact=redactor,
    )
    return (NativeCallReading(asked), CallTending(asked))


def testing_rooms(ports: "WorkerPorts") -> tuple[object, ...]:
    """What runs of conversation tests ask for."""
    rates = ports.rates
    asked = TestPorts(
        sources=ports.sources,
        projects=ports.projects,
        accounts=ports.accounts,
        ledger=ports.ledger,
        wishes=ports.wishes,
        operations=ports.operations,
        interventions=ports.interventions,
        reports=ports.tests,
        parts=ports.tests,
        holdings=ports.tests,
        clock=ports.clock,
        public_url=ports.public_url,
        rates=rates,
        statuses=ports.statuses,
        carriers=ports.carriers,
    )
    phones = PhonePorts(
        rows=ports.calls,
        carriers=ports.carriers,
        parts=ports.tests,
        clock=ports.clock,
        public_url=ports.public_url,
    )
    talking = ConversationPorts(
        accounts=ports.accounts,
        places=ports.tests,
        desks=ports.tests,
        parts=ports.tests,
        reports=ports.tests,
        judges=ports.judges,
        studio=ports.studio,
        clock=ports.clock,
        rates=rates,
        wishes=ports.wishes,
        phones=phones,
    )
    return (
        TestPreparation(asked),
        TestBranches(asked),
        TestRunActivities(asked),
        ConversationActivities(talking),
        PlatformTestActivities(asked),
        RetestActivities(
            RetestPorts(
                baselines=ports.tests,
                reports=ports.tests,
                promotions=ports.promotions,
                releases=ports.releases,
                interventions=ports.interventions,
                statuses=ports.statuses,
                wishes=ports.wishes,
                clock=ports.clock,
            )
        ),
    )


def _no_secret(project: str, name: str) -> str:
    raise InvalidSettings(f"project {project} has no secret {name} on this server")
