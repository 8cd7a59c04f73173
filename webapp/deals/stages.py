"""A deal's way: opened, moved stage by stage as the head's grid allows (D35), won or lost (D81)."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from webapp import feed
from webapp.clients import changes
from webapp.clients.changes import Author
from webapp.clients.contacts import BadValue
from webapp.clients.models import Client
from webapp.deals import holding
from webapp.deals.models import ENDED, STAGES, Deal
from webapp.rules import transitions

LABELS = {
    "found": _l("Found or received"),
    "offer_sent": _l("Offer sent"),
    "repeat_call": _l("Repeat call"),
    "discussion": _l("Discussion"),
    "contract": _l("Contract"),
    "invoice": _l("Invoice and payment"),
    "handed_over": _l("Handed over"),
    "won": _l("Won"),
    "lost": _l("Lost"),
}
LONGEST_TITLE = 200


def clean_title(title: str) -> str:
    """A title as it is kept. Raises BadValue when there is none, or too long a one."""
    title = " ".join(title.replace("\0", "").split())
    if not title:
        raise BadValue(_l("Say in a few words what the deal is about."))
    if len(title) > LONGEST_TITLE:
        raise BadValue(_l("At most %(most)d characters.", most=LONGEST_TITLE))
    return title


def open_deal(session: Session, client: Client, title: str, author: Author) -> Deal:
    """Open a deal of the author with the client; flushes, tells everybody. Raises BadValue when there is no title."""
    title = clean_title(title)
    owner_id = author.user.id if author.user else None
    deal = Deal(client_id=client.id, owner_id=owner_id, title=title, stage="found", opened_at=author.at)
    session.add(deal)
    session.flush()
    changes.note(session, client, "deal", "", title, author, deal_id=deal.id)
    feed.announce_all(session, "card", client.id, author.at)
    return deal


def move(session: Session, deal: Deal, stage: str, author: Author) -> None:
    """Move a deal; the last two stages end it. Raises BadValue for a step that the grid forbids (D35; the head may take
    it with a reason, `author.why`), and while the deal is held (D82).
    """
    if stage not in STAGES:
        raise BadValue(_l("Choose one of the list."))
    changes.hold(session, deal.client, deal)
    before = deal.stage
    if stage == before:
        raise BadValue(_l("The deal is there already."))
    transitions.check(session, transitions.STAGE, before, stage, author)
    if stage != "lost":  # giving up what is forbidden needs nobody's leave
        holding.check(deal)
    deal.stage, deal.ended_at = stage, author.at if stage in ENDED else None
    session.flush()
    changes.note(session, deal.client, "stage", before, stage, author, deal_id=deal.id)
    feed.announce_all(session, "card", deal.client_id, author.at)
