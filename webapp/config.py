"""Settings from the environment and, under the same names, from a TOML file; nonsense is refused by name."""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

import phonenumbers

from webapp.mail import addresses


class ConfigError(ValueError):
    """A setting that can't be used; the text names the setting and says what is expected."""


@dataclass(frozen=True)
class MailServer:
    """Where mail goes out (RFC 5321). `tls`: starttls, tls (from the first byte) or none; `password` is never shown."""

    host: str
    port: int
    tls: str
    user: str
    password: str = field(repr=False)
    sender: str


@dataclass(frozen=True)
class Config:
    """The desk's settings. `data` holds everything this installation writes.

    `tls` is where softphones register when a proxy for SIP over TLS and SRTP stands before the bridges.
    `web_processes` serve pages at the one address, and share it. Without a `mail` server mail stays queued.
    """

    data: Path
    web: tuple[str, int]
    sip: tuple[str, int]
    timezone: ZoneInfo
    country: str
    database_url: str
    tls: tuple[str, int] | None = None
    web_processes: int = 1
    mail: MailServer | None = None

    @property
    def web_url(self) -> str:
        """The address people type."""
        host, port = self.web
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    @property
    def recordings(self) -> Path:
        """Where the bridge leaves recordings."""
        return self.data / "recordings"

    @property
    def sounds(self) -> Path:
        """Sounds the head uploaded, with what they say; they win over the shipped ones."""
        return self.data / "sounds"


def load(environ: Mapping[str, str] | None = None) -> Config:
    """Read the settings. Raises ConfigError naming the first setting that can't be used."""
    settings = dict(os.environ if environ is None else environ)
    data = Path(settings.get("SECONDRING_DATA") or "var").absolute()
    for name, value in _from_toml(settings, data).items():
        settings.setdefault(name, value)
    data = Path(settings.get("SECONDRING_DATA") or "var").absolute()
    database_url = database(settings.get("DATABASE_URL") or f"sqlite:///{data / 'secondring.sqlite'}")
    return Config(
        data=data,
        web=host_and_port("SECONDRING_WEB", settings.get("SECONDRING_WEB") or "127.0.0.1:8000"),
        sip=host_and_port("SECONDRING_SIP", settings.get("SECONDRING_SIP") or "127.0.0.1:5060"),
        timezone=_timezone(settings.get("SECONDRING_TIMEZONE") or "Europe/Moscow"),
        country=_country(settings.get("SECONDRING_COUNTRY") or "RU"),
        database_url=database_url,
        tls=host_and_port("SECONDRING_TLS", settings["SECONDRING_TLS"]) if settings.get("SECONDRING_TLS") else None,
        web_processes=_web_processes(settings.get("SECONDRING_WEB_PROCESSES") or "1", database_url),
        mail=_mail_server(settings),
    )


def _from_toml(settings: Mapping[str, str], data: Path) -> dict[str, str]:
    named = settings.get("SECONDRING_CONFIG")
    path = Path(named) if named else data / "secondring.toml"
    if not named and not path.exists():
        return {}
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"SECONDRING_CONFIG: can't read {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not a TOML file: {error}") from None
    for name, value in values.items():
        if isinstance(value, (dict, list)):
            raise ConfigError(f"{path}: {name} should be one value in quotes")
    return {name: str(value) for name, value in values.items()}


def host_and_port(name: str, value: str) -> tuple[str, int]:
    """`("127.0.0.1", 8000)` of `127.0.0.1:8000`; IPv6 in brackets. Raises ConfigError."""
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^:\s\[\]]+):(\d{1,5})", value.strip())
    if not match or not 0 < int(match[2]) < 65536:
        raise ConfigError(f"{name}: {value!r} should be host:port, for example 127.0.0.1:8000")
    return match[1].strip("[]"), int(match[2])


def _timezone(value: str) -> ZoneInfo:
    try:
        return ZoneInfo(value)
    except Exception:
        raise ConfigError(f"SECONDRING_TIMEZONE: {value!r} is not a time zone; for example Europe/Moscow") from None


def _country(value: str) -> str:
    if value.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise ConfigError(f"SECONDRING_COUNTRY: {value!r} should be a two-letter country code, for example RU")
    return value.upper()


def database(value: str) -> str:
    """An address of a database that can be used. Raises ConfigError."""
    if not re.match(r"(sqlite|postgresql\+psycopg)://", value):
        raise ConfigError(
            "DATABASE_URL: should start with sqlite:/// or postgresql+psycopg://; "
            "for example postgresql+psycopg://user@localhost/secondring"
        )
    return value


def _web_processes(value: str, database_url: str) -> int:
    if not re.fullmatch(r"[1-9]|[12]\d|3[0-2]", value):
        raise ConfigError(f"SECONDRING_WEB_PROCESSES: {value!r} should be a number from 1 to 32")
    if value != "1" and database_url.startswith("sqlite"):
        raise ConfigError("SECONDRING_WEB_PROCESSES: more than one needs PostgreSQL (DATABASE_URL)")
    return int(value)


MAIL_PORTS = {"starttls": "587", "tls": "465", "none": "25", "insecure": "25"}


def _mail_server(settings: Mapping[str, str]) -> MailServer | None:
    address = settings.get("SECONDRING_SMTP") or ""
    if not address:
        if forgotten := next((name for name in settings if name.startswith("SECONDRING_SMTP_") and settings[name]), ""):
            raise ConfigError(f"{forgotten}: SECONDRING_SMTP is missing, for example mail.office.example")
        return None
    tls = settings.get("SECONDRING_SMTP_TLS") or "starttls"
    if tls not in MAIL_PORTS:
        raise ConfigError(f"SECONDRING_SMTP_TLS: {tls!r} should be starttls, tls, none or insecure")
    has_port = re.search(r"(?:^[^:]+|\]):[^:]*$", address.strip())
    host, port = host_and_port("SECONDRING_SMTP", address if has_port else f"{address.strip()}:{MAIL_PORTS[tls]}")
    if tls == "none" and not _is_this_machine(host):
        raise ConfigError(
            "SECONDRING_SMTP_TLS: none is for a mail server on this machine; letters and the password would cross the "
            "network for all to read. Set starttls or tls, or insecure when that is what you want"
        )
    sender = settings.get("SECONDRING_MAIL_FROM") or ""
    if not addresses.wire(sender):
        raise ConfigError(f"SECONDRING_MAIL_FROM: {sender!r} should be an e-mail address: whom mail comes from")
    user, password = settings.get("SECONDRING_SMTP_USER") or "", _smtp_password(settings)
    if bool(user) != bool(password):
        raise ConfigError(
            "SECONDRING_SMTP_PASSWORD: a user and a password belong together; set both or neither"
            if user
            else "SECONDRING_SMTP_USER: a password belongs to a user; set both or neither"
        )
    return MailServer(host, port, "none" if tls == "insecure" else tls, user, password, addresses.wire(sender))


def _smtp_password(settings: Mapping[str, str]) -> str:
    """The password, from its setting or a file; no message names any of it."""
    given, named = settings.get("SECONDRING_SMTP_PASSWORD") or "", settings.get("SECONDRING_SMTP_PASSWORD_FILE") or ""
    if given and named:
        raise ConfigError("SECONDRING_SMTP_PASSWORD_FILE: SECONDRING_SMTP_PASSWORD is set too; set one of them")
    if named:
        try:
            given = Path(named).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"SECONDRING_SMTP_PASSWORD_FILE: can't read {named}: {getattr(error, 'strerror', 'not a text')}"
            ) from None
        if not given:
            raise ConfigError(f"SECONDRING_SMTP_PASSWORD_FILE: {named} is empty")
    if any(sign in given for sign in "\r\n\0"):
        raise ConfigError("SECONDRING_SMTP_PASSWORD: a password is one line")
    return given


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def secret(data: Path, name: str) -> str:
    """The installation's secret `name`, kept in the data folder; made on first use, readable by its owner only."""
    path = data / name
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(fd, "w", encoding="ascii") as file:
        file.write(value := secrets.token_urlsafe(32))
    return value
