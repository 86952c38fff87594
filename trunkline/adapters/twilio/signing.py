"""Whether Twilio signed a request for one of our addresses, by the account's key or a shared one.

The signature is Twilio's own, computed by its client. What the client leaves open is decided here:
a default port may be named or not, anything else of the address must be as configured; a request
that names a shared key is held against that key and that algorithm alone, so that nobody can choose
the weaker way.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qs, urlsplit

from twilio.request_validator import HMAC_SHA1, HMAC_SHA256, RequestValidator
from twilio.request_validator import get_signature_algorithm as algorithm_of

from trunkline.model.calls.signed import Fields, SignedRequest, value_of

BODY_DIGEST = "bodySHA256"
SETTINGS_KEY = "key"
_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


class FormFields(dict[str, list[str]]):
    """Form fields as the vendor's validator asks for them: each name may come several times."""

    def __init__(self, pairs: Fields) -> None:
        super().__init__()
        for name, value in pairs:
            self.setdefault(name, []).append(value)

    def getlist(self, name: str) -> list[str]:
        """Every value of a field."""
        return self.get(name, [])


def is_signed(
    request: SignedRequest, url: str, *, token: str, shared_keys: Mapping[str, str]
) -> bool:
    """True if the request was signed for ``url`` with one of the account's keys.

    ``shared_keys`` are the account's, by their ids. Raises InvalidInput for fields that cannot be
    read.
    """
    key, algorithm = token, HMAC_SHA1
    if request.settings:
        key, algorithm = _shared_key(request.settings, shared_keys), HMAC_SHA256
    if not key or not request.signature.isascii():
        return False
    signed = FormFields(request.fields() if request.is_form else ())
    if request.content and not request.is_form and not _is_body_named(url, request.content):
        return False
    validator = RequestValidator(key)
    shown = request.signature.encode()
    wanted = [validator.compute_signature(one, signed, algorithm) for one in _spellings(url)]
    return any(hmac.compare_digest(each.encode(), shown) for each in wanted)


def _shared_key(settings: str, shared_keys: Mapping[str, str]) -> str:
    """The key the settings name; empty for one that is none of the account's."""
    parts = [part.partition("=") for part in settings.split(",")]
    named = tuple((name.strip(), value.strip()) for name, _, value in parts)
    alone = sorted(name for name, _ in named) == ["algorithm", SETTINGS_KEY]
    if not alone or algorithm_of(settings) != HMAC_SHA256:
        return ""
    return shared_keys.get(value_of(named, SETTINGS_KEY), "")


def _is_body_named(url: str, content: bytes) -> bool:
    """True if the address says which body it came with: nothing else of it is signed."""
    named = parse_qs(urlsplit(url).query).get(BODY_DIGEST, [])
    digest = hashlib.sha256(content).hexdigest()
    return len(named) == 1 and hmac.compare_digest(named[0].encode(), digest.encode())


def _spellings(url: str) -> Iterator[str]:
    """The address with its default port and without: Twilio signs either."""
    parts = urlsplit(url)
    default = _DEFAULT_PORTS.get(parts.scheme)
    if parts.port is None:
        yield url
        yield parts._replace(netloc=f"{parts.netloc}:{default}").geturl()
    elif parts.port == default:
        yield url
        yield parts._replace(netloc=parts.netloc.removesuffix(f":{default}")).geturl()
    else:
        yield url
