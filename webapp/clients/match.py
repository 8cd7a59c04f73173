"""Which cards may be the one meant: by number when the phone rings, by all six keys (D29) for everything else.

Nothing here guesses: a card is `same` only when its keys leave no doubt (`clients/weigh.py`), and what is merely likely
is offered. The pop, the form, lists that come in, letters and requests ask here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import phonenumbers
from sqlalchemy import delete, insert
from sqlalchemy.orm import Session

from webapp.clients import keys, near, weigh
from webapp.clients.models import Client, MatchKey
from webapp.clients.weigh import Asked, Key, reason_text
from webapp.rules import reading

__all__ = ["MOST_OFFERED", "Candidate", "Hit", "by_number", "certain", "find", "forget", "index", "reason_text"]

MOST_OFFERED = 9


class Candidate(NamedTuple):
    """A client that may be the caller. `reason`: phone (the same number) or phone_tail (without city code)."""

    client_id: int
    reason: str
    sure: bool


class Hit(NamedTuple):
    """A card that may be the one meant. `certainty`: same (no doubt is left), likely (a person decides) or maybe (only
    shown); `score` 0..1; `reasons` for `reason_text`, the best first; `field` is the draft's that brought the best.
    """

    client_id: int
    certainty: str
    score: float
    reasons: tuple[str, ...]
    field: str


# Keeping the keys


def index(session: Session, client: Client) -> None:
    """Rewrite the client's search keys after any change of name, people or contact points. Flushes."""
    index_all(session, [client])


def index_all(session: Session, clients: Sequence[Client]) -> None:
    """Rewrite the search keys of many cards at once. Flushes."""
    session.flush()
    # The keys are never loaded as objects: nothing in the session need learn of the deletion.
    session.execute(
        delete(MatchKey).where(MatchKey.client_id.in_([client.id for client in clients])),
        execution_options={"synchronize_session": False},
    )
    if rows := [row for client in clients for row in key_rows(client)]:
        session.execute(insert(MatchKey), rows)
        surnames = {person.surname for client in clients for person in client.people}
        keep_slips(session, {client.name for client in clients}, surnames)


def keep_slips(session: Session, names: Collection[str], surnames: Collection[str]) -> None:
    """See to it that companies' names and surnames are found with one letter wrong in a word. Flushes."""
    words = {sound: word for name in sorted(names) for word, sound in keys.name_words(name).items()}
    near.keep(session, "company", words)
    near.keep(session, "surname", {keys.surname_key(surname): surname for surname in sorted(surnames)})


def forget(session: Session, client_id: int) -> None:
    """Remove a card's search keys: it is found by nothing any more. Its words stay in NearWord; they harm nobody."""
    session.execute(
        delete(MatchKey).where(MatchKey.client_id == client_id), execution_options={"synchronize_session": False}
    )


def key_rows(client: Client) -> list[dict[str, Any]]:
    """The rows of MatchKey for a card that is flushed, none for a merged one; contact points must carry their `normal`.

    Beside the six keys the search box has its own: word (of any name or extra field), number and ending (digits, and
    reversed), extra (numbers and dates of extra fields).
    """
    if client.merged_into_id is not None:
        return []
    found = card_keys(
        client.name,
        client.website,
        [(person.surname, person.given_name, person.full_name) for person in client.people],
        [(point.kind, point.value, point.normal) for point in client.contact_points],
    )
    for extra in client.extra_values:
        found.update(Key(kind, key, "") for kind, key in reading.search_keys(extra.field.kind, extra.text) if key)
    return [{"client_id": client.id, "kind": kind, "key": key, "whole": whole} for kind, key, whole in sorted(found)]


def card_keys(
    name: str, website: str, people: Iterable[tuple[str, str, str]], points: Iterable[tuple[str, str, str]]
) -> set[Key]:
    """The keys of a card but those of its extra fields, of `people` (surname, given name, full name) and of contact
    `points` (kind, value, normal).
    """
    found = {Key("company", key, "") for key in keys.company_keys(name)}
    found.update(Key("word", word, "") for word in keys.search_words(name))
    found.add(Key("site", keys.site_key(website), keys.site_host(website)))
    for surname, given_name, full_name in people:
        found.add(Key("surname", keys.surname_key(surname), ""))
        found.add(Key("person", keys.person_key(surname, given_name), ""))
        found.update(Key("word", word, "") for word in keys.search_words(full_name))
    for kind, value, normal in points:
        if kind == "email":
            for email in keys.emails(value):
                found.add(Key("email", email, ""))
                found.add(Key("domain", keys.mail_domain(email), ""))
        elif kind == "site":
            found.add(Key("site", keys.site_key(value), keys.site_host(value)))
        elif kind != "messenger" or normal.startswith("+"):
            for number in _numbers(value, normal):
                digits = number.removeprefix("+")
                found.add(Key("phone", keys.phone_tail(number, "ZZ"), keys.phone_whole(number)))
                found.update({Key("number", digits, ""), Key("ending", digits[::-1], "")})
    return {one for one in found if one.key}


def _numbers(value: str, normal: str) -> Sequence[str]:
    """The numbers of a contact point: one, unless several were written into it before they were kept apart."""
    country = phonenumbers.region_code_for_country_code(_country_code(normal))
    several = keys.numbers(value, country)
    return several if len(several) > 1 else [normal or keys.normal_phone(value, country)]


def _country_code(normal: str) -> int:
    try:
        return phonenumbers.parse(normal).country_code or 0
    except phonenumbers.NumberParseException:
        return 0


# The screen pop

_MOST_READ = 40  # one less than the query's limit
_BY_ENDING = """
select client_id, key, whole,
    exists(select 1 from not_same n where n.number = ? and n.client_id = m.client_id) as told_apart
from match_key m where kind = 'phone' and key = ?
"""
_ENDINGS = " union all ".join([_BY_ENDING] * 3)
_BY_NUMBER = f"{_ENDINGS} limit 41"
_MANY_BY_NUMBER = f"""
select * from ({_ENDINGS}) as found
order by (case when whole = ? then 0 else 1 end), length(key) desc, client_id limit 41
"""  # noqa: S608


def by_number(session: Session, number: str, country: str) -> list[Candidate]:
    """Clients that may be calling from `number` (as `keys.normal_phone` gives it), best first, MOST_OFFERED at most.

    Sure are: the same full number; the same seven digits when either was written without a city code. Not sure: two
    different full numbers that end alike, fewer digits than seven, and pairs a manager has told apart (NotSame).
    """
    tail = keys.phone_tail(number, country)
    if not tail:
        return []
    fetch = near.Fetch(session)
    asked = (number, tail, number, tail[-6:], number, tail[-5:])
    rows = fetch(_BY_NUMBER, asked)
    if not rows:
        return []
    if len(rows) > _MOST_READ:  # too many end alike to read them all
        rows = fetch(_MANY_BY_NUMBER, (*asked, number))
    whole = keys.phone_whole(number)
    ranked = []
    for client_id, key, theirs, told_apart in rows:
        same = theirs == whole if theirs else key == number
        sure = not told_apart and weigh.phone_reason(tail, whole, key, theirs) in ("phone", "phone_local")
        ranked.append((not sure, not same, client_id))
    if len(ranked) > 1:  # a client may have several such numbers: its best one counts
        ranked = sorted({one[2]: one for one in sorted(ranked, reverse=True)}.values())[:MOST_OFFERED]
    return [
        Candidate(client_id, "phone_tail" if differs else "phone", not doubtful)
        for doubtful, differs, client_id in ranked
    ]


def certain(candidates: Sequence[Candidate]) -> int | None:
    """The one client to open: when exactly one candidate is sure. None: show them, or make a new card."""
    sure = [candidate.client_id for candidate in candidates if candidate.sure]
    return sure[0] if len(sure) == 1 else None


# By everything known

_ASKED_AT_ONCE = 40
"""Cards whose keys are weighed for one draft."""
_EXACT_FIRST = ("email", "phone", "person", "company", "site", "domain", "surname")


def find(session: Session, draft: Mapping[str, str], country: str, exclude: Collection[int] = ()) -> list[Hit]:
    """Cards that may be the one of a draft (field name -> text), best first, one hit a card, MOST_OFFERED at most.

    Fields read: name, surname, given_name, phone, mobile, fax, email, website; a field may hold several numbers or
    addresses. `country` (ISO code) reads national numbers. Cards in `exclude` are left out: the card itself, and those
    told apart from it (`verdicts.others`).
    """
    return look(session, draft, draft_keys(draft, country), exclude)


def look(
    session: Session, draft: Mapping[str, str], asked: Sequence[Asked], exclude: Collection[int] = ()
) -> list[Hit]:
    """`find` for a draft whose keys are read already (`draft_keys`)."""
    if not asked:
        return []
    fetch = near.Fetch(session)
    theirs = _sharing(fetch, [(one.kind, one.key) for one in asked], [one.whole for one in asked])
    if exclude:
        theirs = {client_id: some for client_id, some in theirs.items() if client_id not in exclude}
    slips = _slips(fetch, draft, asked, theirs)
    if slips:
        for client_id, some in _sharing(fetch, slips).items():
            if client_id not in exclude:
                theirs.setdefault(client_id, set()).update(some)
    if not theirs:
        return []
    chosen = list(theirs)[:_ASKED_AT_ONCE]
    if len({weigh.GROUP_OF_KEY[one.kind] for one in asked}) > 1:
        theirs = _all_keys(fetch, chosen)
    weighed: dict[frozenset[Key], _Weighed | None] = {}  # many cards share the very same keys with what was asked
    hits = []
    for client_id in chosen:
        card = frozenset(theirs.get(client_id, ()))
        if card not in weighed:
            weighed[card] = _weigh(asked, card, slips)
        if one := weighed[card]:
            hits.append(Hit(client_id, *one))
    hits.sort(key=_in_order)
    return hits[:MOST_OFFERED]


_Weighed = tuple[str, float, tuple[str, ...], str]


def _weigh(asked: Sequence[Asked], card: Collection[Key], slips: Collection[tuple[str, str]]) -> _Weighed | None:
    """What a card's keys say, as a Hit has it behind the card; None for nothing."""
    found = weigh.reasons(asked, card, slips)
    if not found:
        return None
    return weigh.certainty(found, asked, card), weigh.score(found), tuple(found), next(iter(found.values()))


def _in_order(hit: Hit) -> tuple[int, float, int]:
    return weigh.RANKS[hit.certainty], -hit.score, hit.client_id


def draft_keys(draft: Mapping[str, str], country: str) -> list[Asked]:
    """Every key the draft has, the most telling kinds first."""
    surname = draft.get("surname", "")
    asked = [Asked("company", key, "", "name") for key in keys.company_keys(draft.get("name", ""))]
    asked.append(Asked("surname", keys.surname_key(surname), "", "surname"))
    asked.append(Asked("person", keys.person_key(surname, draft.get("given_name", "")), "", "surname"))
    for field in ("phone", "mobile", "fax"):
        if draft.get(field):
            for number in keys.numbers(draft[field], country):
                asked.append(Asked("phone", keys.phone_tail(number, country), keys.phone_whole(number), field))
    for email in keys.emails(draft.get("email", "")):
        asked.append(Asked("email", email, "", "email"))
        asked.append(Asked("domain", keys.mail_domain(email), "", "email"))
    if website := draft.get("website", ""):
        asked.append(Asked("site", keys.site_key(website), keys.site_host(website), "website"))
    return sorted((one for one in dict.fromkeys(asked) if one.key), key=lambda one: _EXACT_FIRST.index(one.kind))


def _slips(
    fetch: near.Fetch, draft: Mapping[str, str], asked: Sequence[Asked], found: Mapping[int, Collection[Key]]
) -> list[tuple[str, str]]:
    """The keys that cards would have whose names differ by one letter from those asked for, where no card has these."""
    exact = {key.kind for some in found.values() for key in some}
    more: list[tuple[str, str]] = []
    if "company" not in exact and (words := keys.name_words(draft.get("name", ""))):
        sounds = list(words.values())
        for sound, others in near.find(fetch, "company", {sound: word for word, sound in words.items()}).items():
            rest = _without(sounds, sound)
            more += [("company", " ".join(sorted([*rest, other]))[:200]) for other in others]
    surname = draft.get("surname", "")
    if "surname" not in exact and (stem := keys.surname_key(surname)):
        given = keys.given_name_key(draft.get("given_name", ""))
        others = near.find(fetch, "surname", {stem: surname}).get(stem, [])
        more += [("person", f"{other} {given}"[:200]) for other in others if given]
        more += [("surname", other) for other in others]
    return list(dict.fromkeys(more))


def _without(words: Sequence[str], word: str) -> list[str]:
    place = words.index(word)
    return [*words[:place], *words[place + 1 :]]


# Reading keys


def _sharing(fetch: near.Fetch, wanted: Sequence[tuple[str, str]], wholes: Sequence[str] = ()) -> dict[int, set[Key]]:
    """Cards that have one of these keys (kind, key), with the keys they have, MOST_OFFERED cards a key; one query.

    A phone is looked for by its last seven, six and five digits, and in full; a firm's mail and its site usually live
    under one domain, so each is looked for among both, unless a public mail service has it.
    """
    parts: list[str] = []
    values: list[str] = []
    domains: set[str] = set()
    for place, (kind, key) in enumerate(wanted):
        whole = wholes[place] if wholes else ""
        if kind == "phone":
            for tail in dict.fromkeys((key, key[-6:], key[-5:])):
                parts.append("key")
                values += [kind, tail]
            if whole:
                parts.append("whole")
                values += [kind, key, whole]
        elif kind in ("domain", "site"):
            if key not in domains:
                domains.add(key)
                parts += ["free", "free", "key", "key"]
                values += [key, _any_country(key), "domain", key, "site", key]
        else:
            parts.append("key")
            values += [kind, key]
    rows = fetch(_statement(tuple(parts)), values)
    if domains and (free := {key for _id, kind, key, _whole in rows if kind == "free"}):
        public = {domain for domain in domains if domain in free or _any_country(domain) in free}
        rows = [row for row in rows if row[1] not in ("free", "domain", "site") or row[2] not in {*free, *public}]
    found: dict[int, set[Key]] = {}
    for client_id, kind, key, whole in rows:
        found.setdefault(client_id, set()).add(Key(kind, key, whole))
    return found


def _any_country(domain: str) -> str:
    """How a service with a domain in many countries stands in FreeMail: yandex.* for yandex.kz."""
    return domain.partition(".")[0] + ".*"


_BY_KEY = "select client_id, kind, key, whole from match_key where kind = ? and key = ?"
_PARTS = {
    "key": _BY_KEY,
    "whole": _BY_KEY + " and whole = ?",
    "free": "select 0 as client_id, 'free', domain, '' from free_mail where domain = ?",
}


@lru_cache(500)
def _statement(parts: tuple[str, ...]) -> str:
    return " union all ".join(
        f"select * from ({_PARTS[part]} order by client_id limit {MOST_OFFERED}) as p{place}"  # noqa: S608
        for place, part in enumerate(parts)
    )


def _all_keys(fetch: near.Fetch, client_ids: Sequence[int]) -> dict[int, set[Key]]:
    """All keys of these cards that are weighed."""
    marks = ", ".join("?" * len(client_ids))
    kinds = ", ".join(f"'{kind}'" for kind in weigh.GROUP_OF_KEY)
    query = f"select client_id, kind, key, whole from match_key where client_id in ({marks}) and kind in ({kinds})"  # noqa: S608
    found: dict[int, set[Key]] = {}
    for client_id, kind, key, whole in fetch(query, client_ids):
        found.setdefault(client_id, set()).add(Key(kind, key, whole))
    return found
