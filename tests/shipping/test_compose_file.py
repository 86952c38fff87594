"""The Compose file is of the official shape, closes what can be closed, and tells no secret."""

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema.validators import validator_for

PASSWORDS = re.compile(r"PASSWORD|PWD|TOKEN|SECRET|KEY|DATABASE_URL")
WRITABLE_ROOT = {"temporal-ui"}
"""Its start script writes its configuration beside itself."""


@pytest.fixture(scope="session")
def schema() -> Any:
    """The Compose Specification's own schema, as check-jsonschema carries it."""
    folder = files("check_jsonschema") / "builtin_schemas" / "vendor"
    return json.loads((folder / "compose-spec.json").read_text("utf-8"))


def test_the_file_is_of_the_official_shape(schema: Any, root: Path) -> None:
    document = yaml.safe_load((root / "docker-compose.yml").read_text("utf-8"))
    validator = validator_for(schema)(schema)
    assert [error.message for error in validator.iter_errors(document)] == []


def test_the_official_shape_would_notice(schema: Any, root: Path) -> None:
    document = yaml.safe_load((root / "docker-compose.yml").read_text("utf-8"))
    document["services"]["api"]["read_onyl"] = True
    assert not validator_for(schema)(schema).is_valid(document)


def test_every_container_is_closed_as_far_as_it_goes(compose: Any) -> None:
    for name, service in compose.services.items():
        assert service["read_only"] is (name not in WRITABLE_ROOT), name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        limits = service["deploy"]["resources"]["limits"]
        assert set(limits) == {"cpus", "memory", "pids"}, name
        assert "privileged" not in service, name
        assert "container_name" not in service, f"{name} could not be scaled"


def test_images_are_named_by_version(compose: Any) -> None:
    for name, service in compose.services.items():
        tag = service["image"].rpartition(":")[2]
        assert re.match(r"[0-9]", tag), name


def test_only_loopback_is_published_unless_somebody_says_so(compose: Any) -> None:
    published = [port for service in compose.services.values() for port in service.get("ports", ())]
    assert len(published) == 2
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_servers_have_a_check_and_steps_have_an_end(compose: Any) -> None:
    for name, service in compose.services.items():
        restart = service["restart"]
        waited_for = {
            each["depends_on"][name]["condition"]
            for each in compose.services.values()
            if name in each.get("depends_on", {})
        }
        if restart == "unless-stopped":
            assert waited_for <= {"service_healthy"}, name
            if name != "temporal-ui":
                assert "test" in service["healthcheck"], name
        else:
            assert restart.startswith("on-failure:"), name
            assert waited_for == {"service_completed_successfully"}, name


def test_nobody_waits_in_a_circle(compose: Any) -> None:
    order = compose.order()
    assert order.index("postgres") < order.index("temporal") < order.index("migrate")
    assert order.index("migrate") < order.index("worker")


def test_simulators_come_only_when_asked_for(compose: Any) -> None:
    assert compose.services["simulators"]["profiles"] == ["simulators"]
    assert compose.services["worker"]["depends_on"]["simulators"]["required"] is False


def test_no_secret_stands_in_the_file(root: Path) -> None:
    services = yaml.safe_load((root / "docker-compose.yml").read_text("utf-8"))["services"]
    for name, service in services.items():
        for variable, value in service.get("environment", {}).items():
            if PASSWORDS.search(variable):
                places = re.findall(r"\$\{\w+:?-([^}]*)\}", value)
                assert places, f"{name}: {variable}"
                assert set(places) <= {"", "development-only"}, f"{name}: {variable}"


def test_the_example_lists_every_setting_and_no_other(compose: Any, example: Any) -> None:
    used = set(re.findall(r"\$\{(\w+)", compose.text))
    assert set(example) - {"COMPOSE_PROFILES"} <= used
    assert used - set(example) == set()


def test_the_example_and_the_defaults_say_the_same(compose_with: Any, example: Any) -> None:
    keys = ("ELEVENLABS_API_KEY", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")
    plain = {name: example[name] for name in keys}
    assert compose_with(example).document == compose_with(plain).document


def test_what_is_mounted_is_there(compose: Any, root: Path) -> None:
    volumes = set(compose.document["volumes"])
    for name, service in compose.services.items():
        for mount in service.get("volumes", ()):
            source, target, *options = mount.split(":")
            assert target.startswith("/"), name
            if source.startswith("."):
                assert (root / source).is_dir(), f"{name}: {source}"
                assert options == ["ro"], f"{name}: {source}"
            else:
                assert source in volumes, f"{name}: {source}"


def test_what_postgres_runs_first_can_be_run(root: Path) -> None:
    script = root / "deploy" / "postgres" / "roles.sh"
    assert script.stat().st_mode & 0o111


def test_git_does_not_take_the_settings_of_an_installation(root: Path) -> None:
    ignored = (root / ".gitignore").read_text("utf-8").splitlines()
    assert {".env", "trunkline.env"} <= set(ignored)
    assert "*" in (root / "deploy" / "secrets" / ".gitignore").read_text("utf-8").splitlines()
