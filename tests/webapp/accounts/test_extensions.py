"""Which softphone addresses are taken: any SIP URI a bridge can ring, and nothing else."""

from __future__ import annotations

import pytest

from webapp.accounts.extensions import is_sip_uri


@pytest.mark.parametrize(
    "text",
    [
        "sip:anna@192.168.1.20",
        "sip:anna@192.168.1.20:5062",
        "sips:anna@pbx.example.org",
        "sip:101@pbx",
        "sip:+74951234567@trunk.example.org;user=phone",
        "sip:anna@[2001:db8::1]:5060;transport=tcp",
        "sip:anna%20p@127.0.0.1",
        "sip:127.0.0.1:5999",
    ],
)
def test_a_sip_address_is_taken(text: str) -> None:
    assert is_sip_uri(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "anna",
        "anna@192.168.1.20",
        "tel:+74951234567",
        "http://pbx.example.org",
        "sip:",
        "sip:@host",
        "sip:anna@",
        "sip:anna@host:0",
        "sip:anna@host:70000",
        "sip:anna@999.1.1.1",
        "sip:anna@[zz::1]",
        "sip:anna@host;",
        "sip:anna@-host",
        "sip:anna@ho..st",
        "sip:anna:secret@host",
        "sip:anna%2@host",
        "sip:anna@host?Subject=x",
        "sip:anna@host\r\nVia: x",
        "sip:anna%0d%0aVia:x@host",
        "sip:anna%00@host",
        "sip:anna%7F@host",
        "sip:анна@host",
        "sip:a b@host",
        "sip:" + "a" * 300 + "@host",
    ],
)
def test_anything_else_is_not(text: str) -> None:
    assert not is_sip_uri(text)
