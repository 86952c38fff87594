"""Which hosts are this machine: what goes to them leaves nobody's hands, encrypted or not."""

from ipaddress import ip_address


def is_this_machine(host: str) -> bool:
    """True for a name or an address of the loopback."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
