"""A port in use is one clear sentence; free ports are picked on request."""

import socket
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path

import pytest

from trunkline.listening import LOOPBACK, PICKED_FROM, TRIES, PortInUse, is_free
from trunkline.local.ports import FREE_PORTS, OPTIONS, StackPorts, free_port, resolve


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as somebody:
        somebody.bind((LOOPBACK, 0))
        somebody.listen(1)
        yield somebody.getsockname()[1]


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_a_taken_port_is_refused_with_its_number_and_the_option_that_moves_it(
    name: str, taken_port: int
) -> None:
    others = {other: free_port() for other in OPTIONS if other != name}
    with pytest.raises(PortInUse) as refusal:
        resolve(StackPorts(**{**others, name: taken_port}))
    purpose, option = OPTIONS[name]
    assert refusal.value.message == f"port {taken_port} for {purpose} is already in use"
    assert option in refusal.value.hint


def test_free_ports_are_different_and_free() -> None:
    ports = astuple(resolve(FREE_PORTS))
    assert len(set(ports)) == len(ports)
    assert all(port > 0 and is_free(port) for port in ports)


def test_a_free_port_is_none_the_kernel_gives_to_connections_meanwhile() -> None:
    said = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text()
    first, last = map(int, said.split())
    leaves_enough = first > PICKED_FROM + TRIES
    picked = {free_port() for _ in range(20)}
    assert [port for port in picked if first <= port <= last] == [] or not leaves_enough
    assert len(picked) > 1


def test_port_zero_for_the_api_frees_every_port_that_was_not_moved() -> None:
    moved = free_port()
    ports = resolve(StackPorts(api=0, temporal=moved))
    assert ports.temporal == moved
    assert ports.api not in {0, StackPorts().api}
    assert ports.elevenlabs != StackPorts().elevenlabs


def test_a_port_of_what_runs_elsewhere_is_not_asked_for(taken_port: int) -> None:
    needed = frozenset(OPTIONS) - {"temporal"}
    ports = resolve(StackPorts(0, temporal=taken_port), needed=needed)
    assert ports.temporal == taken_port
