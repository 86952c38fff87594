"""What an event repeats of strangers is shown, and never obeyed."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.notifications.worlds import project_of
from trunkline.adapters.notifying.email import mail_message
from trunkline.model.errors import NotificationRefused
from trunkline.model.kinds.notifications import Notification
from trunkline.model.notifications.envelope import envelope_of, event_type
from trunkline.model.notifications.mail import mail_of
from trunkline.model.notifications.news import News, gathered, single, summed_up
from trunkline.model.notifications.recipients import recipients, wants
from trunkline.model.notifications.slack import slack_body
from trunkline.model.notifications.words import link, subject_line
from trunkline.model.records import EventRecord

AT = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
PUBLIC = "https://trunkline.example.com"
EVIL = "<!channel> @here @everyone <https://evil.example|click> [x](https://evil.example) & <b>"


def event(reason: str = "GateFailed", **more: object) -> EventRecord:
    return EventRecord.model_validate(
        {
            "project": "acme",
            "environment": "production",
            "name": "front-desk",
            "type": "Warning",
            "reason": reason,
            "message": "1 line fails",
            "id": 7,
            "at": AT,
            **more,
        }
    )


def news(**more: object) -> News:
    return single(event(**more))  # type: ignore[arg-type]


def test_slack_is_mentioned_nobody_and_led_nowhere() -> None:
    body = json.loads(json.dumps(slack_body(news(message=EVIL), public_url=PUBLIC)))
    text = body["text"]
    assert "<" not in text
    assert "@here" not in text
    assert "@everyone" not in text
    assert "](" not in text
    section = body["blocks"][1]["text"]
    assert (section["type"], section["text"]) == ("plain_text", EVIL)
    markup = body["blocks"][2]["elements"][0]["text"]
    assert markup.startswith(
        f"<{PUBLIC}/v1/projects/acme/agents/front-desk?environment=production|"
    )


def test_names_of_strangers_in_markup_are_escaped() -> None:
    body = slack_body(news(name="a|b> <!here>", kind="number"), public_url=PUBLIC)
    markup = json.dumps(body["blocks"], ensure_ascii=False)
    assert "<!here>" not in markup.replace("&lt;!here&gt;", "").split('"mrkdwn"')[1]


def test_long_texts_fit_into_slack() -> None:
    body = json.loads(json.dumps(slack_body(news(message="&" * 5_000))))
    assert len(body["blocks"][0]["text"]["text"]) <= 150
    assert len(body["blocks"][1]["text"]["text"]) <= 3_000


def test_a_mail_has_one_subject_and_no_markup_of_others() -> None:
    mail = mail_of(news(message=EVIL, name="x\r\nBcc: evil@example.com"), public_url=PUBLIC)
    assert "\n" not in mail.subject
    assert "<b>" not in mail.html.replace("<body>", "")
    assert "&lt;!channel&gt;" in mail.html
    place = project_of({"type": "email", "to": ["ada@example.com"]}).spec.notifications[0]
    message = mail_message("t@example.com", place, news(message=EVIL), "r1")
    assert message["Bcc"] is None
    assert message["Message-ID"] == "<msg_acme_7_r1@example.com>"


@pytest.mark.parametrize(
    "address",
    [",?..:@x.example", "'b:;:@x.example", "_\x00:b;@x.example", "<a@x.example>", '"a@x.example'],
)
def test_a_recipient_that_is_no_address_is_refused_for_good(address: str) -> None:
    place = Notification(type="email", to=("ada@example.com", address))
    with pytest.raises(NotificationRefused, match="is no address"):
        mail_message("trunkline@example.com", place, news(), "r-1")


def test_the_envelope_keeps_its_shape() -> None:
    envelope = envelope_of(news(), "r1", public_url=PUBLIC).model_dump(by_alias=True)
    assert list(envelope) == ["id", "type", "createdAt", "project", "version", "data"]
    assert (envelope["id"], envelope["type"], envelope["version"]) == (
        "msg_acme_7_r1",
        "promotion.gate-failed",
        "v1",
    )
    assert set(envelope["data"]) == {
        *("severity", "reason", "group", "kind", "name", "environment", "message", "title"),
        *("subject", "revision", "promotion", "eventId", "url", "changes", "since"),
        *("reasons", "names"),
    }


@pytest.mark.parametrize(
    ("reason", "name"),
    [
        ("AsWished", "sync.as-wished"),
        ("CredentialsRejected", "health.credentials-rejected"),
        ("NotificationTested", "notification.test"),
    ],
)
def test_types_are_dotted(reason: str, name: str) -> None:
    assert event_type(news(reason=reason)) == name


def test_what_went_back_and_forth_is_one_line() -> None:
    later = event("AsWished", type="Normal", id=9, at=AT + timedelta(minutes=10))
    told = gathered([event("CredentialsRejected"), event("AsWished", type="Normal", id=8), later])
    assert subject_line(told) == (
        "[acme] front-desk in production: changed 3 times within 10 min, now AsWished"
    )


def test_many_events_are_counted_and_some_are_named() -> None:
    many = [event("RateLimited", name=f"agent-{index}", id=index + 1) for index in range(40)]
    told = summed_up([*many, event(id=41)])
    assert told.reasons == {"RateLimited": 40, "GateFailed": 1}
    assert (told.changes, len(told.names), told.severity) == (41, 10, "Warning")
    assert link(told, PUBLIC) == f"{PUBLIC}/v1/projects/acme/notifications"


def test_a_promotion_is_linked() -> None:
    where = link(news(details={"promotion": "promotion-1"}), PUBLIC)
    assert where == f"{PUBLIC}/v1/projects/acme/promotions/promotion-1"


@pytest.mark.parametrize(
    ("rule", "heard"),
    [
        ({}, True),
        ({"events": ["promotion"]}, True),
        ({"events": ["GateFailed"]}, True),
        ({"events": ["drift"]}, False),
        ({"environments": ["testing"]}, False),
        ({"environments": ["production"]}, True),
        ({"labels": {"team": "reception"}}, True),
        ({"labels": {"team": "sales"}}, False),
        ({"minimum": "Warning"}, True),
    ],
)
def test_who_hears_of_it(rule: dict[str, object], heard: bool) -> None:
    entry = {"type": "email", "to": ["ada@example.com"], **rule}
    (recipient,) = recipients(project_of(entry).spec.notifications)
    assert wants(recipient, event(), {"team": "reception"}) is heard


def test_one_place_under_two_rules_is_one_recipient() -> None:
    mails = {"type": "email", "to": ["ada@example.com"]}
    found = recipients(
        project_of(
            {**mails, "events": ["drift"]}, {**mails, "events": ["promotion"]}
        ).spec.notifications
    )
    assert len(found) == 1
    assert wants(found[0], event(), {})


def test_what_just_goes_on_is_told_only_if_it_is_named() -> None:
    going = event("Applying", type="Normal")
    mails = {"type": "email", "to": ["ada@example.com"]}
    by_group, by_name = (
        recipients(project_of({**mails, "events": [word]}).spec.notifications)[0]
        for word in ("sync", "Applying")
    )
    assert (wants(by_group, going, {}), wants(by_name, going, {})) == (False, True)


def test_no_path_is_shown_of_an_address() -> None:
    (recipient,) = recipients(
        project_of(
            {"type": "slack", "url": "https://hooks.slack.com/services/T0/B0/secret"}
        ).spec.notifications
    )
    assert recipient.words == "slack at hooks.slack.com"
