"""Words that invented people and firms are put together from, in four alphabets."""

from __future__ import annotations

import random
from dataclasses import dataclass

from anyascii import anyascii

_MALE, _FEMALE = 0, 1


@dataclass(frozen=True)
class _People:
    """Surnames as (his, hers), given names and patronymics as (men's, women's); '' where patronymics are not usual."""

    surnames: tuple[tuple[str, str], ...]
    given: tuple[tuple[str, ...], tuple[str, ...]]
    patronymics: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    """`A/B C` gives (A, B) and (C, C)."""
    return tuple((pair.split("/")[0], pair.split("/")[-1]) for pair in text.split())


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


PEOPLE = {
    "ru": _People(
        _pairs(
            "Ардашев/Ардашева Вешняков/Вешнякова Глухов/Глухова Дёмин/Дёмина Ершов/Ершова Жилин/Жилина Зотов/Зотова "
            "Ильин/Ильина Корзун Лыткин/Лыткина Мещеряков/Мещерякова Неклюдов/Неклюдова Осокин/Осокина "
            "Пряхин/Пряхина Рогов/Рогова Сычёв/Сычёва Тропин/Тропина Уваров/Уварова Фадеев/Фадеева Хомутов/Хомутова "
            "Цветков/Цветкова Чагин/Чагина Шубин/Шубина Щукин/Щукина Эйхман Юдин/Юдина Яхонтов/Яхонтова "
            "Бережной/Бережная Орловский/Орловская Черных"
        ),
        (
            _words("Алексей Борис Виктор Григорий Дмитрий Евгений Игорь Константин Лев Павел Роман Семён Фёдор"),
            _words("Алла Вера Галина Дарья Елена Жанна Инна Ксения Лидия Марина Наталья Ольга Юлия"),
        ),
        (
            _words("Андреевич Борисович Викторович Ильич Львович Николаевич Павлович Сергеевич Юрьевич"),
            _words("Андреевна Борисовна Викторовна Ильинична Львовна Николаевна Павловна Сергеевна Юрьевна"),
        ),
    ),
    "ua": _People(
        _pairs(
            "Бондаренко Величко Гнатюк Дзюба Журба Їжакевич Кравчук Лисенко Мельничук Онищенко Паламар Рудик "
            "Савчук Тарасюк Щербань Яремчук Коваль Євшан Ґудзь Шевчик"
        ),
        (
            _words("Андрій Богдан Василь Євген Ігор Остап Петро Тарас Юрій"),
            _words("Ганна Зоряна Ірина Леся Мар'яна Оксана Соломія Юлія Уляна"),
        ),
        (
            _words("Андрійович Богданович Васильович Ігорович Петрович Юрійович"),
            _words("Андріївна Богданівна Василівна Ігорівна Петрівна Юріївна"),
        ),
    ),
    "gr": _People(
        _pairs(
            "Αγγελίδης/Αγγελίδου Βλάχος/Βλάχου Γεωργίου Δημητριάδης/Δημητριάδου Ελευθερίου Ζερβός/Ζερβού "
            "Ιωαννίδης/Ιωαννίδου Καραγιάννης/Καραγιάννη Λαμπρόπουλος/Λαμπροπούλου Μαυρίδης/Μαυρίδου Νικολάου "
            "Παυλίδης/Παυλίδου Σταύρου Τσιμπίδης/Τσιμπίδου Χριστοφόρου"
        ),
        (
            _words("Ανδρέας Γιώργος Δημήτρης Κώστας Νίκος Παναγιώτης Στέλιος"),
            _words("Άννα Βασιλική Ελένη Ιωάννα Κατερίνα Μαρία Σοφία"),
        ),
    ),
    "en": _People(
        _pairs(
            "Ashdown Brackley Cole Dunmore Ellwood Farrow Gresham Hartwell Ingram Jessop Kirby Langdale Marlow Norwood "
            "Oakes Pemberton Quill Radcliffe Sutherby Thorne Underhill Vance Whitlock Yardley O'Dell D'Arcy "
            "Müller-Haas Łapiński/Łapińska Ó'Brúin García Lefèvre Åström"
        ),
        (
            _words("Arthur Benjamin Colin Daniel Edward Frank George Hugh Ivan Jonathan Martin Oliver Peter"),
            _words("Alice Beatrice Clara Diana Emily Fiona Grace Helena Isobel Joan Margaret Nora Zoë"),
        ),
    ),
}

_FIRMS = {
    "ru": (
        ("ООО «{}»", "ООО «{}»", "АО «{}»", "ПК «{}»", "ООО ТД «{}»"),
        "Рассвет|Медовый край|Северный чай|Лаванда|Ключ и замок|Тёплый хлеб|Альбатрос-М|Уют-Декор|Мир игрушек 77|Полюс|"
        "Глина и огонь|Вишнёвый сад|Кедр|Лесная лавка|Сто тетрадей|Радуга красок|Гончар|Сыры Заречья|Быстрая посылка|"
        "Ясень-Мебель|Аптека на углу|Янтарная нить|Белый парус|Домашние соленья|Свеча|Велодвор|Зерно и ступка|"
        "Кофейный цех|Пуговица|Ткани Востока|Инструмент-Центр|Родник|Книжный остров|Мыльная мануфактура|Грибное место|"
        "Орбита-Электро|Ёлочная игрушка|Хрусталь-Сервис|Садовод-2|Пасека Ильиных|Стекло и свет|Шоколадный дом|"
        "Бригантина|Обувной ряд|Фарфор|Три пескаря|Ремень и пряжка|Цех № 5|Весы и гири|Луговые травы",
    ),
    "ua": (
        ("ТОВ «{}»", "ТОВ «{}»", "ПП «{}»", "ФГ «{}»"),
        "Калина|Медова криниця|Їжа і затишок|Ґанок|Чебрець|Полтавські млинці|Вишиванка-Плюс|Сонячний сад|Гончарне коло|"
        "Карпатський мед|Пекарня Паляниця|Дніпро-Тара|Зелений гай|Соняшник|Львівські цукерки-2",
    ),
    "gr": (
        ("{} Α.Ε.", "{} Ε.Π.Ε.", "{} Ο.Ε."),
        "Ελαιώνας|Μέλι Υμηττού|Θαλασσινή Αύρα|Πήλινα Κρήτης|Αμπελώνες Νότου|Φούρνος της Γειτονιάς|Σαπωνοποιία Λέσβου|"
        "Ηλιοτρόπιο|Κεραμική Άνδρου|Βότανα Ταΰγετου|Ζύμη",
    ),
    "en": (
        ("{} Ltd", "{} Ltd", "{} LLC", "{} & Co.", "{} GmbH"),
        "Harrow Candles|Bright Kettle|Blue Heron Tea|Fenwick Toys|Old Mill Bakery|Larkspur Soap|Ironbridge Tools|"
        "Copperpot|North Quay Coffee|Paper Lantern|Willow Books|Stonecrop Ceramics|Marigold Seeds|Button Row|"
        "Seven Oaks Cheese|Bramble Jam|Swift Parcel|Lighthouse Lamps|Hazel Furniture|Pennywhistle Games|Wren Textiles|"
        "Kestrel Bikes|Foxglove Pharmacy|Rook Leather|Saltmarsh|Sparrow Shoes|Tallow Works|Crocus Garden|Amber Thread|"
        "Tin Whistle|Café Zöe|Ångström Glass|Nuts 4 U|Quince Street|Driftwood",
    ),
}


@dataclass(frozen=True)
class Name:
    """A person's name in its parts."""

    surname: str
    given: str
    patronymic: str

    @property
    def ascii(self) -> str:
        """The surname in plain Latin letters, for an e-mail address."""
        return ascii_slug(self.surname)


class Names:
    """Gives out people and firms of an alphabet (`ru`, `ua`, `gr`, `en`); firms and full names never repeat."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self._used: set[Name] = set()
        self._firms = {alphabet: words.split("|") for alphabet, (_, words) in _FIRMS.items()}
        for words in self._firms.values():
            dice.shuffle(words)

    def person(self, alphabet: str) -> Name:
        """Somebody new."""
        people = PEOPLE[alphabet]
        while True:
            sex = self.dice.choice((_MALE, _FEMALE))
            patronymics = people.patronymics[sex]
            name = Name(
                self.dice.choice(people.surnames)[sex],
                self.dice.choice(people.given[sex]),
                self.dice.choice(patronymics) if patronymics else "",
            )
            if name not in self._used:
                self._used.add(name)
                return name

    def firm(self, alphabet: str) -> tuple[str, str]:
        """A firm's full name and its name in plain Latin letters, for a domain."""
        word = self._firms[alphabet].pop()
        return self.dice.choice(_FIRMS[alphabet][0]).format(word), ascii_slug(word)

    def firms_left(self, alphabet: str) -> int:
        """How many more firms of this alphabet there are."""
        return len(self._firms[alphabet])


def ascii_slug(text: str) -> str:
    """`Медовый край` becomes `medovyy-kray`."""
    plain = "".join(c if c.isalnum() else "-" for c in anyascii(text).lower().replace("'", ""))
    return "-".join(part for part in plain.split("-") if part)
