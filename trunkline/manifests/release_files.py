"""A release as the file that pins it: what the signature states is what this text reads back as.

Every writer of releases (promotions, rollbacks, holds, experiments) writes them here, so that a
file differs from the one before only where its meaning does.
"""

from trunkline.manifests.writing import manifest_text
from trunkline.model.base import JsonObject
from trunkline.model.kinds.base import API_VERSION
from trunkline.model.kinds.release import ReleaseSpec


def release_text(agent: str, spec: ReleaseSpec) -> str:
    """The whole file of an agent's release; what is not set is left out."""
    said: JsonObject = spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    return manifest_text(
        {
            "apiVersion": API_VERSION,
            "kind": "Release",
            "metadata": {"name": agent},
            "spec": said,
        }
    )
