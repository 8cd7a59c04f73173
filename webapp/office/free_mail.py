"""The public mail services: an address there says nothing about the firm it belongs to (D29, key 5)."""

from __future__ import annotations

import re

from flask_babel import gettext as _
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from webapp.office.models import FreeMail

LONGEST_LIST = 20_000
_ANY_COUNTRY = re.compile(r"[a-z0-9][a-z0-9-]{0,60}\.\*")
_DOMAIN = re.compile(r"(?=.{4,120}$)[a-z0-9-]+(?:\.[a-z0-9-]+)+")


class BadList(ValueError):
    """A list that can't be kept; the message says which line and why, in the reader's language."""


def listed(session: Session) -> list[str]:
    """All services, in alphabetical order."""
    return sorted(session.scalars(select(FreeMail.domain)))


def save(session: Session, text: str) -> int:
    """Keep the services of `text`, one a line: a domain, or a name with .* for its domains in every country.

    Cards need no new keys: the list is asked when a card is looked for. Returns how many there are; flushes. Raises
    BadList, and nothing is changed.
    """
    if len(text) > LONGEST_LIST:
        raise BadList(_("The list is too long: at most %(most)d characters.", most=LONGEST_LIST))
    wanted = set()
    for number, line in enumerate(text.splitlines(), 1):
        domain = line.strip().casefold().rpartition("@")[2].rstrip(".,;")
        if not domain:
            continue
        if not domain.isascii():
            try:
                domain = domain.encode("idna").decode("ascii")
            except UnicodeError:
                domain = line
        if not _ANY_COUNTRY.fullmatch(domain) and not _DOMAIN.fullmatch(domain):
            raise BadList(
                _('Line %(number)d, "%(line)s": type a domain such as mail.ru, or yandex.* for every country.',
                  number=number, line=line.strip()[:40])
            )  # fmt: skip
        wanted.add(domain)
    known = set(listed(session))
    session.execute(delete(FreeMail).where(FreeMail.domain.in_(known - wanted)))
    session.add_all(FreeMail(domain=domain) for domain in sorted(wanted - known))
    session.flush()
    return len(wanted)
