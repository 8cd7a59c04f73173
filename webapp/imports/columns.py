"""What a column may hold, and the guess which: by its name in four languages, else by what is in it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask_babel import force_locale
from flask_babel import lazy_gettext as _l
from openpyxl.utils import get_column_letter

from webapp.clients import cards, contacts, fields, keys
from webapp.imports.rows import Row
from webapp.languages import LANGUAGES

CLIENT = (
    *("name", "kind", "what_it_does", "website", "management", "reason", "product", "volume", "needed_by"),
    *("exact_variant", "decides_alone", "how_often", "order_size", "delivery", "storage", "caller_kind", "note"),
)
LISTS = ("status", "type", "category", "region", "owner", "channel")
PERSON = ("surname", "given_name", "patronymic", "position", "decides")
CONTACTS = ("phone", "mobile", "email", "messenger", "site", "fax")
CARD = "card"
"""The number of a card, as our own files have it."""
SEVERAL = (*CONTACTS, "note")
"""Of these a list may have more than one column."""

GROUPS = (
    (_l("Organisation"), ("name", "what_it_does", "website", "management", "kind", CARD)),
    (_l("Person"), ("full_name", *PERSON)),
    (_l("Contacts"), CONTACTS),
    (_l("Lists"), LISTS),
    (
        _l("Need"),
        tuple(name for name in CLIENT if name not in ("name", "what_it_does", "website", "management", "kind")),
    ),
)

_NAMES = """
card: card, card number, карточка, номер карточки
name: company, organisation, organization, firm, client, customer, account, company name, name of the company, компания,
 организация, фирма, клиент, контрагент, наименование, название, название компании, название организации, предприятие,
 заказчик, юридическое лицо, компанія, організація, фірма, клієнт, назва, найменування, підприємство, замовник,
 εταιρεία, εταιρία, επιχείρηση, επωνυμία, πελάτης, οργανισμός
full_name: full name, name, contact, contact person, contact name, person, fio, attendee, visitor, фио, ф.и.о,
 имя фамилия, контакт, контактное лицо, представитель, посетитель, участник, піб,
 п.і.б, контактна особа, представник, відвідувач, ονοματεπώνυμο, υπεύθυνος, επαφή, επισκέπτης, πλήρες όνομα
surname: surname, last name, family name, lastname, фамилия, прізвище, επώνυμο, επίθετο
given_name: first name, given name, firstname, forename, имя, ім'я, имʼя, όνομα
patronymic: patronymic, middle name, отчество, по батькові, πατρώνυμο
position: position, job title, title, job, role, post, должность, посада, θέση, ιδιότητα
decides: decides, responsibility, за что отвечает, какие вопросы решает, за що відповідає, αρμοδιότητα
phone: phone, telephone, tel, phone number, phones, number, work phone, office phone, phone fax, tel fax, телефон, тел,
 телефоны, тел факс, телефон факс,
 номер телефона, рабочий телефон, городской телефон, номер, телефони, робочий телефон, τηλέφωνο, τηλ, τηλέφωνα, σταθερό
mobile: mobile, mobile phone, cell, cell phone, мобильный, мобильный телефон, сотовый, моб, моб тел, мобільний,
 мобільний телефон, κινητό, κινητό τηλέφωνο
email: email, e-mail, mail, email address, почта, эл. почта, электронная почта, емейл, имейл, мейл, пошта, ел. пошта,
 електронна пошта, ηλεκτρονικό ταχυδρομείο, ηλ. ταχυδρομείο
messenger: messenger, whatsapp, telegram, viber, skype, мессенджер, телеграм, ватсап, месенджер
fax: fax, факс, φαξ
website: website, site, web, url, web site, homepage, сайт, веб-сайт, вебсайт, адрес сайта, ιστοσελίδα, ιστότοπος
what_it_does: what it does, industry, business, activity, field, сфера деятельности, вид деятельности, отрасль,
 чем занимается, деятельность, галузь, вид діяльності, сфера діяльності, δραστηριότητα, κλάδος
management: management, director, ceo, head, руководитель, директор, руководство, генеральный директор, керівник,
 διευθυντής, διοίκηση
kind: kind of client, kind, вид клиента, тип клиента, вид клієнта, είδος πελάτη
type: type, client type, тип, тип клієнта, τύπος
status: status, статус, κατάσταση
category: category, abc, категория, категорія, κατηγορία
region: region, territory, area, регион, область, край, территория, регіон, περιοχή, περιφέρεια
owner: manager, owner, responsible, account manager, менеджер, ответственный, ответственный менеджер, відповідальний,
 υπεύθυνος πωλήσεων, πωλητής
channel: channel, source, lead source, канал, источник, откуда узнали, джерело, πηγή, κανάλι
reason: reason, reason for calling, request, inquiry, причина обращения, запрос, обращение,
 причина звернення, запит, αίτημα
product: product, brand, product or brand, interest, товар, продукт, продукция, интересует, бренд, продукція, προϊόν
volume: volume, quantity, объем, объём, количество, обсяг, кількість, ποσότητα
needed_by: needed by, deadline, when, срок, когда нужно, термін, προθεσμία
exact_variant: exact variant, variant, model, вариант, модель, варіант, μοντέλο
decides_alone: decides alone, решает сам, вирішує сам
how_often: how often, how often they order, frequency, как часто заказывают, периодичность, частота, συχνότητα
order_size: usual order, order size, обычный заказ, объем заказа, средний заказ, звичайне замовлення,
 μέγεθος παραγγελίας
delivery: delivery, shipping, доставка, παράδοση
storage: own storage, storage, warehouse, склад, свой склад, αποθήκη
caller_kind: when they buy, когда купят, коли куплять
note: note, notes, comment, comments, remark, remarks, примечание, комментарий, комментарии, заметка, заметки, примітка,
 коментар, σημείωση, σημειώσεις, σχόλια, παρατηρήσεις
"""


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[\W_]+", " ", text.casefold()).split())


SYNONYMS = {
    _plain(word): line.partition(":")[0]
    for line in _NAMES.replace("\n ", " ").strip().splitlines()
    for word in line.partition(":")[2].split(",")
}


def choices(extra: Mapping[str, Any]) -> list[tuple[Any, list[tuple[str, Any]]]]:
    """What a column may be read as, in groups: (group, [(field, label)]). `extra`: labels of extra fields by key."""
    labels = {name: field.label for name, field in (fields.BY_NAME | cards.MORE_FIELDS).items()}
    labels |= {"full_name": _l("Full name"), "type": _l("Type of client"), "site": contacts.MORE_SITES}
    labels[CARD] = _l("Number of the card")
    groups = [(title, [(name, labels[name]) for name in names]) for title, names in GROUPS]
    if extra:
        groups.append((_l("Extra fields"), [(f"extra:{key}", label) for key, label in extra.items()]))
    return groups


def title(headers: Sequence[str], column: int) -> str:
    """What a column is called: its name, else its letter."""
    if 0 <= column < len(headers) and headers[column]:
        return headers[column]
    return get_column_letter(column + 1) if column >= 0 else ""


def digest(headers: Sequence[str]) -> str:
    """The key under which the reading of columns with these names is remembered."""
    return hashlib.sha256(json.dumps([_plain(header) for header in headers]).encode()).hexdigest()


def guess(
    headers: Sequence[str], first: Sequence[Row], extra: Mapping[str, Iterable[str]], country: str
) -> dict[str, str]:
    """Column number (as text) -> field, for every column that can be guessed; each field once, but for SEVERAL.

    `extra`: the names of extra fields, by key.
    """
    found: dict[str, str] = {}
    names = SYNONYMS | {_plain(word): f"extra:{key}" for key, words in extra.items() for word in words} | _our_names()
    for column, header in enumerate(headers):
        _take(found, column, names.get(_plain(header)) or _by_a_part(header))
    for column in range(len(headers)):
        if str(column) not in found:
            cells = [row.cells[column] for row in first if column < len(row.cells) and row.cells[column]]
            _take(found, column, _by_content(cells, country))
    if "name" not in found.values() and "surname" in found.values() and "full_name" in found.values():
        # Beside a surname of its own, "name" is the given one.
        found = {column: "given_name" if field == "full_name" else field for column, field in found.items()}
    return found


def named(cells: Iterable[str]) -> int:
    """How many of these are names of columns that are known."""
    return sum(bool(_plain(cell) in SYNONYMS or _by_a_part(cell)) for cell in cells)


def _our_names() -> dict[str, str]:
    """What our own files and pages call the fields, in each of our languages."""
    found: dict[str, str] = {}
    for language in LANGUAGES:
        with force_locale(language):
            found |= {_plain(str(label)): name for _title, group in choices({}) for name, label in group}
    return found


def _take(found: dict[str, str], column: int, field: str) -> None:
    if field and (field in SEVERAL or field not in found.values()):
        found[str(column)] = field


def _by_a_part(header: str) -> str:
    """Телефон 2, Phone (work): the field with the longest known name that is a part of it, in whole words."""
    words = f" {_plain(re.sub('[0-9]+', ' ', header))} "
    parts = [name for name in SYNONYMS if len(name) > 2 and f" {name} " in words]
    return SYNONYMS[max(parts, key=len)] if parts else ""


def _by_content(cells: Sequence[str], country: str) -> str:
    if not cells:
        return ""

    def share(holds: Any) -> float:
        return sum(1 for cell in cells if holds(cell)) / len(cells)

    if share(keys.email_key) >= 0.6:
        return "email"
    if share(lambda cell: keys.normal_phone(cell, country).startswith("+")) >= 0.6:
        return "phone"
    if share(lambda cell: re.match(r"(https?://|www\.)", cell, re.I)) >= 0.6:
        return "website"
    return ""


def problem(mapping: Mapping[str, str]) -> str:
    """Why the columns can't be read so, in the reader's language; '' when they can."""
    fields_read = list(mapping.values())
    twice = {field for field in fields_read if fields_read.count(field) > 1 and field not in SEVERAL}
    if twice:
        labels = {name: label for _title, group in choices({}) for name, label in group}
        one = min(twice)
        return str(_l("Two columns are read as %(field)s. Choose one of them.", field=labels.get(one, one)))
    if not set(fields_read) & {"name", "full_name", "surname", "given_name", *CONTACTS, "website"}:
        return str(_l("Say at least which column holds a name, a phone or an e-mail."))
    return ""


def known(name: str, extra: Mapping[str, Any]) -> bool:
    """Whether a column may be read as `name`."""
    return any(name == one for _title, group in choices(extra) for one, _label in group)
