"""Secrets of softphones: made, proved, handed out once, forgotten; and the directory the bridge knows them by."""

from __future__ import annotations

import hashlib
from xml.etree import ElementTree

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from webapp.accounts import people, softphones
from webapp.accounts.models import User
from webapp.feed import Feed

NAMESPACE = {"": "http://www.linphone.org/xsds/lpconfig.xsd"}


def sections(xml: bytes) -> dict[str, dict[str, str | None]]:
    root = ElementTree.fromstring(xml)  # noqa: S314 our own
    return {
        section.attrib["name"]: {entry.attrib["name"]: entry.text for entry in section.findall("entry", NAMESPACE)}
        for section in root.findall("section", NAMESPACE)
    }


def test_a_secret_is_proved_by_both_digests_and_kept_nowhere(
    session: Session, office: dict[str, User], clock: Clock
) -> None:
    anna = office["anna"]
    made = softphones.make_secret(session, anna, clock())
    session.commit()
    proof = f"anna:secondring:{made.secret}".encode()
    assert anna.phone_md5 == hashlib.md5(proof, usedforsecurity=False).hexdigest()
    assert anna.phone_sha256 == hashlib.sha256(proof).hexdigest()
    assert anna.extension == "registered:anna" and softphones.is_registered(anna)
    columns = [str(getattr(anna, column.key)) for column in User.__table__.columns]
    assert not any(made.secret in text or made.link in text for text in columns)
    assert len(made.secret.replace("-", "")) == 16


def test_the_directory_holds_those_who_registered_and_changes_its_version(
    session: Session, office: dict[str, User], clock: Clock
) -> None:
    empty = softphones.directory(session)
    assert (empty.realm, empty.users) == ("secondring", {})
    softphones.make_secret(session, office["anna"], clock())
    softphones.make_secret(session, office["boris"], clock())
    both = softphones.directory(session)
    assert set(both.users) == {"anna", "boris"} and both.version != empty.version
    assert both == softphones.directory(session)
    assert both.users["anna"].md5 == office["anna"].phone_md5
    softphones.make_secret(session, office["anna"], clock())
    again = softphones.directory(session)
    assert again.version != both.version and again.users["anna"] != both.users["anna"]
    people.deactivate(session, office["anna"], office["admin"], clock())
    assert set(softphones.directory(session).users) == {"boris"}
    softphones.forget(session, office["boris"], clock())
    assert softphones.directory(session) == empty
    assert office["boris"].extension == ""


def test_every_change_is_told_to_the_bridges(session: Session, office: dict[str, User], clock: Clock) -> None:
    softphones.make_secret(session, office["anna"], clock())
    softphones.forget(session, office["anna"], clock())
    told = session.scalars(select(Feed.kind).where(Feed.user_id.is_(None))).all()
    assert told == ["standing", "standing"]


@pytest.mark.parametrize("change", [{"login": "anna2"}, {"extension": "sip:anna@10.0.0.5"}, {"extension": ""}])
def test_under_another_login_or_beside_another_phone_the_secret_is_void(
    session: Session, office: dict[str, User], clock: Clock, change: dict[str, str]
) -> None:
    anna = office["anna"]
    softphones.make_secret(session, anna, clock())
    details = {"name": "Anna", "login": "anna", "position": "", "role": "manager", "region_id": None}
    details |= {"extension": "registered:anna", "desk_phone": False}
    people.change(session, anna, people.Details(**(details | change)), clock())  # type: ignore[arg-type]
    assert (anna.phone_md5, anna.phone_sha256, anna.phone_link, anna.phone_made_at) == ("", "", "", None)
    assert softphones.directory(session).users == {}


def test_the_same_details_leave_the_secret(session: Session, office: dict[str, User], clock: Clock) -> None:
    anna = office["anna"]
    softphones.make_secret(session, anna, clock())
    before = anna.phone_md5
    people.change(session, anna, people.Details("A", "anna", "", "manager", None, "registered:anna", False), clock())
    assert anna.phone_md5 == before


def test_the_settings_are_handed_out_once(session: Session, office: dict[str, User], clock: Clock) -> None:
    made = softphones.make_secret(session, office["anna"], clock())
    assert softphones.take_link(session, "f" * 32, clock()) is None
    assert softphones.take_link(session, made.link, clock.move(minutes=14)) is office["anna"]
    assert softphones.take_link(session, made.link, clock()) is None


def test_the_settings_are_handed_out_for_a_quarter_of_an_hour(
    session: Session, office: dict[str, User], clock: Clock
) -> None:
    made = softphones.make_secret(session, office["anna"], clock())
    assert softphones.take_link(session, made.link, clock.move(minutes=16)) is None


def test_a_newer_secret_and_a_deactivation_end_the_older_settings(
    session: Session, office: dict[str, User], clock: Clock
) -> None:
    old = softphones.make_secret(session, office["anna"], clock())
    new = softphones.make_secret(session, office["anna"], clock())
    assert softphones.take_link(session, old.link, clock()) is None
    people.deactivate(session, office["anna"], office["admin"], clock())
    assert softphones.take_link(session, new.link, clock()) is None


def test_linphone_gets_an_account_with_digests_and_without_the_secret(
    session: Session, office: dict[str, User], clock: Clock
) -> None:
    anna = office["anna"]
    anna.name = 'Anna "P" <Петрова> & Co'
    made = softphones.make_secret(session, anna, clock())
    xml = softphones.linphone_settings(anna, "192.168.1.5", 5060)
    assert made.secret.encode() not in xml
    found = sections(xml)
    assert found["proxy_0"]["reg_proxy"] == "<sip:192.168.1.5:5060;transport=udp>"
    assert found["proxy_0"]["reg_identity"] == '"Anna P <Петрова> & Co" <sip:anna@192.168.1.5:5060>'
    assert found["auth_info_0"]["ha1"] == anna.phone_sha256 and found["auth_info_0"]["algorithm"] == "SHA-256"
    assert found["auth_info_1"]["ha1"] == anna.phone_md5 and found["auth_info_1"]["algorithm"] == "MD5"
    assert found["misc"]["transient_provisioning"] == "1"  # the address works once: it must not be asked again
    assert "sip:anna@[fd00::1]:5060" in (
        sections(softphones.linphone_settings(anna, "fd00::1", 5060))["proxy_0"]["reg_identity"] or ""
    )
