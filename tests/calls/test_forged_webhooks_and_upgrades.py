"""A thousand requests nobody honest sent, over every address of carriers and of the voice platform.

None is carried out; honest ones in between are. One seed draws them all, so a failure comes again.
"""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from tests.calls.carrier_worlds import (
    ACCOUNTS,
    FALLBACK,
    FORM,
    PUBLIC_HOST,
    PUBLIC_URL,
    SHARED_KEYS,
    TOKENS,
    CarrierWorld,
    Sent,
    call_fields,
    carrier_world,
    form,
    json_body,
    news,
    signature,
    status_fields,
    upgrade,
    voice_target,
)
from trunkline.model.calls.limits import CALL_FORM_MAX_BYTES, PLATFORM_NEWS_MAX_BYTES
from trunkline.model.calls.records import CallFilter

VARIANTS = 1_000
HONEST_EVERY = 50
CALLS = CallFilter()
AFTER = "/v1/webhooks/twilio/after/acme/testing/main-line"
WHISPER = "/v1/webhooks/twilio/whisper"
STATUS, STREAM = "/v1/webhooks/twilio/status", "/v1/webhooks/twilio/stream"
FALLBACK_TARGET = "/v1/webhooks/twilio/voice/fallback/acme/testing/main-line"
Fields = list[tuple[str, str]]
Forge = Callable[[random.Random, str, Fields], Sent]


def new_call(drawn: random.Random) -> str:
    return f"CA{drawn.getrandbits(128):032x}"


def honest_fields(kind: str, call_id: str) -> Fields:
    if kind == STATUS:
        return status_fields(call_id, "in-progress", 1)
    if kind == STREAM:
        return [*call_fields(call_id), ("StreamEvent", "stream-error"), ("StreamError", "31921")]
    if kind.startswith(WHISPER):
        return call_fields(f"CA{call_id[:1:-1]}", ParentCallSid=call_id)
    return call_fields(call_id)


def _without_signature(_: random.Random, target: str, fields: Fields) -> Sent:
    return form(target, fields).with_header("x-twilio-signature", None)


def _with_noise(drawn: random.Random, target: str, fields: Fields) -> Sent:
    noise = drawn.choice(
        ["", "AAAA", "é", drawn.randbytes(20).hex(), "RSOYDt4T1cUTdK1PDd93/VVr8B8="]
    )
    return form(target, fields).with_header("x-twilio-signature", noise.encode().decode("latin-1"))


def _by_another_account(_: random.Random, target: str, fields: Fields) -> Sent:
    return form(target, fields, key=TOKENS["beta"])


def _about_another_account(_: random.Random, target: str, fields: Fields) -> Sent:
    """Who asks about calls must have them; a report about a call of its own is nobody's harm."""
    theirs = [("AccountSid", ACCOUNTS["beta"]), *fields[1:]]
    own = target in (STATUS, STREAM)
    return form(target, fields if own else theirs, key=TOKENS["beta"])


def _in_anothers_name(_: random.Random, target: str, fields: Fields) -> Sent:
    return form(target, [("AccountSid", ACCOUNTS["beta"]), *fields[1:]])


def _for_another_host(drawn: random.Random, target: str, fields: Fields) -> Sent:
    base = drawn.choice(
        [
            "https://evil.example.com",
            f"https://{PUBLIC_HOST}.evil.example.com",
            f"https://{PUBLIC_HOST}:8443",
            f"https://{PUBLIC_HOST}:80",
            "http://within",
            f"https://user@{PUBLIC_HOST}",
        ]
    )
    return form(target, fields, base=base).with_header("host", "evil.example.com")


def _in_the_clear(_: random.Random, target: str, fields: Fields) -> Sent:
    return form(target, fields, base=f"http://{PUBLIC_HOST}")


def _for_another_address(drawn: random.Random, target: str, fields: Fields) -> Sent:
    others = [voice_target(), voice_target(name="second-line"), AFTER, STATUS, STREAM, "/v1/media"]
    signed = drawn.choice([one for one in others if one != target])
    return replace(form(signed, fields), target=target)


def _with_another_query(drawn: random.Random, target: str, fields: Fields) -> Sent:
    query = drawn.choice(["?skill=sales", "?", "?order=o&try=t", "?bodySHA256=00"])
    sent = form(target, fields)
    return (
        replace(sent, target=target + query)
        if query != "?"
        else _in_the_clear(drawn, target, fields)
    )


def _with_a_changed_field(drawn: random.Random, target: str, fields: Fields) -> Sent:
    at = drawn.randrange(len(fields))
    changed = [*fields]
    changed[at] = (fields[at][0], fields[at][1] + drawn.choice("0x +"))
    return replace(form(target, changed), headers=form(target, fields).headers)


def _with_one_more_field(drawn: random.Random, target: str, fields: Fields) -> Sent:
    more = [*fields, (drawn.choice(["Digits", "SipHeader_X-A", "ForwardedFrom"]), "1")]
    return replace(form(target, more), headers=form(target, fields).headers)


def _with_one_field_less(drawn: random.Random, target: str, fields: Fields) -> Sent:
    less = [pair for at, pair in enumerate(fields) if at != drawn.randrange(len(fields))]
    if less == fields:
        less = fields[1:]
    return replace(form(target, less), headers=form(target, fields).headers)


def _with_a_field_twice(drawn: random.Random, target: str, fields: Fields) -> Sent:
    """The signature is the same: it covers each value of a name once."""
    sent = form(target, fields)
    name, value = drawn.choice(fields)
    return replace(sent, body=sent.body + f"&{name}={value}".replace("+", "%2B").encode())


def _with_shifted_names(drawn: random.Random, target: str, fields: Fields) -> Sent:
    """The signature is the same: it joins names and values without anything between them."""
    needed = drawn.choice(["AccountSid", "CallSid"])
    shifted = [
        (name[:-1], name[-1] + value) if name == needed else (name, value) for name, value in fields
    ]
    return replace(form(target, shifted), headers=form(target, fields).headers)


def _cut_off(drawn: random.Random, target: str, fields: Fields) -> Sent:
    sent = form(target, fields)
    return replace(sent, body=sent.body[: drawn.randrange(len(sent.body))])


def _too_large(drawn: random.Random, target: str, fields: Fields) -> Sent:
    padding = "x" * (CALL_FORM_MAX_BYTES + drawn.randrange(1, 9_000))
    return form(target, [*fields, ("CallerName", padding)])


def _of_too_many_fields(drawn: random.Random, target: str, fields: Fields) -> Sent:
    many = [(f"Extra{at}", "1") for at in range(drawn.randrange(200, 400))]
    return form(target, [*fields, *many])


def _by_another_method(drawn: random.Random, target: str, fields: Fields) -> Sent:
    return replace(form(target, fields), method=drawn.choice(["GET", "PUT", "DELETE", "PATCH"]))


def _of_another_type(drawn: random.Random, target: str, fields: Fields) -> Sent:
    kind = drawn.choice(
        ["text/plain", "multipart/form-data; boundary=x", "", f"{FORM}; charset=utf-16"]
    )
    return form(target, fields).with_header("content-type", kind)


def _by_a_stronger_way_nobody_named(_: random.Random, target: str, fields: Fields) -> Sent:
    return form(target, fields, algorithm="HMAC_SHA256")


def _by_a_key_nobody_knows(drawn: random.Random, target: str, fields: Fields) -> Sent:
    ours, theirs = SHARED_KEYS["acme"], SHARED_KEYS["beta"]
    key, settings = drawn.choice(
        [
            (theirs[1], f"key={theirs[0]},algorithm=HMAC_SHA256"),
            (theirs[1], f"key={ours[0]},algorithm=HMAC_SHA256"),
            ("key-c", "key=webhooks_sharedkey_c,algorithm=HMAC_SHA256"),
            (TOKENS["acme"], "algorithm=HMAC_SHA256"),
            (TOKENS["acme"], "key=,algorithm=HMAC_SHA256"),
            (ours[1], f"key={ours[0]},key={ours[0]},algorithm=HMAC_SHA256"),
        ]
    )
    return form(target, fields, key=key, settings=settings, algorithm="HMAC_SHA256")


def _by_a_weaker_way(drawn: random.Random, target: str, fields: Fields) -> Sent:
    key_id, key = SHARED_KEYS["acme"]
    named = drawn.choice(["", ",algorithm=HMAC_SHA1", ",algorithm=none", ",algorithm=HMAC_SHA512"])
    return form(target, fields, key=key, settings=f"key={key_id}{named}")


def _signed_twice(_: random.Random, target: str, fields: Fields) -> Sent:
    sent = form(target, fields)
    return replace(sent, headers=(("x-twilio-signature", "AAAA"), *sent.headers))


def _as_another_body(drawn: random.Random, target: str, fields: Fields) -> Sent:
    sent = json_body(target, fields)
    altered = drawn.choice(
        [sent.body + b" ", sent.body.replace(b"ringing", b"busy"), b"{}", sent.body[:-1], b"[]"]
    )
    unsigned = signature(PUBLIC_URL + target, (), TOKENS["acme"])
    if drawn.random() < 0.3:
        return replace(sent, target=target).with_header("x-twilio-signature", unsigned)
    return replace(sent, body=altered if altered != sent.body else b"null")


FORGERIES: dict[str, Forge] = {
    forge.__name__: forge
    for forge in (
        _without_signature,
        _with_noise,
        _by_another_account,
        _about_another_account,
        _in_anothers_name,
        _for_another_host,
        _in_the_clear,
        _for_another_address,
        _with_another_query,
        _with_a_changed_field,
        _with_one_more_field,
        _with_one_field_less,
        _with_a_field_twice,
        _with_shifted_names,
        _cut_off,
        _too_large,
        _of_too_many_fields,
        _by_another_method,
        _of_another_type,
        _by_a_stronger_way_nobody_named,
        _by_a_key_nobody_knows,
        _by_a_weaker_way,
        _signed_twice,
        _as_another_body,
    )
}


def forged_news(drawn: random.Random) -> Sent:
    said: dict[str, Any] = {
        "type": "post_call_transcription",
        "event_timestamp": int(time.time()),
        "data": {
            "conversation_id": f"conv_{drawn.getrandbits(32)}",
            "agent_id": "agent_front-desk",
        },
    }
    honest, now_s = news(said), time.time()
    header = dict(honest.headers)["elevenlabs-signature"]
    at, _, signed = header.partition(",")
    forgeries: list[Callable[[], Sent]] = [
        lambda: honest.with_header("elevenlabs-signature", None),
        lambda: news(said, secret="guessed"),
        lambda: news(said, at_s=now_s - drawn.randrange(1_860, 900_000)),
        lambda: news(said, at_s=now_s + drawn.randrange(360, 9_000)),
        lambda: replace(honest, body=honest.body.replace(b"conv_", b"conv-")),
        lambda: replace(honest, body=honest.body[: drawn.randrange(len(honest.body))]),
        lambda: honest.with_header("elevenlabs-signature", f"t={int(now_s) - 60},{signed}"),
        lambda: honest.with_header("elevenlabs-signature", f"{at},{at},{signed}"),
        lambda: honest.with_header("elevenlabs-signature", f"{at},{signed.upper()}"),
        lambda: honest.with_header("elevenlabs-signature", f"{at},v1={signed[3:]}"),
        lambda: honest.with_header("elevenlabs-signature", signed),
        lambda: honest.with_header("elevenlabs-signature", f"{at},{signed},v0={'0' * 64}"),
        lambda: replace(honest, headers=(*honest.headers, ("elevenlabs-signature", header))),
        lambda: replace(honest, method=drawn.choice(["GET", "PUT"])),
        lambda: news({**said, "padding": "x" * PLATFORM_NEWS_MAX_BYTES}),
        lambda: news({"type": "post_call_transcription", "data": {"conversation_id": 7}}),
        lambda: news({"type": "post_call_audio", "data": None}),
    ]
    return drawn.choice(forgeries)()


def forged_upgrade(drawn: random.Random) -> Sent:
    honest = upgrade()
    key_id, key = SHARED_KEYS["acme"]
    fields = call_fields(new_call(drawn))
    url = f"wss://{PUBLIC_HOST}/v1/media"
    return drawn.choice(
        [
            honest.with_header("x-twilio-signature", None),
            honest.with_header("x-twilio-signature", drawn.randbytes(20).hex()),
            upgrade(key=drawn.choice(["guessed", "", key, "token-of-nobody"])),
            upgrade(url=f"https://{PUBLIC_HOST}/v1/media"),
            upgrade(url=f"http://{PUBLIC_HOST}/v1/media"),
            upgrade(url=f"ws://{PUBLIC_HOST}/v1/media"),
            upgrade(url="wss://evil.example.com/v1/media").with_header("host", "evil.example.com"),
            upgrade(url=f"wss://{PUBLIC_HOST}:{drawn.choice([80, 8443])}/v1/media"),
            upgrade(url=f"{url}/"),
            upgrade(url=f"{url}?call=1"),
            replace(honest, target="/v1/media?call=1"),
            replace(upgrade(url=f"{url}?call=1"), target="/v1/media?call=1"),
            replace(upgrade(url=f"wss://{PUBLIC_HOST}/v1/talks"), target="/v1/talks"),
            replace(honest, headers=form("/v1/media", fields).headers[1:]),
            replace(honest, headers=form(voice_target(), fields).headers[1:]),
            honest.with_header(
                "x-twilio-webhooks-signature-settings", f"key={key_id},algorithm=HMAC_SHA256"
            ),
            honest.with_header("x-twilio-webhooks-signature-settings", "algorithm=HMAC_SHA1"),
        ]
    )


async def accepted(world: CarrierWorld, sent: Sent) -> bool:
    answer = await world.send(sent)
    assert answer.status_code != HTTPStatus.INTERNAL_SERVER_ERROR, answer.text
    return answer.is_success


async def whisper_target(world: CarrierWorld, call_id: str) -> str:
    """Where it is asked what whoever takes a call over hears; the call is passed on to them."""
    record = await world.record(call_id)
    assert record is not None
    update = {"transferred_to": FALLBACK, "summary": "About a bill."}
    await world.store.change_call("acme", record.id, lambda now: now.model_copy(update=update))
    return f"{WHISPER}/acme/testing/{record.id}"


async def require_honest_ones(world: CarrierWorld, drawn: random.Random) -> str:
    """Every kind of honest request is carried out; the id of the call they are about."""
    call_id = new_call(drawn)
    ring = drawn.choice([form, json_body])
    rung = await world.send(ring(voice_target(), call_fields(call_id)))
    assert rung.status_code == HTTPStatus.OK, rung.text
    assert "<Stream" in rung.text
    assert await accepted(world, form(STATUS, status_fields(call_id, "in-progress", 1)))
    key_id, key = SHARED_KEYS["acme"]
    by_shared_key = {"key": key, "settings": f"key={key_id},algorithm=HMAC_SHA256"}
    stream = [*call_fields(call_id), ("StreamEvent", "stream-started")]
    assert await accepted(world, form(STREAM, stream, algorithm="HMAC_SHA256", **by_shared_key))
    assert await accepted(world, form(AFTER, call_fields(call_id, CallStatus="in-progress")))
    assert await accepted(world, form(FALLBACK_TARGET, call_fields(call_id)))
    whispered = await whisper_target(world, call_id)
    assert await accepted(world, form(whispered, honest_fields(whispered, call_id)))
    conversation = f"conv_{drawn.getrandbits(48)}"
    told = news({"type": "post_call_audio", "data": {"conversation_id": conversation}})
    assert await accepted(world, told)
    assert await accepted(world, told)
    assert world.heard.count(conversation) == 1
    assert await world.opens(upgrade())
    assert await world.opens(upgrade(key=TOKENS["beta"]))
    assert await world.opens(upgrade(url=f"wss://{PUBLIC_HOST}:443/v1/media"))
    return call_id


@pytest.mark.slow
async def test_a_thousand_forged_requests_and_none_is_carried_out(
    postgres_url: str, tmp_path: Path
) -> None:
    drawn = random.Random(8)  # noqa: S311 - draws variants, no secret
    taken: Counter[str] = Counter()
    tried: Counter[str] = Counter()
    kinds = (voice_target(), AFTER, STATUS, STREAM, WHISPER, "news", "upgrade")
    async with carrier_world(postgres_url, tmp_path) as world:
        honest = [await require_honest_ones(world, drawn)]
        for count in range(VARIANTS):
            kind = kinds[count % len(kinds)]
            if kind == "upgrade":
                name, hit = "upgrade", await world.opens(forged_upgrade(drawn))
            elif kind == "news":
                name, hit = "news", await accepted(world, forged_news(drawn))
            else:
                name, forge = drawn.choice(sorted(FORGERIES.items()))
                about = new_call(drawn) if kind == voice_target() else honest[-1]
                target = await whisper_target(world, about) if kind == WHISPER else kind
                hit = await accepted(world, forge(drawn, target, honest_fields(target, about)))
                name = f"{name} {kind}"
            tried[name] += 1
            taken[name] += hit
            if count % HONEST_EVERY == 0:
                honest.append(await require_honest_ones(world, drawn))
        known = await world.store.calls("acme", CALLS, limit=VARIANTS)
        heard = len(world.heard)
        theirs = await world.store.calls("beta", CALLS, limit=VARIANTS)
    assert +taken == Counter()
    assert sum(tried.values()) == VARIANTS
    assert {name.partition(" ")[0] for name in tried} >= FORGERIES.keys()
    assert {record.carrier_call_id for record in known} == set(honest)
    assert theirs == ()
    assert heard == len(honest)
