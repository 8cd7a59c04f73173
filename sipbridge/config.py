"""Settings of the bridge, from the environment and, under the same names, from a TOML file."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# The desk's own settings are here as well: both read the same file.
KNOWN = frozenset(
    f"SECONDRING_{name}"
    for name in (
        *("DATA", "WEB", "SIP", "RTP", "PEERS", "ACCOUNTS", "MAX_CALLS", "BRIDGE", "TLS", "TIMEZONE", "COUNTRY"),
        *("WEB_PROCESSES", "SMTP", "SMTP_TLS", "SMTP_USER", "SMTP_PASSWORD", "SMTP_PASSWORD_FILE", "MAIL_FROM"),
    )
)
LOOPBACK: tuple[Network, ...] = (ipaddress.IPv4Network("127.0.0.0/8"), ipaddress.IPv6Network("::1/128"))


class ConfigError(ValueError):
    """A setting that can't be used; the text names the setting and says what is expected."""


@dataclass(frozen=True, slots=True)
class AccountConfig:
    """A line registered at a PBX or trunk; its name is in lower case."""

    line: str
    user: str
    password: str = field(repr=False)
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Config:
    """What the bridge needs to know. `data` is absolute; `rtp_ports` are for RTP of callers and managers.

    `name` tells several bridges of one data folder and desk apart, '' for the only one.
    """

    data: Path
    web: tuple[str, int]
    sip: tuple[str, int]
    rtp_ports: range
    peers: tuple[Network, ...]
    accounts: tuple[AccountConfig, ...]
    max_calls: int
    name: str

    @property
    def bridge_folder(self) -> Path:
        """Where the bridge keeps its own files."""
        return self.data / (f"bridge-{self.name}" if self.name else "bridge")


def load(environ: Mapping[str, str] | None = None) -> Config:
    """Read the settings. Raises ConfigError naming the first one that can't be used."""
    settings = dict(os.environ if environ is None else environ)
    settings = {name: value for name, value in settings.items() if value.strip()}
    for name, value in _from_toml(settings).items():
        settings.setdefault(name, value)
    accounts = _accounts(settings.get("SECONDRING_ACCOUNTS", ""))
    sip = _host_and_port("SECONDRING_SIP", settings.get("SECONDRING_SIP", "127.0.0.1:5060"))
    return Config(
        data=Path(settings.get("SECONDRING_DATA", "var")).absolute(),
        web=_host_and_port("SECONDRING_WEB", settings.get("SECONDRING_WEB", "127.0.0.1:8000")),
        sip=sip,
        rtp_ports=_ports("SECONDRING_RTP", settings.get("SECONDRING_RTP", "16384-18383")),
        peers=_peers(settings.get("SECONDRING_PEERS"), sip[0], accounts),
        accounts=accounts,
        max_calls=_count("SECONDRING_MAX_CALLS", settings.get("SECONDRING_MAX_CALLS", "100")),
        name=_name("SECONDRING_BRIDGE", settings.get("SECONDRING_BRIDGE", "")),
    )


def _from_toml(settings: Mapping[str, str]) -> dict[str, str]:
    named = settings.get("SECONDRING_CONFIG")
    path = Path(named) if named else Path(settings.get("SECONDRING_DATA", "var")) / "secondring.toml"
    if not named and not path.exists():
        return {}
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"SECONDRING_CONFIG: can't read {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"SECONDRING_CONFIG: {path} is not a TOML file: {error}") from None
    for name, value in values.items():
        if name.startswith("SECONDRING_") and name not in KNOWN:
            raise ConfigError(f"{name} in {path} is no setting; there are {', '.join(sorted(KNOWN))}")
        if isinstance(value, (dict, list)):
            raise ConfigError(f"{name} in {path} should be one value in quotes")
    if not named and "SECONDRING_DATA" in values:
        raise ConfigError(f"SECONDRING_DATA in {path} can't say where {path.name} itself is looked for")
    return {name: str(value) for name, value in values.items()}


def _host_and_port(name: str, value: str) -> tuple[str, int]:
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^:\s\[\]]+):(\d{1,5})", value.strip())
    if not match or not 0 < int(match[2]) < 65536:
        raise ConfigError(f"{name}: {value!r} should be host:port, for example 127.0.0.1:5060")
    return match[1].strip("[]"), int(match[2])


def _ports(name: str, value: str) -> range:
    match = re.fullmatch(r"\s*(\d{1,5})\s*-\s*(\d{1,5})\s*", value)
    low, high = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1024 <= low < high <= 65535:
        raise ConfigError(f"{name}: {value!r} should be low-high from 1024 to 65535, for example 16384-18383")
    return range(low, high + 1)


def _count(name: str, value: str) -> int:
    if not re.fullmatch(r"\s*\d{1,5}\s*", value) or not 1 <= int(value) <= 10000:
        raise ConfigError(f"{name}: {value!r} should be a number from 1 to 10000")
    return int(value)


def _name(setting: str, value: str) -> str:
    if not re.fullmatch(r"[a-z0-9-]{0,20}", value.strip()):
        raise ConfigError(f"{setting}: {value!r} should be a short word of small letters, digits and dashes")
    return value.strip()


def _accounts(value: str) -> tuple[AccountConfig, ...]:
    """`line=user:password@host[:port]` separated by spaces; each part percent-decoded, `line=` optional."""
    accounts = []
    for number, item in enumerate(value.split(), start=1):
        match = re.fullmatch(r"(?:([^=:@]+)=)?([^:@=]+):([^:@]*)@(\[[0-9A-Fa-f:.]+\]|[^:@\[\]]+)(?::(\d{1,5}))?", item)
        port = int(match[5] or 5060) if match else 0
        if not match or not 0 < port < 65536:
            # The setting holds a password: say which item it is, never what it says.
            raise ConfigError(
                f"SECONDRING_ACCOUNTS: item {number} should be line=user:password@host:port"
                " (line= and :port may be left out; write %40 for @ and %3A for : inside a part)"
            )
        user = unquote(match[2])
        host = match[4].strip("[]")
        line = unquote(match[1] or match[2]).lower()
        accounts.append(AccountConfig(line, user, unquote(match[3]), host, port))
    lines = [account.line for account in accounts]
    for line in lines:
        if lines.count(line) > 1:
            raise ConfigError(f"SECONDRING_ACCOUNTS: the line {line!r} is named twice")
    known: dict[tuple[str, str, int], str] = {}
    for account in accounts:
        place = (account.user, account.host.lower(), account.port)
        if (first := known.setdefault(place, account.line)) != account.line:
            raise ConfigError(
                f"SECONDRING_ACCOUNTS: the lines {first!r} and {account.line!r} are one account of one PBX;"
                " each would take the other's registration away"
            )
    return tuple(accounts)


def _peers(value: str | None, own: str, accounts: tuple[AccountConfig, ...]) -> tuple[Network, ...]:
    """Who is served; unless told, this machine (a test call comes from `own`) and the PBXs of the accounts."""
    if value is None:
        hosts = [("SECONDRING_SIP", own), *(("SECONDRING_ACCOUNTS", account.host) for account in accounts)]
        found = (network for name, host in hosts for network in _networks_of(name, host))
        return tuple(dict.fromkeys((*LOOPBACK, *found)))
    networks: list[Network] = []
    for item in re.split(r"[\s,]+", value.strip()):
        try:
            networks.append(ipaddress.ip_network(item, strict=False))
        except ValueError:
            raise ConfigError(
                f"SECONDRING_PEERS: {item!r} should be an address or a network, for example 192.168.1.0/24"
            ) from None
    return tuple(networks)


def _networks_of(name: str, host: str) -> tuple[Network, ...]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except OSError as error:
        raise ConfigError(f"{name}: the host {host!r} is not found: {error.strerror}") from None
    addresses = (ipaddress.ip_address(str(address[0]).partition("%")[0]) for *_, address in found)
    return tuple(
        ipaddress.ip_network(address)
        for address in dict.fromkeys(addresses)
        if not any(address.version == known.version and address in known for known in LOOPBACK)
        and not address.is_unspecified
    )
