"""The local stack's key for evidence: made at the first start, so that promotions work at once.

Its public half goes into the manifests the stack's repository is made from. A repository that is
there already is its owner's and is never edited: the doctor says what to add.
"""

from collections.abc import Mapping
from pathlib import Path

from trunkline.adapters.signing import Ed25519Keys, new_private_key
from trunkline.local.private_files import write_privately
from trunkline.manifests.key_edits import with_public_key
from trunkline.manifests.loading import PROJECT_FILE
from trunkline.model.evidence import usable_keys
from trunkline.model.manifests import Manifests

KEY_FILE = "signing-key.pem"


def ensure(home: Path) -> str:
    """The private key of the stack in ``home`` as a PEM block."""
    path = home / KEY_FILE
    if not path.exists():
        write_privately(path, new_private_key())
    return path.read_text("ascii")


def unlisted_key(manifests: Manifests, private_key: str) -> str:
    """The public key, if the Project promotes and does not list it; else ""."""
    spec = manifests.project.manifest.spec
    own = Ed25519Keys(private_key).public_key
    listed = usable_keys(spec.signing.public_keys if spec.signing is not None else ())
    promotes = any(environment.promotion is not None for environment in spec.environments)
    return own if promotes and own not in listed else ""


def texts_with_key(folder: Path, private_key: str) -> Mapping[str, str]:
    """Files of a folder of manifests that have to change for the key's signatures to count.

    Nothing, if they count already or the Project cannot be read. Raises InvalidSettings for a text
    that is no key.
    """
    path = folder / PROJECT_FILE
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return {}
    edited = with_public_key(text, Ed25519Keys(private_key).public_key)
    return {} if edited == text else {PROJECT_FILE: edited}
