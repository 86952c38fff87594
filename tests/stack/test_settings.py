"""The environment is checked at once, secrets stay hidden, real accounts need their keys."""

import pytest

from trunkline.model.errors import Blocked, InvalidSettings
from trunkline.settings import Settings, load_settings

LIVE = {
    "TRUNKLINE_PROVIDERS": "live",
    "ELEVENLABS_API_KEY": "key",
    "TWILIO_ACCOUNT_SID": "AC1",
    "TWILIO_AUTH_TOKEN": "token",
}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.validation_alias), raising=False)


def loaded(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def test_simulators_are_the_default_and_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = loaded(monkeypatch)
    assert settings.providers == "simulators"
    assert settings.elevenlabs_base_url == "http://127.0.0.1:8811"
    settings.require_simulators()
    settings.require_providers()
    assert not settings.live


def test_live_accounts_are_reached_where_the_vendors_are(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = loaded(monkeypatch, **LIVE)
    settings.require_providers()
    assert settings.live
    assert settings.elevenlabs_base_url == "https://api.elevenlabs.io"
    assert settings.twilio_base_url == "https://api.twilio.com"


@pytest.mark.parametrize("name", ["ELEVENLABS_BASE_URL", "TWILIO_BASE_URL"])
def test_live_keys_never_travel_unencrypted(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with pytest.raises(Blocked, match=f"{name} is http://simulators:8811"):
        loaded(monkeypatch, **LIVE, **{name: "http://simulators:8811"}).require_providers()
    loaded(monkeypatch, **LIVE, **{name: "https://proxy.example.com"}).require_providers()
    loaded(monkeypatch, **LIVE, **{name: "http://127.0.0.1:8811"}).require_providers()


def test_the_local_stack_never_takes_live_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Blocked, match="TRUNKLINE_PROVIDERS=live"):
        loaded(monkeypatch, **LIVE).require_simulators()


@pytest.mark.parametrize("missing", sorted(set(LIVE) - {"TRUNKLINE_PROVIDERS"}))
def test_the_refusal_names_a_missing_key(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    present = {name: value for name, value in LIVE.items() if name != missing}
    with pytest.raises(Blocked, match=f"not set: {missing}"):
        loaded(monkeypatch, **present).require_providers()


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("ELEVENLABS_BASE_URL", "https://api.elevenlabs.io"),
        ("ELEVENLABS_BASE_URL", "https://api.eu.residency.elevenlabs.io/"),
        ("TWILIO_BASE_URL", "https://api.twilio.com"),
    ],
)
def test_a_real_address_is_refused_while_simulators_are_chosen(
    monkeypatch: pytest.MonkeyPatch, name: str, url: str
) -> None:
    with pytest.raises(Blocked, match=name):
        loaded(monkeypatch, **{name: url}).require_providers()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRUNKLINE_PROVIDERS", "both"),
        ("TRUNKLINE_PROJECT", "Not A Name"),
        ("TRUNKLINE_POLL_INTERVAL", "often"),
        ("TRUNKLINE_POLL_INTERVAL", "10ms"),
        ("TRUNKLINE_COMMENT_INTERVAL", "10ms"),
        ("TRUNKLINE_HEARTBEAT_TIMEOUT", "0s"),
        ("TRUNKLINE_STICKY_TIMEOUT", "10ms"),
        ("TWILIO_BASE_URL", "file:///etc"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    with pytest.raises(InvalidSettings, match=name):
        loaded(monkeypatch, **{name: value})


def test_an_empty_variable_is_an_absent_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert loaded(monkeypatch, DATABASE_URL="").database_url is None


def test_a_missing_database_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidSettings, match="DATABASE_URL is not set") as refusal:
        loaded(monkeypatch).database()
    assert "trunkline dev" in refusal.value.hint


def test_no_secret_shows_in_the_settings_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = loaded(
        monkeypatch,
        ELEVENLABS_API_KEY="sk_very_secret",
        DATABASE_URL="postgresql://u:pw_very_secret@h/d",
        TRUNKLINE_GIT_TOKEN="git_very_secret",
        TRUNKLINE_SECRET_ACME_BOOKING="tool_very_secret",
    )
    assert "very_secret" not in repr(settings)
    assert "very_secret" not in settings.model_dump_json()
    assert set(settings.secret_values()) == {
        "sk_very_secret",
        "postgresql://u:pw_very_secret@h/d",
        "git_very_secret",
        "tool_very_secret",
    }
