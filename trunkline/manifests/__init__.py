"""Manifests as people write them: files, YAML and positions in, checked values or problems out."""

from trunkline.manifests.loading import (
    Caches,
    Inspection,
    check,
    inspect,
    load,
    load_releases,
    manifest_paths,
    review,
)
from trunkline.manifests.tree import DirectoryTree, SourceTree

__all__ = [
    "Caches",
    "DirectoryTree",
    "Inspection",
    "SourceTree",
    "check",
    "inspect",
    "load",
    "load_releases",
    "manifest_paths",
    "review",
]
