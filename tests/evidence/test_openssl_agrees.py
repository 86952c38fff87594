"""What Trunkline signs openssl verifies, and what openssl signs counts."""

import base64
import json
import subprocess
from pathlib import Path

from tests.evidence.worlds import World
from trunkline.adapters.signing import Ed25519Keys
from trunkline.manifests.documents import read_documents
from trunkline.manifests.release_files import release_text
from trunkline.model.evidence import PAYLOAD_TYPE, statement


def openssl(*arguments: str | Path) -> bytes:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def payload_by_hand(text: str) -> bytes:
    """The bytes as docs/evidence.md says to make them, with nothing of ours but a YAML reader."""
    [document] = read_documents(text)
    release = json.loads(json.dumps(document.value))
    spec = release["spec"]
    spec.pop("hold", None)
    spec["evidence"].pop("signature")
    said = {"project": "acme", "agent": release["metadata"]["name"], "spec": spec}
    body = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(body), body)


def test_openssl_makes_a_key_and_verifies_what_is_signed_with_it(
    world: World, tmp_path: Path
) -> None:
    secret, public = tmp_path / "key.pem", tmp_path / "key.pub"
    openssl("genpkey", "-algorithm", "ed25519", "-out", secret)
    openssl("pkey", "-in", secret, "-pubout", "-out", public)
    world.keys = Ed25519Keys(secret.read_text())
    release = world.release(hold={"reason": "rolled back", "by": "trunkline"})
    assert world.problem(release, public_keys=(public.read_text(),)) == ""

    payload = payload_by_hand(release_text("front-desk", release))
    assert payload == statement("acme", "front-desk", release)
    (tmp_path / "payload").write_bytes(payload)
    signature = base64.b64decode(str(release.evidence["signature"]))
    (tmp_path / "signature").write_bytes(signature)
    said = openssl(
        *("pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin"),
        *("-in", tmp_path / "payload", "-sigfile", tmp_path / "signature"),
    )
    assert b"Signature Verified Successfully" in said


def test_a_signature_of_openssl_counts(world: World, tmp_path: Path) -> None:
    secret = tmp_path / "key.pem"
    openssl("genpkey", "-algorithm", "ed25519", "-out", secret)
    keys = Ed25519Keys(secret.read_text())
    (tmp_path / "payload").write_bytes(b"any bytes")
    made = openssl("pkeyutl", "-sign", "-inkey", secret, "-rawin", "-in", tmp_path / "payload")
    signature = base64.b64encode(made).decode()
    assert world.keys.verifies(b"any bytes", signature, keys.public_key)
    assert not world.keys.verifies(b"other bytes", signature, keys.public_key)
