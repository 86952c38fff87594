"""The installation of the workflow tests, with the manifests repository on a stand-in forge."""

from tests.workflows.conftest import make_stack, start_process

__all__ = ["make_stack", "start_process"]
