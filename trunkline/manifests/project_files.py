"""The Project of a tree by itself: an error elsewhere does not hide whose signatures count."""

from trunkline.manifests.files import parse
from trunkline.manifests.inventory import documents_of
from trunkline.manifests.loading import PROJECT_FILE, manifest_paths
from trunkline.manifests.tree import SourceTree
from trunkline.model.kinds.project import Project
from trunkline.model.limits import MANIFEST_FILE_MAX_BYTES


def project_of(tree: SourceTree) -> Project | None:
    """The first sound Project of a tree, the one in ``trunkline.yaml`` before others; or None."""
    paths = sorted(manifest_paths(tree), key=lambda path: path != PROJECT_FILE)
    for path in paths:
        if tree.size(path) > MANIFEST_FILE_MAX_BYTES:
            continue
        for document in documents_of([parse(path, tree.read(path))]):
            if isinstance(document.manifest, Project):
                return document.manifest
    return None
