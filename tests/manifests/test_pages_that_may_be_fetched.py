"""The vendor is sent to public pages only, and never with a password."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from trunkline.manifests import Inspection

Look = Callable[[Mapping[str, str | bytes]], Inspection]


def document(source: str) -> dict[str, str | bytes]:
    return {
        "knowledge.yaml": "apiVersion: trunkline/v1alpha1\nkind: KnowledgeDocument\n"
        f"metadata: {{ name: hours }}\nspec: {{ title: Hours, source: {{ {source} }} }}\n"
    }


@pytest.mark.parametrize(
    "address",
    [
        "https://shop.example.com",
        "http://shop.example.com/hours?day=1&time=2#noon",
        "https://SHOP.Example.COM:8443/",
        "https://shop.example.com./",
        "https://xn--mnchen-3ya.example/",
        "https://shop.example.com/mail/ada@example.com",
        "https://localhost.example.com/",
        "https://10.example.com/",
    ],
)
def test_a_public_page_may_be_fetched(address: str, look: Look) -> None:
    assert look(document(f'url: "{address}"')).problems == ()


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "gopher://shop.example.com/",
        "javascript:alert(1)",
        "//shop.example.com/",
        "shop.example.com",
        "https://",
        "https:///hours",
        "https://shop.example.com/a b",
        "https://shop.example.com\\\\@10.0.0.1/",
        "https://shop.example.com/\\u0000",
        "https://shop.example.com/\\u007f",
        "https://localhost/",
        "https://localhost./",
        "https://wiki/",
        "https://app.localhost/",
        "https://db.internal/",
        "https://metadata.google.internal/computeMetadata/v1/",
        "https://printer.local/",
        "https://nas.home.arpa/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.0.0.1/",
        "https://0177.0.0.1/",
        "https://10.0.0.1/",
        "https://172.16.0.1/",
        "https://192.168.0.1./",
        "https://169.254.169.254/latest/meta-data/",
        "https://0.0.0.0/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[fd00::1]:8080/",
        "https://127\\u30020\\u30020\\u30021/",
        "https://\\uff11\\uff12\\uff17.0.0.1/",
        "https://%31%32%37.0.0.1/",
        "https://shop..example.com/",
        "https://-shop.example.com/",
        "https://shop.example.com:0/",
        "https://shop.example.com:/",
        "https://shop.example.com:80a/",
    ],
)
@pytest.mark.parametrize("key", ["url", "website"])
def test_anything_else_is_refused_at_its_place(key: str, address: str, look: Look) -> None:
    [problem] = look(document(f'{key}: "{address}"')).problems
    assert (problem.position.line, problem.position.column) == (4, 35 + len(key))
    assert problem.message.startswith(f"spec.source.{key}: must ")


@pytest.mark.parametrize(
    "address",
    [
        "https://ada:pa55word@shop.example.com/",
        "https://pa55word@shop.example.com/",
        "ftp://ada:pa55word@shop.example.com/",
        "https://ada:pa55word@127.0.0.1/",
        "ada:pa55word@shop.example.com",
    ],
)
def test_a_password_is_refused_and_not_repeated(address: str, look: Look) -> None:
    [problem] = look(document(f'url: "{address}"')).problems
    assert "must not carry a user or a password" in problem.message
    assert "pa55word" not in str(problem)


def test_an_address_has_a_bound(look: Look) -> None:
    [problem] = look(document(f"url: https://shop.example.com/{'a' * 2048}")).problems
    assert "2048" in problem.message


def test_a_website_is_warned_about_and_stops_nothing(look: Look) -> None:
    found = look(document("website: https://shop.example.com"))
    assert found.problems == ()
    [warning] = found.warnings
    assert str(warning).startswith("knowledge.yaml:4:42: websites are not crawled yet")
