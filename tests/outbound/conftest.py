"""The installation of the workflow tests, with an agent that calls people."""

from tests.workflows.conftest import make_stack, start_process

__all__ = ["make_stack", "start_process"]
