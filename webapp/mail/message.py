"""A mail as it goes over the wire (RFC 5322): its words in UTF-8 and headers that nothing can be slipped into."""

from __future__ import annotations

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from webapp.mail import addresses
from webapp.mail.models import OutgoingMail

_POLICY = SMTP.clone(cte_type="7bit")  # no server has to know more than plain letters
BY_HAND = "letter:"
"""How the keys of mails begin that a person wrote; all others are made by the desk, and say so."""


def build(mail: OutgoingMail, sender: str, name: str, now: datetime) -> bytes:
    """The bytes of a mail from `sender`, called `name`. Raises ValueError for an address that is none."""
    to_address = addresses.wire(mail.to_address)
    if not to_address:
        raise ValueError("not an address")
    message = EmailMessage(_POLICY)
    message["From"] = Address(_one_line(name), addr_spec=sender)
    message["To"] = Address(addr_spec=to_address)
    if reply_to := addresses.wire(mail.reply_to):
        message["Reply-To"] = Address(addr_spec=reply_to)
    message["Subject"] = _one_line(mail.subject)
    message["Date"] = now
    message["Message-ID"] = f"<{mail.message_id}>"
    if not mail.key.startswith(BY_HAND):
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no machine answers it
    message.set_content(mail.body)
    return message.as_bytes()


def _one_line(text: str) -> str:
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
