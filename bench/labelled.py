"""A labelled set of cards and of drafts made from them, each with what was changed and which card it is, if any.

Made from a seed alone, of invented names in Russian, Ukrainian, Greek and English: `DEV` was looked at while the rules
of `clients/weigh.py` and the keys were written, `HELD_OUT` only measured.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass

DEV, HELD_OUT = 11, 9029


def _split(text: str) -> tuple[str, ...]:
    """Words with a space between; - for none."""
    return tuple("" if word == "-" else word for word in text.split())


def _table(letters: str, written: str) -> dict[str, str]:
    return dict(zip(letters, _split(written), strict=True))


CYRILLIC_WORDS = _split(
    "Рассвет Восход Вершина Маяк Орион Яхонт Сокол Горизонт Берег Кедр Радуга Факел Импульс Прогресс Спектр "
    "Меридиан Северный Южный Уральский Волжский Балтийский Невский Степной Речной Лесной Горный Морской "
    "Первый Новый Старый Строй Окна Сервис Торг Мебель Свет Металл Бетон Кирпич Кровля Фасад Паркет Стекло "
    "Пластик Химия Текстиль Логистика Транспорт Монтаж Проект Дизайн Инструмент Крепеж Насос Котел Климат "
    "Электро Кабель Профиль Упаковка Тара Зерно Мельница Хлеб Молоко Рыба Чайная Кофейная Кондитерская Ягода "
    "Сад Цветы Питомник Ферма Журавль Щегол Чайка Жемчуг"
)
UKRAINIAN_WORDS = _split(
    "Світанок Сокіл Джерело Вежа Будівля Ліс Криниця Вишиванка Поділля Полісся Карпати Дніпро Хвиля Зірка "
    "Обрій Мрія Граніт Цегла Дах Вікно Двері Меблі Скло Тканина Насіння Врожай Олія Пасіка Млин Їжак Явір "
    "Дубрава Кузня Гончар"
)
GREEK_WORDS = _split(
    "Κύμα Ήλιος Πέλαγος Μεταφορές Κήπος Θάλασσα Ουρανός Αυγή Ευρώπη Γέφυρα Ελαιώνας Αμπέλι Κεραμικά Ξυλεία "
    "Χρώματα Τεχνική Κατασκευές Ενέργεια Φωτισμός Υφάσματα Έπιπλα Μάρμαρα Ψαράδες Ναυτιλία Εκδόσεις "
    "Παπουτσής Βιβλίο Σίδηρος Ακρόπολη Δελφίνι Πύργος Μπαξές Ντομάτα Γκρέκο Χρυσός Άνεμος Ποταμός Λιμάνι"
)
ENGLISH_WORDS = _split(
    "Northern Atlas Quartz Delta Harbour Meridian Silver Bridge Timber Glass Foods Textile Trade Logistics "
    "Orchard Lantern Falcon Granite Summit Copper Anchor Beacon Willow Thistle Cobalt Juniper Marble Saddle "
    "Kettle Compass Windmill Heather Bramble Foundry Quarry Paddock Chandler Whistle Yarrow Zephyr"
)
SURNAMES = {
    "ru": "Орлов Козлова Белов Зимина Журавлев Щербаков Чернышев Кузнецова Цветков Хохлов Юдин Яковлева Рыбаков "
    "Соколовская Вершинин Тихомиров Лаптева Морозов Гусев Жданова Пономарев Ефимова Громов Афанасьев",
    "uk": "Шевченко Ковальчук Іваненко Бондаренко Гнатюк Кравець Лисенко Мельник Ткаченко Поліщук Савчук Яценко "
    "Олійник Хоменко Щербина Дяченко",
    "el": "Παπαδόπουλος Δημητρίου Γεωργίου Νικολάου Ιωάννου Καραγιάννης Οικονόμου Βασιλείου Αθανασίου Χατζής "
    "Μαυρομάτης Αγγελόπουλος Παναγιώτου Σταυρίδης Θεοδώρου Ξενάκης",
    "en": "Harper Whitfield Mercer Langley Ashdown Thornton Blackwood Kingsley Fairfax Wexford Hawthorne Pemberton "
    "Chadwick Lockwood Stanhope Yardley",
}
GIVEN = {
    "ru": "Павел Анна Ирина Николай Пётр Сергей Юлия Жанна Фёдор Елена",
    "uk": "Оксана Тарас Олена Андрій Галина Сергій Юрій Наталія Петро Ірина",
    "el": "Γιώργος Μαρία Ελένη Κώστας Νίκος Χρήστος Σοφία Δημήτρης Αγγελική Παύλος",
    "en": "Helen James Oliver Grace Thomas Alice Edward Martha George Rose",
}
WORDS = {"ru": CYRILLIC_WORDS, "uk": UKRAINIAN_WORDS, "el": GREEK_WORDS, "en": ENGLISH_WORDS}
FORMS = {
    "ru": ("ООО {}", "{}, ООО", "ЗАО {}", "АО {}", "О.О.О. {}", "Общество с ограниченной ответственностью {}"),
    "uk": ("ТОВ {}", "{}, ТОВ", "ПП {}", "ПрАТ {}", "Товариство з обмеженою відповідальністю {}"),
    "el": ("{} ΑΕ", "{} Α.Ε.", "{} ΕΠΕ", "{} ΙΚΕ", "{} Ο.Ε."),
    "en": ("{} Ltd", "{} Limited", "{} LLC", "{} Inc.", "{} plc"),
}
QUOTES = ("«{}»", '"{}"', "“{}”", "„{}“", "'{}'")
CITIES = {"ru": ("495", "812", "343", "383", "846"), "uk": ("44", "32", "48", "57"), "el": ("21", "231")}
FREE = ("mail.ru", "gmail.com", "yandex.ru", "ukr.net", "otenet.gr", "outlook.com")
LETTERS = {
    "ru": "абвгдежзиклмнопрстуфхцчшщыюя",
    "uk": "абвгдежзиіїклмнопрстуфхцчшщюя",
    "el": "αβγδεζηθικλμνξοπρστυφχψω",
}

SCHEMES: dict[str, tuple[dict[str, str], ...]] = {
    "ru": (
        _table(
            "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
            "a b v g d e yo zh z i y k l m n o p r s t u f kh ts ch sh shch - y - e yu ya",
        ),
        _table(
            "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
            "a b v g d e e zh z i i k l m n o p r s t u f h c ch sh sch - y - e iu ia",
        ),
        _table(
            "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
            "a b v g d e jo sch s i j k l m n o p r s t u f ch z tsch sch schtsch - y - e ju ja",
        ),
    ),
    "uk": (
        _table(
            "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",
            "a b v h g d e ie zh z y i i i k l m n o p r s t u f kh ts ch sh shch - iu ia",
        ),
        _table(
            "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",
            "a b v g g d e ye zh z i i yi y k l m n o p r s t u f h ts ch sh sch - yu ya",
        ),
    ),
}  # fmt: skip
GREEK_PAIRS = {"ου": "ou", "γκ": "gk", "ντ": "nt", "γγ": "ng", "γχ": "nch", "τζ": "tz", "τσ": "ts"}
GREEK_LETTERS = (
    _table("αβγδεζηθικλμνξοπρσςτυφχψω", "a v g d e z i th i k l m n x o p r s s t y f ch ps o"),
    _table("αβγδεζηθικλμνξοπρσςτυφχψω", "a v g d e z i th i k l m n ks o p r s s t i f h ps o"),
)


@dataclass(frozen=True)
class Card:
    """A card of the set: what its fields hold."""

    language: str
    words: tuple[str, ...]
    name: str
    surname: str
    given_name: str
    phone: str
    email: str
    website: str


@dataclass(frozen=True)
class Draft:
    """What is typed, the change it was made by, and which card it is: its place in the set, None for none of them."""

    kind: str
    card: int | None
    fields: dict[str, str]
    near: int | None = None
    """The card that it resembles though it is another."""


def cards(seed: int, size: int) -> list[Card]:
    """`size` cards whose names all differ by a word at least."""
    dice = random.Random(seed)
    made: list[Card] = []
    seen: set[tuple[str, ...]] = set()
    while len(made) < size:
        language = dice.choice(("ru", "ru", "uk", "el", "en"))
        words = tuple(dice.sample(WORDS[language], dice.choice((1, 2, 2, 2, 3))))
        if tuple(sorted(words)) in seen or (len(words) == 1 and dice.random() < 0.6):
            continue
        seen.add(tuple(sorted(words)))
        name = dice.choice(FORMS[language]).format(dice.choice(QUOTES).format(" ".join(words)))
        domain = f"{latin(words[0], language, 0).lower()}-{dice.choice(string.ascii_lowercase)}{len(made)}"
        domain = "".join(sign for sign in domain if sign.isascii() and (sign.isalnum() or sign == "-"))
        domain += dice.choice((".ru", ".com", ".com.ua", ".gr", ".co.uk"))
        surname, given = dice.choice(SURNAMES[language].split()), dice.choice(GIVEN[language].split())
        own = dice.random() < 0.7
        box = f"{latin(given, language, 0).lower()}.{latin(surname, language, 0).lower()}"
        made.append(
            Card(
                language, words, name, surname, given, number(dice, language),
                f"{box}{dice.randrange(1000)}@{domain if own else dice.choice(FREE)}",
                f"https://www.{domain}/" if own or dice.random() < 0.5 else "",
            )
        )  # fmt: skip
    return made


def number(dice: random.Random, language: str) -> str:
    """A full number as one would write it in the country."""
    local = f"{dice.randrange(2, 9)}{dice.randrange(10**6):06}"
    if language == "en":
        return f"+44 20 7946 {dice.randrange(10**4):04}" if dice.random() < 0.05 else f"+44 20 7{local[:3]} {local[3:]}"
    if language == "el":
        return f"+30 210 {local[:3]} {local[3:]}"
    if language == "uk":
        return f"+380 44 {local[:3]}-{local[3:5]}-{local[5:]}"
    return f"+7 {dice.choice(CITIES['ru'])} {local[:3]}-{local[3:5]}-{local[5:]}"


# Ways of writing


def latin(text: str, language: str, scheme: int) -> str:
    """`text` in Latin letters by one of the schemes of its language."""
    if language == "en":
        return text
    if language == "el":
        return _greek(text, scheme % 2)
    table = SCHEMES[language][scheme % len(SCHEMES[language])]
    return "".join(_like(sign, table.get(sign.lower(), sign)) for sign in text)


def _greek(text: str, scheme: int) -> str:
    """By the standard of the passports (0), or as people type it who have no Greek keys (1)."""
    plain = text.translate(str.maketrans("άέήίόύώϊΐϋΰΆΈΉΊΌΎΏ", "αεηιουωιιυυΑΕΗΙΟΥΩ"))
    made, place = "", 0
    while place < len(plain):
        pair, after = plain[place : place + 2].lower(), plain[place + 2 : place + 3].lower()
        if pair == "μπ":
            written = "b" if not made or made.endswith(" ") else "mp"
        elif pair in ("αυ", "ευ"):
            voiced = "f" if not after.strip() or after in "θκξπσςτφχψ" else "v"
            written = GREEK_LETTERS[0][pair[0]] + (voiced if scheme == 0 else "u")
        else:
            written = GREEK_PAIRS.get(pair, "")
        step = 2 if written else 1
        made += _like(plain[place], written or GREEK_LETTERS[scheme].get(plain[place].lower(), plain[place]))
        place += step
    return made


def _like(sign: str, written: str) -> str:
    return written.capitalize() if sign.isupper() else written


def slip(dice: random.Random, text: str, language: str) -> str:
    """`text` with one slip of the keyboard in one of its letters: left out, added, another, two exchanged."""
    letters = LETTERS.get(language, string.ascii_lowercase)
    words = text.split()
    longest = [place for place, word in enumerate(words) if len(word) >= 4] or [0]
    which = dice.choice(longest)
    word = words[which]
    while True:
        place = dice.randrange(len(word))
        match dice.choice(("out", "in", "other", "swap")):
            case "out":
                slipped = word[:place] + word[place + 1 :]
            case "in":
                slipped = word[:place] + dice.choice(letters) + word[place:]
            case "other":
                slipped = word[:place] + dice.choice(letters) + word[place + 1 :]
            case _:
                slipped = word[:place] + word[place : place + 2][::-1] + word[place + 2 :]
        if slipped.lower() != word.lower():
            words[which] = slipped
            return " ".join(words)


def inflected(surname: str, language: str) -> str:
    """The surname in another case or gender, as it is heard in a sentence."""
    if language == "ru":
        for ending, others in (("ская", "ской"), ("ова", "овой"), ("ева", "евой"), ("ина", "иной")):
            if surname.endswith(ending):
                return surname.removesuffix(ending) + others
        return surname + ("у" if len(surname) % 2 else "а")
    if language == "el":
        for ending, other in (("όπουλος", "οπούλου"), ("ης", "η"), ("ος", "ου")):
            if surname.endswith(ending):
                return surname.removesuffix(ending) + other
    if language == "uk" and surname.endswith(("ук", "юк", "ик", "ець")):
        return surname.removesuffix("ець") + "ця" if surname.endswith("ець") else surname + "а"
    return surname


# Drafts


def same(seed: int, book: list[Card]) -> Iterator[Draft]:
    """Drafts of cards that are there, one of each kind a card where it makes sense."""
    dice = random.Random(seed + 1)
    for place, card in enumerate(book):
        for kind, change in CHANGES.items():
            if fields := change(dice, card):
                yield Draft(kind, place, fields)


def _form(dice: random.Random, card: Card) -> dict[str, str]:
    return {"name": dice.choice(FORMS[card.language]).format(" ".join(card.words))}


def _order(dice: random.Random, card: Card) -> dict[str, str]:
    return {"name": " ".join(reversed(card.words))} if len(card.words) > 1 else {}


def _joined(dice: random.Random, card: Card) -> dict[str, str]:
    return {"name": dice.choice(("", "-")).join(card.words)} if len(card.words) > 1 else {}


def _latin(dice: random.Random, card: Card) -> dict[str, str]:
    if card.language in ("en", "el"):
        return {}
    return {"name": " ".join(latin(word, card.language, dice.randrange(3)) for word in card.words)}


def _greek_latin(dice: random.Random, card: Card) -> dict[str, str]:
    if card.language != "el":
        return {}
    scheme = dice.randrange(2)
    return {"name": " ".join(latin(word, "el", scheme) for word in card.words)}


def _person_latin(dice: random.Random, card: Card) -> dict[str, str]:
    if card.language == "en":
        return {}
    scheme = dice.randrange(3)
    return {
        "surname": latin(card.surname, card.language, scheme),
        "given_name": latin(card.given_name, card.language, scheme),
    }


def _digits(text: str) -> str:
    return "".join(sign for sign in text if sign.isdigit())


def _national(dice: random.Random, card: Card) -> str:
    digits = _digits(card.phone)
    if card.language == "ru":
        return f"{dice.choice(('8', '7'))} ({digits[1:4]}) {digits[4:7]} {digits[7:9]} {digits[9:]}"
    return "00" + digits


def _extension(dice: random.Random, card: Card) -> dict[str, str]:
    sign = dice.choice((" доб. ", " ext ", ", ", " #", " (доб. ", " вн. "))
    return {"phone": f"{card.phone}{sign}{dice.randrange(10, 999)}"}


def _several(dice: random.Random, card: Card) -> dict[str, str]:
    sign = dice.choice(("; ", ", ", " / ", "\n", " или "))
    others = [number(dice, "ru"), card.phone]
    dice.shuffle(others)
    return {"phone": sign.join(others)}


def _domain(dice: random.Random, card: Card) -> dict[str, str]:
    _box, _at, host = card.email.partition("@")
    return {} if host in FREE else {"email": f"{dice.choice(('info', 'sales', 'office'))}@{host}"}


def _site(dice: random.Random, card: Card) -> dict[str, str]:
    if not card.website:
        return {}
    host = card.website.removeprefix("https://www.").strip("/")
    forms = (host, f"HTTP://{host.upper()}/about?x=1", f"www.{host}", f"https://{host}:443/#top")
    return {"website": dice.choice(forms)}


CHANGES: dict[str, Callable[[random.Random, Card], dict[str, str]]] = {
    "name: legal form": _form,
    "name: case": lambda dice, card: {"name": dice.choice((card.name.upper(), card.name.lower()))},
    "name: quotes": lambda dice, card: {"name": dice.choice(QUOTES).format(" ".join(card.words))},
    "name: order of words": _order,
    "name: run together": _joined,
    "name: one letter": lambda dice, card: {"name": slip(dice, " ".join(card.words), card.language)},
    "name: Cyrillic to Latin": _latin,
    "name: Greek to Latin": _greek_latin,
    "surname: same": lambda dice, card: {"surname": card.surname.upper(), "given_name": card.given_name},
    "surname: inflected": lambda dice, card: (
        {"surname": inflected(card.surname, card.language), "given_name": card.given_name}
    ),
    "surname: one letter": lambda dice, card: (
        {"surname": slip(dice, card.surname, card.language), "given_name": card.given_name}
    ),
    "surname: other alphabet": _person_latin,
    "phone: national": lambda dice, card: {"phone": _national(dice, card)},
    "phone: no city code": lambda dice, card: {"phone": _digits(card.phone)[-7:]},
    "phone: extension": _extension,
    "phone: several": _several,
    "e-mail: case": lambda dice, card: {"email": f" {card.email.upper()}"},
    "e-mail: domain": _domain,
    "website: form": _site,
}
"""Kind of change -> what is typed then; {} where it makes no sense."""
EXACT = tuple(kind for kind in CHANGES if not kind.endswith(("one letter", "Latin", "other alphabet")))
SLIPS = ("name: one letter", "surname: one letter")
ALPHABETS = ("name: Cyrillic to Latin", "name: Greek to Latin", "surname: other alphabet")


def unrelated(seed: int, book: list[Card]) -> Iterator[Draft]:
    """Whole drafts of clients that are none of the set's, each near to one of its cards in some way."""
    dice = random.Random(seed + 2)
    stranger = cards(seed + 3, len(book))
    for place, (card, other) in enumerate(zip(book, stranger, strict=True)):
        whole = {
            "name": other.name, "surname": other.surname, "given_name": other.given_name,
            "phone": other.phone, "email": f"q{place}.{other.email}",
            "website": other.website and f"https://x{place}.test",
        }  # fmt: skip
        language = card.language
        spare = [word for word in WORDS[language] if word not in card.words]
        changed = (*card.words[:-1], dice.choice(spare))
        tail = _digits(card.phone)[-7:]
        for kind, fields in (
            ("nothing in common", {}),
            ("one word differs", {"name": " ".join(changed)}),
            ("one word more", {"name": " ".join((*card.words, dice.choice(spare)))}),
            ("same surname, another firm", {"surname": card.surname}),
            ("same person's name, another firm", {"surname": card.surname, "given_name": card.given_name}),
            ("same last digits, another city", {"phone": f"+7 {dice.choice(('351', '391', '423'))} {tail}"}),
            ("same public mail", {"email": f"someone{place}@{dice.choice(FREE)}"}),
            ("same shared site", {"website": f"https://vk.com/other{place}"}),
            ("same name in another city", {"name": card.name}),
            ("same office number, another firm", {"phone": card.phone}),
        ):
            yield Draft(kind, None, {**whole, **fields}, near=place)
