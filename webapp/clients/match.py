"""Which cards may be the caller's: by number when the phone rings, by all six keys (D29) while a card is typed.

Nothing here guesses: a card is `sure` only when its number leaves no doubt, and what is merely likely is offered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from flask_babel import gettext as _
from sqlalchemy import delete, insert, select, text, union_all
from sqlalchemy.orm import Session

from webapp.clients import keys
from webapp.clients.models import Client, MatchKey
from webapp.rules import reading

MOST_OFFERED = 9


class Candidate(NamedTuple):
    """A client that may be the caller. `reason`: phone (the same number) or phone_tail (without city code)."""

    client_id: int
    reason: str
    sure: bool


@dataclass(frozen=True, slots=True)
class Hit:
    """A card found by what was typed into `field` of a new one. `key`: the kind of key, `why`: its `reason_text`."""

    client_id: int
    key: str
    why: str
    field: str


# Keeping the keys


def index(session: Session, client: Client) -> None:
    """Rewrite the client's search keys after any change of name, people or contact points. Flushes."""
    session.flush()
    # The keys are never loaded as objects: nothing in the session need learn of the deletion.
    session.execute(
        delete(MatchKey).where(MatchKey.client_id == client.id), execution_options={"synchronize_session": False}
    )
    if rows := key_rows(client):
        session.execute(insert(MatchKey), rows)


def key_rows(client: Client) -> list[dict[str, Any]]:
    """The rows of MatchKey for a card that is flushed; contact points must carry their `normal`.

    Beside the six keys the search box has its own: word (of any name or extra field), number and ending (digits, and
    reversed), extra (numbers and dates of extra fields).
    """
    found: set[tuple[str, str, str]] = {("company", key, "") for key in keys.company_keys(client.name)}
    found.update(("word", word, "") for word in keys.search_words(client.name))
    found.add(("site", keys.site_key(client.website), ""))
    for person in client.people:
        found.add(("surname", keys.surname_key(person.surname), keys.given_name_key(person.given_name)))
        found.update(("word", word, "") for word in keys.search_words(person.full_name))
    for point in client.contact_points:
        if point.kind == "email":
            found.add(("email", keys.email_key(point.value), ""))
            found.add(("domain", keys.corporate_domain(point.value), ""))
        elif point.kind == "site":
            found.add(("site", keys.site_key(point.value), ""))
        elif point.kind != "messenger" or point.normal.startswith("+"):
            normal = point.normal or keys.normal_phone(point.value, "ZZ")
            digits = normal.removeprefix("+")
            found.add(("phone", keys.phone_tail(normal, "ZZ"), keys.phone_whole(normal)))
            found.update({("number", digits, ""), ("ending", digits[::-1], "")})
    for value in client.extra_values:
        found.update((kind, key, "") for kind, key in reading.search_keys(value.field.kind, value.text))
    return [
        {"client_id": client.id, "kind": kind, "key": key, "whole": whole} for kind, key, whole in sorted(found) if key
    ]


# The screen pop

_MOST_READ = 40  # one less than the query's limit
_BY_NUMBER = """
select m.client_id, m.key, m.whole,
    exists(select 1 from not_same n where n.number = :number and n.client_id = m.client_id)
from (select :tail as tail union all select :six union all select :five) as asked
join match_key m on m.kind = 'phone' and m.key = asked.tail
limit 41
"""
_MANY_BY_NUMBER = _BY_NUMBER.replace(
    "limit", "order by (case when m.whole = :number then 0 else 1 end), length(m.key) desc, m.client_id limit"
)


def by_number(session: Session, number: str, country: str) -> list[Candidate]:
    """Clients that may be calling from `number` (as `keys.normal_phone` gives it), best first, MOST_OFFERED at most.

    Sure are: the same full number; the same seven digits when either was written without a city code. Not sure: two
    different full numbers that end alike, fewer digits than seven, and pairs a manager has told apart (NotSame).
    """
    tail = keys.phone_tail(number, country)
    if not tail:
        return []
    rows = _rows(session, _BY_NUMBER, number, tail)
    if not rows:
        return []
    if len(rows) > _MOST_READ:  # too many end alike to read them all
        rows = _rows(session, _MANY_BY_NUMBER, number, tail)
    whole = keys.phone_whole(number)
    ranked = []
    for client_id, key, theirs, told_apart in rows:
        same = theirs == whole if theirs else key == number
        sure = not told_apart and (same or (len(key) == keys.TAIL_DIGITS and not (theirs and whole)))
        ranked.append((not sure, not same, client_id))
    if len(ranked) > 1:  # a client may have several such numbers: its best one counts
        ranked = sorted({one[2]: one for one in sorted(ranked, reverse=True)}.values())[:MOST_OFFERED]
    return [
        Candidate(client_id, "phone_tail" if differs else "phone", not doubtful)
        for doubtful, differs, client_id in ranked
    ]


def _rows(session: Session, sql: str, number: str, tail: str) -> Sequence[Any]:
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        # The driver itself: a statement and a result built around these few rows cost three times the look-up.
        driver: Any = connection.connection.driver_connection
        return driver.execute(_NUMBERED[sql], (number, tail, tail[-6:], tail[-5:])).fetchall()
    return connection.execute(text(sql), {"number": number, "tail": tail, "six": tail[-6:], "five": tail[-5:]}).all()


def _numbered(sql: str) -> str:
    for place, name in enumerate((":number", ":tail", ":six", ":five"), 1):
        sql = sql.replace(name, f"?{place}")
    return sql


_NUMBERED = {sql: _numbered(sql) for sql in (_BY_NUMBER, _MANY_BY_NUMBER)}


def certain(candidates: Sequence[Candidate]) -> int | None:
    """The one client to open: when exactly one candidate is sure. None: show them, or make a new card."""
    sure = [candidate.client_id for candidate in candidates if candidate.sure]
    return sure[0] if len(sure) == 1 else None


# While a card is typed

_BEST_FIRST = ("email", "phone", "surname_given", "phone_tail", "company", "site", "domain", "surname")


def by_draft(session: Session, draft: Mapping[str, str], country: str) -> list[Hit]:
    """Cards that share a key with what is being typed (field name -> text), best first, in one query.

    Fields read: name, surname, given_name, phone, mobile, fax, email, website. A full name with its given name ranks
    above a surname alone. A field brings MOST_OFFERED hits at most.
    """
    asked = _draft_keys(draft, country)
    if not asked:
        return []
    given = keys.given_name_key(draft.get("given_name", ""))
    parts = []
    for kind, key, _field, _whole in asked:
        one = select(MatchKey.kind, MatchKey.key, MatchKey.client_id, MatchKey.whole)
        one = one.where(MatchKey.kind == kind, MatchKey.key == key)
        if kind == "surname":
            one = one.order_by((MatchKey.whole == given).desc(), MatchKey.client_id)
        parts.append(select(one.limit(MOST_OFFERED).subquery()))
    by_key: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for kind, key, client_id, whole in session.execute(union_all(*parts)):
        by_key.setdefault((kind, key), []).append((client_id, whole))
    hits: dict[tuple[int, str], Hit] = {}
    for kind, key, field, whole in asked:
        for client_id, theirs in by_key.get((kind, key), ()):
            reason = _reason(kind, field, whole, theirs, given)
            hit = Hit(client_id, reason, reason_text(reason), field)
            known = hits.get((client_id, field))
            if known is None or _BEST_FIRST.index(reason) < _BEST_FIRST.index(known.key):
                hits[client_id, field] = hit
    return sorted(hits.values(), key=lambda hit: (_BEST_FIRST.index(hit.key), hit.client_id))


def _draft_keys(draft: Mapping[str, str], country: str) -> list[tuple[str, str, str, str]]:
    """(kind, key, field, whole) for every key the draft has."""
    asked = [("company", key, "name", "") for key in keys.company_keys(draft.get("name", ""))]
    asked.append(("surname", keys.surname_key(draft.get("surname", "")), "surname", ""))
    for field in ("phone", "mobile", "fax"):
        number = keys.normal_phone(draft.get(field, ""), country)
        asked.append(("phone", keys.phone_tail(number, country), field, keys.phone_whole(number)))
    asked.append(("email", keys.email_key(draft.get("email", "")), "email", ""))
    # A firm's mail and its site usually live under one domain, so each is looked for among both.
    domain, site = keys.corporate_domain(draft.get("email", "")), keys.site_key(draft.get("website", ""))
    asked += [("domain", domain, "email", ""), ("site", domain, "email", "")]
    asked += [("site", site, "website", ""), ("domain", site, "website", "")]
    return [one for one in dict.fromkeys(asked) if one[1]]


def _reason(kind: str, field: str, whole: str, theirs: str, given: str) -> str:
    if kind == "phone":
        return "phone" if whole == theirs else "phone_tail"
    if kind == "surname":
        return "surname_given" if given and theirs == given else "surname"
    if kind in ("domain", "site"):
        return "site" if kind == "site" and field == "website" else "domain"
    return kind


def reason_text(reason: str) -> str:
    """Why a card was found, in the reader's language."""
    match reason:
        case "phone":
            return _("same phone")
        case "phone_tail":
            return _("same phone without city code")
        case "company":
            return _("same company name")
        case "surname_given":
            return _("same surname and given name")
        case "surname":
            return _("same surname")
        case "email":
            return _("same e-mail")
        case "domain":
            return _("same e-mail domain")
        case "site":
            return _("same website")
        case "chosen":
            return _("chosen by hand")
        case "made":
            return _("card made during the call")
        case _:
            return reason
