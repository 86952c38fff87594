"""Keys that sign and verify evidence, behind ``ports.releasing.EvidenceKeys``."""

from trunkline.adapters.signing.ed25519 import Ed25519Keys, new_private_key

__all__ = ["Ed25519Keys", "new_private_key"]
