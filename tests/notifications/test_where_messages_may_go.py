"""An address in Git does not make the server speak to its own network."""

from ipaddress import ip_address

import pytest

from tests.notifications.receivers import Answer, HookServer
from trunkline.adapters.notifying.addresses import AddressGuard, is_public
from trunkline.adapters.notifying.posting import Poster
from trunkline.model.errors import (
    InvalidSettings,
    NotificationRefused,
    NotificationUnavailable,
)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *("100.64.0.1", "224.0.0.1", "255.255.255.255", "::1", "fe80::1", "fc00::1", "ff02::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1", "::"),
        *("198.18.0.1", "192.0.2.1", "2001:db8::1", "fec0::1"),
        *("192.0.0.192", "168.63.129.16", "::ffff:192.0.0.192", "64:ff9b::c000:c0", "3fff::1"),
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111"])
def test_addresses_that_are_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        *("https://127.0.0.1/x", "https://localhost/x", "https://[::1]/x", "https://10.0.0.1/x"),
        *("https://169.254.169.254/latest/meta-data", "http://1.1.1.1/x", "https://1.1.1.1:22/x"),
        *("https://2130706433/x", "https://0x7f.1/x", "https://0177.0.0.1/x", "ftp://1.1.1.1/x"),
        *("https://user:pass@1.1.1.1/x", "https:///x", "https://1.1.1.1:99999/x", "nothing"),
        "https://[::ffff:127.0.0.1]/x",
    ],
)
async def test_addresses_nobody_is_sent_to(url: str) -> None:
    with pytest.raises((NotificationRefused, NotificationUnavailable)):
        await AddressGuard().target(url)


async def test_a_public_address_is_judged_once_and_connected_to() -> None:
    target = await AddressGuard().target("https://1.1.1.1/services/x?y=1")
    assert (target.url, target.authority) == ("https://1.1.1.1:443/services/x?y=1", "1.1.1.1")


@pytest.mark.parametrize("allowed", ["127.0.0.0/8", "127.0.0.1", " 127.0.0.1 ", "127.0.0.1/32"])
async def test_an_operator_may_allow_a_network(allowed: str) -> None:
    target = await AddressGuard(["", allowed]).target("http://127.0.0.1:9/x")
    assert (target.address, target.port, target.authority) == ("127.0.0.1", 9, "127.0.0.1:9")


async def test_an_operator_may_allow_a_host() -> None:
    target = await AddressGuard(["localhost"]).target("http://localhost:9/x")
    assert target.host == "localhost"
    with pytest.raises(NotificationRefused):
        await AddressGuard(["otherhost"]).target("http://localhost:9/x")


def test_an_allowance_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidSettings):
        AddressGuard(["10.0.0.0/99"])


async def test_nobody_is_followed(hooks: HookServer) -> None:
    hooks.answers = [Answer(302, headers={"Location": "http://127.0.0.1:1/inside"})]
    with pytest.raises(NotificationRefused, match="nobody is followed"):
        await Poster(AddressGuard(["127.0.0.1"])).post(hooks.url, b"{}", {})
    assert len(hooks.received) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413])
async def test_a_definite_no_is_final(hooks: HookServer, status: int) -> None:
    hooks.answers = [Answer(status, "invalid_payload")]
    with pytest.raises(NotificationRefused, match=f"answered {status}: invalid_payload"):
        await Poster(AddressGuard(["127.0.0.1"])).post(hooks.url, b"{}", {})


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
async def test_anything_else_may_be_tried_again(hooks: HookServer, status: int) -> None:
    hooks.answers = [Answer(status, headers={"Retry-After": "7"})]
    with pytest.raises(NotificationUnavailable) as caught:
        await Poster(AddressGuard(["127.0.0.1"])).post(hooks.url, b"{}", {})
    assert caught.value.retry_after_s == 7.0


async def test_an_answer_is_read_up_to_a_bound_and_shows_no_address(hooks: HookServer) -> None:
    hooks.answers = [Answer(404, "no /services/T0/B0/secret here " + "x" * 1_000_000)]
    with pytest.raises(NotificationRefused) as caught:
        await Poster(AddressGuard(["127.0.0.1"])).post(
            f"{hooks.url}/services/T0/B0/secret", b"{}", {}
        )
    assert "secret" not in caught.value.message
    assert len(caught.value.message) < 300


async def test_a_recipient_that_says_nothing_is_left(hooks: HookServer) -> None:
    hooks.answering.clear()
    with pytest.raises(NotificationUnavailable, match="no answer within"):
        await Poster(AddressGuard(["127.0.0.1"]), timeout_s=0.2).post(hooks.url, b"{}", {})
