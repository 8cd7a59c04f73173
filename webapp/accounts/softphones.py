"""Softphones that register at the bridge itself: their secrets, and the directory by which the bridge knows them.

A secret is made here, shown once, and kept only as the digests that prove it (RFC 7616 3.4.2, RFC 8760). Linphone
can fetch its settings from an address that works once and for LINK_FOR; they hold the digests, never the secret.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from xml.etree import ElementTree

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from sipbridge.events import Directory, PhoneSecret
from webapp import feed
from webapp.accounts.extensions import REGISTERED
from webapp.accounts.models import User

REALM = "secondring"
LINK_FOR = timedelta(minutes=15)
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # no letters that look alike


@dataclass(frozen=True, slots=True)
class Made:
    """A secret just made, and the end of the address that hands the settings out; both are kept nowhere."""

    secret: str
    link: str


def extension_of(login: str) -> str:
    """What rings every softphone that registered under `login`."""
    return REGISTERED + login


def is_registered(user: User) -> bool:
    """True when the user's softphone is one that registers at the bridge."""
    return bool(user.extension) and user.extension == extension_of(user.login)


def make_secret(session: Session, user: User, now: datetime) -> Made:
    """A new secret for the softphones of `user`, which ring from now on; an older secret works no more."""
    made = Made("-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4)), secrets.token_hex(16))
    proof = f"{user.login}:{REALM}:{made.secret}".encode()
    user.phone_md5 = hashlib.md5(proof, usedforsecurity=False).hexdigest()
    user.phone_sha256 = hashlib.sha256(proof).hexdigest()
    user.phone_link = _hashed(made.link)
    user.phone_made_at = now
    user.extension, user.desk_phone = extension_of(user.login), False
    session.flush()
    _announce(session, now)
    return made


def forget(session: Session, user: User, now: datetime) -> None:
    """The user's softphones are known no more; nothing rings for them until another one is named."""
    if is_registered(user):
        user.extension = ""
    drop_secret(user)
    session.flush()
    _announce(session, now)


def drop_secret(user: User) -> None:
    """Forget what proves the user's softphones. The caller flushes and announces."""
    user.phone_md5 = user.phone_sha256 = user.phone_link = ""
    user.phone_made_at = None


def directory(session: Session) -> Directory:
    """Whose softphones may register now. The version changes whenever the content does."""
    users = {
        user.login: PhoneSecret(user.phone_md5, user.phone_sha256)
        for user in session.scalars(
            select(User).where(User.active, User.phone_md5 != "", User.phone_sha256 != "").order_by(User.login)
        )
        if is_registered(user)
    }
    content = "\n".join([REALM, *(f"{login} {secret.md5} {secret.sha256}" for login, secret in users.items())])
    return Directory(hashlib.sha256(content.encode()).hexdigest()[:16], REALM, users)


def take_link(session: Session, link: str, now: datetime) -> User | None:
    """Whose settings this address hands out; it has worked for the last time. None for a used, old or wrong one."""
    if len(link) != 32:
        return None
    user = session.scalars(
        select(User).where(User.phone_link == _hashed(link), User.active, User.phone_made_at > now - LINK_FOR)
    ).one_or_none()
    if user is None or not is_registered(user):
        return None
    taken = session.execute(
        update(User)
        .where(User.id == user.id, User.phone_link == _hashed(link))
        .values(phone_link="")
        .execution_options(synchronize_session=False)
    )
    return user if taken.rowcount else None  # type: ignore[attr-defined]


def linphone_settings(user: User, host: str, port: int, tls: bool = False) -> bytes:
    """The account of `user` at `host`, `port` in Linphone's own XML form for remote provisioning.

    That is the bridge, by UDP, or with `tls` what stands before it: then SIP over TLS, and speech only encrypted.

    `transient_provisioning` keeps Linphone from asking again at its next start: the address works once.
    """
    server = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    sections: dict[str, dict[str, Any]] = {
        "misc": {"transient_provisioning": 1},
        "sip": {"default_proxy": 0},
        "proxy_0": {
            "reg_identity": f'"{_quoted(user.name)}" <sip:{user.login}@{server}>',
            "reg_proxy": f"<sip:{server};transport={'tls' if tls else 'udp'}>",
            "reg_sendregister": 1,
            "reg_expires": 600,
            "realm": REALM,
        },
    }
    if tls:
        sections["sip"] |= {"media_encryption": "srtp", "media_encryption_mandatory": 1}
    for number, (algorithm, digest) in enumerate((("SHA-256", user.phone_sha256), ("MD5", user.phone_md5))):
        sections[f"auth_info_{number}"] = {
            "username": user.login,
            "realm": REALM,
            "ha1": digest,
            "algorithm": algorithm,
            "available_algorithms": algorithm,
        }
    root = ElementTree.Element("config", xmlns="http://www.linphone.org/xsds/lpconfig.xsd")
    for name, entries in sections.items():
        section = ElementTree.SubElement(root, "section", name=name)
        for key, value in entries.items():
            ElementTree.SubElement(section, "entry", name=key, overwrite="true").text = str(value)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="utf-8")


def _quoted(name: str) -> str:
    return "".join(sign for sign in name if sign.isprintable() and sign not in '"\\')


def _hashed(link: str) -> str:
    return hashlib.sha256(link.encode()).hexdigest()


def _announce(session: Session, now: datetime) -> None:
    feed.announce_all(session, "roster", "", now)
    feed.announce(session, [None], "standing", "", now)
