"""Everything a process is told by its environment, read once, checked at once.

Server configuration comes from here and never from Git: credentials, addresses, where state lives.
A secret is a SecretStr and prints as stars; an error names the variable and never its value. What
belongs to one manifests repository stands in its Project manifest instead.
"""

import os
import re
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import (
    AliasChoices,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from trunkline.model.durations import Duration
from trunkline.model.errors import Blocked, InvalidSettings
from trunkline.model.forges import ForgeKind
from trunkline.model.hosts import is_this_machine
from trunkline.model.ids import (
    FORGE_TOKEN_PREFIX,
    GIT_TOKEN_PREFIX,
    NAME_PATTERN,
    PLATFORM_WEBHOOK_SECRET_PREFIX,
    WEBHOOK_SECRET_PREFIX,
)
from trunkline.model.pulls.commands import ForgePerson

Providers = Literal["simulators", "live"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]

_VENDOR_DOMAINS = ("elevenlabs.io", "twilio.com")
_LIVE_KEYS = {
    "elevenlabs_api_key": "ELEVENLABS_API_KEY",
    "twilio_account_sid": "TWILIO_ACCOUNT_SID",
    "twilio_auth_token": "TWILIO_AUTH_TOKEN",
}
_BASE_URLS = {
    "elevenlabs_base_url": ("http://127.0.0.1:8811", "https://api.elevenlabs.io"),
    "twilio_base_url": ("http://127.0.0.1:8812", "https://api.twilio.com"),
}
"""Where a vendor is unless the setting says otherwise: simulated, and real."""
_TOOL_SECRETS = "TRUNKLINE_SECRET_"
_POLL_INTERVAL_MIN = timedelta(seconds=1)


class Settings(BaseSettings):
    """The environment of a worker, an API server or the local stack."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    project: str = Field("", validation_alias="TRUNKLINE_PROJECT")
    repository: str = Field("", validation_alias="TRUNKLINE_REPOSITORY")
    branch: str = Field("main", validation_alias="TRUNKLINE_BRANCH")
    poll_interval: Duration = Field(
        timedelta(seconds=60), validation_alias="TRUNKLINE_POLL_INTERVAL"
    )
    git_token: SecretStr | None = Field(None, validation_alias="TRUNKLINE_GIT_TOKEN")
    webhook_secret: SecretStr | None = Field(None, validation_alias="TRUNKLINE_WEBHOOK_SECRET")

    temporal_address: str = Field("127.0.0.1:7233", validation_alias="TEMPORAL_ADDRESS")
    temporal_namespace: str = Field("default", validation_alias="TEMPORAL_NAMESPACE")
    database_url: SecretStr | None = Field(None, validation_alias="DATABASE_URL")

    providers: Providers = Field("simulators", validation_alias="TRUNKLINE_PROVIDERS")
    elevenlabs_api_key: SecretStr | None = Field(None, validation_alias="ELEVENLABS_API_KEY")
    elevenlabs_base_url: str = Field(
        "", validate_default=True, validation_alias="ELEVENLABS_BASE_URL"
    )
    twilio_account_sid: str | None = Field(None, validation_alias="TWILIO_ACCOUNT_SID")
    twilio_auth_token: SecretStr | None = Field(None, validation_alias="TWILIO_AUTH_TOKEN")
    twilio_base_url: str = Field("", validate_default=True, validation_alias="TWILIO_BASE_URL")
    twilio_shared_keys: dict[str, dict[str, SecretStr]] = Field(
        default_factory=dict, validation_alias="TRUNKLINE_TWILIO_SHARED_KEYS"
    )
    elevenlabs_webhook_secret: SecretStr | None = Field(
        None, validation_alias="TRUNKLINE_ELEVENLABS_WEBHOOK_SECRET"
    )

    github_token: SecretStr | None = Field(None, validation_alias="GITHUB_TOKEN")
    forge_url: str | None = Field(None, validation_alias="TRUNKLINE_FORGE_URL")
    forge: ForgeKind | None = Field(None, validation_alias="TRUNKLINE_FORGE")
    forge_token: SecretStr | None = Field(None, validation_alias="TRUNKLINE_FORGE_TOKEN")
    forge_people: dict[str, ForgePerson] = Field(
        default_factory=dict, validation_alias="TRUNKLINE_FORGE_PEOPLE"
    )
    public_url: str | None = Field(None, validation_alias="TRUNKLINE_PUBLIC_URL")
    signing_key: SecretStr | None = Field(None, validation_alias="TRUNKLINE_SIGNING_KEY")
    home: Path | None = Field(None, validation_alias="TRUNKLINE_HOME")

    smtp_url: SecretStr | None = Field(None, validation_alias="TRUNKLINE_SMTP_URL")
    mail_from: str = Field("", validation_alias="TRUNKLINE_MAIL_FROM")
    notify_allow: str = Field("", validation_alias="TRUNKLINE_NOTIFY_ALLOW")

    judge_url: str = Field("", validation_alias="TRUNKLINE_JUDGE_URL")
    judge_model: str = Field("", validation_alias="TRUNKLINE_JUDGE_MODEL")
    judge_key: SecretStr | None = Field(None, validation_alias="TRUNKLINE_JUDGE_KEY")
    judge_price: float = Field(5.0, ge=0, validation_alias="TRUNKLINE_JUDGE_PRICE")

    oidc_issuer: str = Field("", validation_alias="TRUNKLINE_OIDC_ISSUER")
    oidc_client_id: str = Field("", validation_alias="TRUNKLINE_OIDC_CLIENT_ID")
    oidc_client_secret: SecretStr | None = Field(
        None, validation_alias="TRUNKLINE_OIDC_CLIENT_SECRET"
    )
    oidc_scopes: str = Field("openid email profile", validation_alias="TRUNKLINE_OIDC_SCOPES")
    oidc_roles: str = Field("", validation_alias="TRUNKLINE_OIDC_ROLES")
    session_age: Duration = Field(timedelta(hours=8), validation_alias="TRUNKLINE_SESSION_AGE")
    token_max_age: Duration | None = Field(None, validation_alias="TRUNKLINE_TOKEN_MAX_AGE")

    metrics_port: int | None = Field(
        None, ge=0, le=65_535, validation_alias="TRUNKLINE_METRICS_PORT"
    )
    metrics_host: str = Field("127.0.0.1", validation_alias="TRUNKLINE_METRICS_HOST")
    log_level: LogLevel = Field("INFO", validation_alias="TRUNKLINE_LOG_LEVEL")

    api_rate: float = Field(50.0, gt=0, le=100_000, validation_alias="TRUNKLINE_API_RATE")
    api_burst: int = Field(200, ge=1, le=1_000_000, validation_alias="TRUNKLINE_API_BURST")
    cors_origins: str = Field("", validation_alias="TRUNKLINE_CORS_ORIGINS")
    trusted_proxies: str = Field("", validation_alias="TRUNKLINE_TRUSTED_PROXIES")
    comment_interval: Duration = Field(
        timedelta(seconds=15), validation_alias="TRUNKLINE_COMMENT_INTERVAL"
    )
    heartbeat_timeout: Duration = Field(
        timedelta(seconds=15), validation_alias="TRUNKLINE_HEARTBEAT_TIMEOUT"
    )
    sticky_timeout: Duration = Field(
        timedelta(seconds=5), validation_alias="TRUNKLINE_STICKY_TIMEOUT"
    )
    call_drain: Duration = Field(timedelta(seconds=2), validation_alias="TRUNKLINE_CALL_DRAIN")
    otlp_endpoint: str = Field("", validation_alias="TRUNKLINE_OTLP_ENDPOINT")
    otlp_standard_endpoint: str = Field(
        "",
        validation_alias=AliasChoices(
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"
        ),
    )
    otlp_headers: SecretStr | None = Field(None, validation_alias="OTEL_EXPORTER_OTLP_HEADERS")
    trace_ratio: float = Field(1.0, ge=0, le=1, validation_alias="TRUNKLINE_TRACE_RATIO")

    @field_validator("project")
    @classmethod
    def _project_is_a_name(cls, project: str) -> str:
        if project and not re.match(NAME_PATTERN, project):
            raise ValueError("write lower-case letters, digits and dashes, at most 63")
        return project

    @field_validator("poll_interval", "comment_interval", "heartbeat_timeout", "sticky_timeout")
    @classmethod
    def _poll_is_bounded(cls, interval: timedelta) -> timedelta:
        if interval < _POLL_INTERVAL_MIN:
            raise ValueError("the shortest is 1s")
        return interval

    @field_validator("otlp_endpoint", "otlp_standard_endpoint")
    @classmethod
    def _collector_is_an_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError("write an address such as http://127.0.0.1:4318")
        return url

    @field_validator("cors_origins")
    @classmethod
    def _origins_are_exact(cls, listed: str) -> str:
        for origin in _listed(listed):
            parts = urlsplit(origin)
            exact = parts.scheme in {"http", "https"} and parts.hostname and "*" not in origin
            if not exact or origin != f"{parts.scheme}://{parts.netloc}" or "@" in origin:
                raise ValueError("list origins such as https://status.example.com, with commas")
        return listed

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies_are_addresses(cls, listed: str) -> str:
        try:
            networks = [ip_network(proxy) for proxy in _listed(listed)]
        except ValueError:
            raise ValueError("list addresses and networks such as 127.0.0.1, 10.0.0.0/8") from None
        if any(network.prefixlen == 0 for network in networks):
            raise ValueError("name the proxies: who trusts every address trusts every stranger")
        return listed

    @field_validator("judge_url")
    @classmethod
    def _judge_is_an_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.query):
            raise ValueError("write an address such as https://api.example.com/v1")
        return url.rstrip("/")

    @field_validator("forge_url")
    @classmethod
    def _forge_is_an_address(cls, url: str | None) -> str | None:
        parts = urlsplit(url or "")
        if url and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.query):
            raise ValueError("write the address of an API, as https://git.example.com/api/v1")
        return url.rstrip("/") if url else None

    @field_validator("elevenlabs_base_url", "twilio_base_url")
    @classmethod
    def _base_is_an_address(cls, given: str, info: ValidationInfo) -> str:
        simulated, real = _BASE_URLS[info.field_name or ""]
        url = given or (real if info.data.get("providers") == "live" else simulated)
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("write an address such as http://127.0.0.1:8811")
        return url.rstrip("/")

    def database(self) -> str:
        """The database URL. Raises InvalidSettings if it is not set."""
        if self.database_url is None:
            raise InvalidSettings(
                "DATABASE_URL is not set",
                hint="give a PostgreSQL URL, or run `trunkline dev`, which brings its own",
            )
        return self.database_url.get_secret_value()

    @property
    def traced(self) -> bool:
        """True if a collector is named that takes spans."""
        return bool(self.otlp_endpoint or self.otlp_standard_endpoint)

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """Origins whose pages may ask the API from a browser."""
        return _listed(self.cors_origins)

    @property
    def proxies(self) -> tuple[str, ...]:
        """Addresses and networks whose word counts about who asks."""
        return _listed(self.trusted_proxies)

    @property
    def live(self) -> bool:
        """True if real accounts are reached."""
        return self.providers == "live"

    def require_providers(self) -> None:
        """Raises Blocked for real accounts without keys or by way of an address that would show
        them, and for real addresses nobody asked for.
        """
        if not self.live:
            self._require_simulators()
            return
        missing = [name for field, name in _LIVE_KEYS.items() if not getattr(self, field)]
        if missing:
            raise Blocked(
                f"TRUNKLINE_PROVIDERS=live needs the accounts' keys; not set: {', '.join(missing)}",
                hint="set them, or unset TRUNKLINE_PROVIDERS to work on the simulators",
            )
        for name, url in self._vendor_addresses().items():
            parts = urlsplit(url)
            if parts.scheme != "https" and not is_this_machine(parts.hostname or ""):
                raise Blocked(
                    f"{name} is {url}: keys of a real account do not travel unencrypted",
                    hint=f"leave {name} empty for the vendor's own address, or give one with https",
                )

    def require_simulators(self) -> None:
        """Raises Blocked where a real account could be reached."""
        if self.live:
            raise Blocked(
                "TRUNKLINE_PROVIDERS=live: the local stack works on the simulators it brings",
                hint="unset it here; for real accounts: `trunkline serve` and `trunkline worker`",
            )
        self._require_simulators()

    def require_judge(self) -> None:
        """Raises InvalidSettings for half of a judge, Blocked for an address its key must not
        travel to.
        """
        if not self.judge_url and not self.judge_model:
            return
        if not self.judge_url or not self.judge_model:
            absent = "TRUNKLINE_JUDGE_MODEL" if self.judge_url else "TRUNKLINE_JUDGE_URL"
            raise InvalidSettings(
                f"{absent} is not set",
                hint="TRUNKLINE_JUDGE_URL and TRUNKLINE_JUDGE_MODEL name the judge together",
            )
        parts = urlsplit(self.judge_url)
        in_clear = parts.scheme != "https" and not is_this_machine(parts.hostname or "")
        if self.judge_key and in_clear:
            raise Blocked(
                "TRUNKLINE_JUDGE_URL has no https: TRUNKLINE_JUDGE_KEY does not travel unencrypted",
                hint="give an address with https, or one on this machine",
            )

    def require_forge(self) -> None:
        """Raises Blocked for a forge's address its token must not travel to."""
        parts = urlsplit(self.forge_url or "")
        if self.forge_url and parts.scheme != "https" and not is_this_machine(parts.hostname or ""):
            raise Blocked(
                "TRUNKLINE_FORGE_URL has no https: a forge's token does not travel unencrypted",
                hint="give an address with https, or one on this machine",
            )

    def _require_simulators(self) -> None:
        for name, url in self._vendor_addresses().items():
            if _is_vendor(urlsplit(url).hostname or ""):
                raise Blocked(
                    f"{name} names a real provider while TRUNKLINE_PROVIDERS is simulators",
                    hint=f"point {name} at a simulator, for instance one of `trunkline simulate`",
                )

    def _vendor_addresses(self) -> dict[str, str]:
        return {
            "ELEVENLABS_BASE_URL": self.elevenlabs_base_url,
            "TWILIO_BASE_URL": self.twilio_base_url,
        }

    def shared_keys(self) -> dict[str, dict[str, str]]:
        """Keys beside an account's own that Twilio may sign with, by account and id."""
        return {
            account: {key_id: key.get_secret_value() for key_id, key in keys.items()}
            for account, keys in self.twilio_shared_keys.items()
        }

    def secret_values(self) -> tuple[str, ...]:
        """Every secret this process was given, so that logs can be kept free of them."""
        values = (getattr(self, name) for name in type(self).model_fields)
        own = [value.get_secret_value() for value in values if isinstance(value, SecretStr)]
        own += [key for keys in self.shared_keys().values() for key in keys.values()]
        prefixes = (
            _TOOL_SECRETS,
            GIT_TOKEN_PREFIX,
            FORGE_TOKEN_PREFIX,
            WEBHOOK_SECRET_PREFIX,
            PLATFORM_WEBHOOK_SECRET_PREFIX,
        )
        tools = [value for name, value in os.environ.items() if name.startswith(prefixes)]
        parts = [part for secret in own for part in _parts_of_key(secret)]
        headers = self.otlp_headers.get_secret_value() if self.otlp_headers else ""
        parts += [pair.partition("=")[2].strip() for pair in headers.split(",")]
        return tuple(secret for secret in [*own, *parts, *tools] if secret)


def _parts_of_key(secret: str) -> list[str]:
    """The lines of a key that is a block, and what follows the name of its kind: whoever repeats
    one of them alone tells the secret, too.
    """
    lines = secret.replace("\\n", "\n").splitlines()
    if len(lines) > 1:
        return [line.strip() for line in lines if line.strip() and not line.startswith("-----")]
    kind, _, rest = secret.partition(":")
    password = urlsplit(rest).password if kind in {"smtp", "smtps"} else None
    return [password] if password else [rest] if kind == "ed25519" else []


def _listed(words: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in words.split(",") if word.strip())


def _is_vendor(host: str) -> bool:
    return any(host == domain or host.endswith(f".{domain}") for domain in _VENDOR_DOMAINS)


def load_settings() -> Settings:
    """The settings of this process. Raises InvalidSettings naming every variable that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
            for problem in error.errors(include_input=False, include_url=False)
        )
        raise InvalidSettings(f"the environment is not usable: {problems}") from None
