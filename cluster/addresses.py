"""Where a node listens and where its peers dial it, as text in files and on the command line.

What peers dial is a multiaddress of TCP: ``/ip4/192.0.2.7/tcp/9645`` or
``/dns4/node.example.org/tcp/9645``, also with ``ip6``, ``dns6``, and ``dns`` for either. A key
does not belong there: the genesis names it. What a node listens on is an IP address with a port,
``0.0.0.0:9645`` or ``[::]:9645``.
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

from cluster.ports import MAX_PORT

MAX_ADDRESS_CHARACTERS: Final = 300
_HOST_NAME: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?", re.IGNORECASE)
_IP_VERSIONS: Final = {"ip4": 4, "ip6": 6, "dns4": 4, "dns6": 6, "dns": None}
_EXAMPLE: Final = "expected one like /dns4/node.example.org/tcp/9645 or /ip4/192.0.2.7/tcp/9645"


@dataclass(frozen=True, slots=True)
class DialAddress:
    """Where peers reach a node.

    Attributes
    ----------
    host
        IP address or name.
    ip_version
        4 or 6; None for a name that may lead to either.
    """

    host: str
    port: int
    ip_version: int | None = None

    def __str__(self) -> str:
        version = "" if self.ip_version is None else str(self.ip_version)
        kind = f"ip{version}" if is_ip_address(self.host) else f"dns{version}"
        return f"/{kind}/{self.host}/tcp/{self.port}"


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """Where a node listens: an IP address and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def loopback(port: int) -> DialAddress:
    """A port of this machine."""
    return DialAddress("127.0.0.1", port, 4)


def parse_multiaddress(text: str) -> DialAddress:
    """Read what peers dial.

    Raises
    ------
    ValueError
        Saying what is expected.
    """
    if len(text) > MAX_ADDRESS_CHARACTERS:
        raise ValueError(f"an address of {len(text)} characters: {_EXAMPLE}")
    parts = text.split("/")
    if len(parts) > 5 and parts[5] == "p2p":
        raise ValueError(f"{text!r} names a peer id: leave it out, the genesis names the key")
    if len(parts) != 5 or parts[0] or parts[1] not in _IP_VERSIONS or parts[3] != "tcp":
        raise ValueError(f"{text!r} is no multiaddress of TCP: {_EXAMPLE}")
    _, kind, host, _, port = parts
    version = _IP_VERSIONS[kind]
    if kind.startswith("ip"):
        host = _ip_address(host, version)
        if ipaddress.ip_address(host).is_unspecified:
            raise ValueError(f"{text!r} is no address that a peer can dial: {_EXAMPLE}")
    elif is_ip_address(host) or not _HOST_NAME.fullmatch(host):
        raise ValueError(f"{host!r} is no host name: {_EXAMPLE}")
    return DialAddress(host, parse_port(port), version)


def parse_listen_address(text: str) -> ListenAddress:
    """Read what a node listens on.

    Raises
    ------
    ValueError
        Saying what is expected.
    """
    host, separator, port = text[:MAX_ADDRESS_CHARACTERS].rpartition(":")
    if not separator:
        raise ValueError(
            f"{text[:80]!r} is no address to listen on: expected one like 0.0.0.0:9645"
        )
    is_bracketed = host.startswith("[") and host.endswith("]")
    host = _ip_address(host[1:-1], 6) if is_bracketed else _ip_address(host, 4)
    return ListenAddress(host, parse_port(port))


def listening_for(address: DialAddress) -> ListenAddress:
    """Where a node listens that says nothing else: on this machine only, if peers dial it there."""
    if is_ip_address(address.host) and ipaddress.ip_address(address.host).is_loopback:
        return ListenAddress(address.host, address.port)
    return ListenAddress("::" if address.ip_version == 6 else "0.0.0.0", address.port)


def parse_port(value: object) -> int:
    """A port number, of text or of JSON.

    Raises
    ------
    ValueError
        If it is none.
    """
    is_number = isinstance(value, int) and not isinstance(value, bool)
    is_digits = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 5
    if not (is_number or is_digits) or not 1 <= int(str(value)) <= MAX_PORT:
        raise ValueError(f"port {str(value)[:20]} is outside 1 to {MAX_PORT}")
    return int(str(value))


def is_ip_address(host: str) -> bool:
    """Whether a host is an IP address and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _ip_address(host: str, version: int | None) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError as error:
        raise ValueError(f"{host[:80]!r} is no IP address") from error
    if address.version != version:
        raise ValueError(f"{host!r} is no IP address of version {version}")
    return str(address)
