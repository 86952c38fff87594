"""What the doctor makes of a token's rights at a forge."""

from __future__ import annotations

import pytest

from trunkline.model.forges import ForgeAccess, ForgeKind, ForgePermission
from trunkline.services.diagnoses import forge_findings


@pytest.mark.parametrize(
    ("kind", "permission", "state"),
    [
        ("github", "admin", "ok"),
        ("github", "write", "ok"),
        ("github", "read", "failed"),
        ("gitea", "admin", "ok"),
        ("gitea", "write", "warning"),
        ("gitea", "none", "failed"),
    ],
)
def test_rights_are_judged_by_what_pull_requests_need(
    kind: ForgeKind, permission: ForgePermission, state: str
) -> None:
    access = ForgeAccess(repository="acme/manifests", login="bot", permission=permission)
    [finding] = forge_findings("forge.acme", kind, access)
    assert (finding.name, finding.state, bool(finding.advice)) == (
        "forge.acme",
        state,
        state != "ok",
    )
    assert f"bot has {permission} rights in acme/manifests" in finding.found
