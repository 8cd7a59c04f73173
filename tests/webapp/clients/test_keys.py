"""The six keys (D29): one client gives one key, however it is spelt; a number is read in every usual form."""

from __future__ import annotations

from collections.abc import Callable, Set

import phonenumbers
import pytest
from anyascii import anyascii
from hypothesis import given
from hypothesis import strategies as st

from webapp.clients import keys
from webapp.clients.words import CYRILLIC, SOUNDS

COUNTRIES = st.sampled_from(["RU", "UA", "GR", "DE", "GB", "US", "KZ", "EE"])


@pytest.mark.parametrize(
    "raw",
    [
        "+7 (495) 123-45-67",
        "8 (495) 123-45-67",
        "8-495-1234567",
        "74951234567",
        "4951234567",
        "+74951234567",
        "８ ４９５ １２３ ４５ ６７",
        "sip:+74951234567@pbx.example",
        "<sip:84951234567@10.0.0.1;user=phone>",
        "tel:+7-495-123-45-67;ext=12",
        "тел. 8 495 123-45-67 доб. 12",
        "8 495 123-45-67, 12",
        "+7 495 123 45 67 ext 5",
        "+7 495 123 45 67 #8",
        "(495) 123-45-67 / (495) 765-43-21",
        "8 495 123-45-67 вн. 204",
    ],
)
def test_a_moscow_number_is_read_in_every_form(raw: str) -> None:
    assert keys.normal_phone(raw, "RU") == "+74951234567"


@pytest.mark.parametrize(
    ("raw", "country", "normal"),
    [
        ("044 234 56 78", "UA", "+380442345678"),
        ("+38 (044) 234-56-78", "UA", "+380442345678"),
        ("380442345678", "RU", "+380442345678"),
        ("210 123 4567", "GR", "+302101234567"),
        ("030 1234567", "DE", "+49301234567"),
        ("00 49 30 1234567", "RU", "+49301234567"),
        ("8 10 49 30 1234567", "RU", "+49301234567"),
        ("020 7946 0018", "GB", "+442079460018"),
        ("123-45-67", "RU", "1234567"),
        ("38-12-34", "RU", "381234"),
        ("101", "RU", "101"),
    ],
)
def test_national_short_and_foreign_forms(raw: str, country: str, normal: str) -> None:
    assert keys.normal_phone(raw, country) == normal


@pytest.mark.parametrize(
    ("raw", "parts", "normals"),
    [
        ("+7 495 123-45-67 доб. 12; 8-916-765-43-21, 8 (812) 345-67-89",
         ["+7 495 123-45-67 доб. 12", "8-916-765-43-21", "8 (812) 345-67-89"],
         ("+74951234567", "+79167654321", "+78123456789")),
        ("8 495 123-45-67, 12", ["8 495 123-45-67, 12"], ("+74951234567",)),
        ("8 (495) 123-45-67 8 (916) 765-43-21", ["8 (495) 123-45-67", "8 (916) 765-43-21"],
         ("+74951234567", "+79167654321")),
        ("123-45-67 / 765-43-21", ["123-45-67", "765-43-21"], ("1234567", "7654321")),
        ("Анна, 8 495 123-45-67, Олег: 8 916 765-43-21", ["Анна, 8 495 123-45-67", "Олег: 8 916 765-43-21"],
         ("+74951234567", "+79167654321")),
        ("8 495 123-45-67 или 8 916 765-43-21", ["8 495 123-45-67", "8 916 765-43-21"],
         ("+74951234567", "+79167654321")),
        ("no number at all", ["no number at all"], ()),
        ("", [], ()),
    ],
)  # fmt: skip
def test_several_numbers_in_one_field(raw: str, parts: list[str], normals: tuple[str, ...]) -> None:
    assert [part.removesuffix(" или") for part in keys.apart(raw, "RU")] == parts
    assert keys.numbers(raw, "RU") == normals


@given(st.text(max_size=120), COUNTRIES)
def test_taking_apart_any_text_ends_and_loses_no_digit(raw: str, country: str) -> None:
    parts = keys.apart(raw, country)
    if len(parts) > 1:
        assert "".join("".join(parts).split()).count("7") == raw.count("7")


@pytest.mark.parametrize(
    "raw",
    ["", "anonymous", "Anonymous", "sip:anonymous@anonymous.invalid", "Unavailable", "restricted", "+", "0", "0000000",
     "sip:boris7@office", "скрыт", "1" * 300, "\0", "+-()"],
)  # fmt: skip
def test_a_hidden_or_impossible_number_is_nothing(raw: str) -> None:
    assert keys.normal_phone(raw, "RU") == ""
    assert keys.phone_tail("", "RU") == ""


def test_the_tail_has_no_country_and_no_city() -> None:
    assert keys.phone_tail("+74951234567", "RU") == "1234567"
    assert keys.phone_tail("1234567", "RU") == "1234567"
    assert keys.phone_tail("381234", "RU") == "381234"
    assert keys.phone_tail("+376812345", "RU") == "812345"  # Andorra: six digits, the code stays out


def test_only_a_full_number_is_whole() -> None:
    assert keys.phone_whole("+74951234567") == "+74951234567"
    assert keys.phone_whole("1234567") == ""


@given(st.text(max_size=60), COUNTRIES)
def test_reading_any_text_ends_and_settles(raw: str, country: str) -> None:
    normal = keys.normal_phone(raw, country)
    assert normal == "" or (normal.removeprefix("+").isascii() and normal.removeprefix("+").isdigit())
    assert len(normal) <= 40
    assert keys.normal_phone(normal, country) == normal
    tail = keys.phone_tail(normal, country)
    assert len(tail) <= 7 and normal.endswith(tail)


@given(COUNTRIES, st.sampled_from(["INTERNATIONAL", "NATIONAL", "E164", "RFC3966"]), st.integers(0, 9_999_999))
def test_every_way_of_writing_a_number_meets(country: str, style: str, noise: int) -> None:
    sample = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.FIXED_LINE)
    assert sample is not None
    sample.national_number = (sample.national_number or 0) // 10_000 * 10_000 + noise % 10_000
    if not phonenumbers.is_valid_number_for_region(sample, country):
        return
    written = phonenumbers.format_number(sample, getattr(phonenumbers.PhoneNumberFormat, style))
    expected = phonenumbers.format_number(sample, phonenumbers.PhoneNumberFormat.E164)
    assert keys.normal_phone(written, country) == expected
    assert keys.phone_tail(expected, country) == expected[-7:]


@pytest.mark.parametrize(
    "names",
    [
        ("ООО «Рассвет»", "Рассвет, ООО", "RASSVET LLC", "О.О.О. Рассвет"),
        ("Рассвет", 'Общество с ограниченной ответственностью "РАССВЕТ"'),
        ("Строй-Мастер", "Мастер Строй", "master stroy ltd."),
        ("СтройМастер", "Строй Мастер", "StroyMaster"),
        ("ТОВ «Київські вікна»", "Kyivski Vikna TOV", "київські вікна"),
        ("Ανώνυμη Εταιρεία ΗΛΙΟΣ", "Ήλιος Α.Ε.", "Ilios AE"),
        ("Müller & Söhne GmbH", "Mueller und Soehne"),
        ("Ångström Glass & Co.", "Angstrom Glass", "Aangstroem Glass"),
        ("Müller", "Mueller", "Muller"),
        ("Гермес", "Hermes"),
        ("Tesla s.r.o.", "Tesla"),
        ("Villa Sp. z o.o.", "VILLA"),
        ("АО 'Точка'", "Tochka JSC"),
        ("O'Neil's Co", "ONeils"),
        ("ПК «Тёплый хлеб»", 'PK "TEPLYY KHLEB"', "Teplyj hleb"),
        ("КФХ Заря", "KFH Zarya"),
    ],
)  # fmt: skip
def test_one_company_one_key(names: tuple[str, ...]) -> None:
    first = set(keys.company_keys(names[0]))
    for name in names[1:]:
        assert first & set(keys.company_keys(name)), name


def test_different_companies_stay_apart() -> None:
    assert not set(keys.company_keys("Рассвет")) & set(keys.company_keys("Рассвет плюс"))
    for one, other in (("12 месяцев", "13 месяцев"), ("Школа 7", "Школа 77"), ("Завод 10", "Завод 100")):
        assert not set(keys.company_keys(one)) & set(keys.company_keys(other)), one
    assert keys.company_keys("«»") == ()
    assert keys.company_keys("San Marco") != keys.company_keys("Marco")


def test_a_name_of_nothing_but_a_legal_form_still_has_a_key() -> None:
    assert keys.company_keys("ООО") == keys.company_keys("ooo") != ()


@pytest.mark.parametrize(
    "names",
    [
        ("Иванов", "Иванова", "Ивановой", "Ивановым", "IVANOV", "Ivanova", "Ivanoff"),
        ("Шевченко", "Шевченка", "Shevchenko", "Schewtschenko"),
        ("Достоевский", "Достоевская", "Достоевского", "Dostoevsky", "Dostoyevskiy"),
        ("Семёнов", "Семенова", "Semyonov"),
        ("Ковальов", "Ковалёв", "Kovalyov"),
        ("Грищенко", "Hryshchenko", "Grishchenko"),
        ("Яценюк", "Yatsenyuk", "Iatseniuk", "Яценюка"),
        ("Παπαδόπουλος", "Παπαδοπούλου", "Papadopoulos", "Papadopoulou", "Пападопулос"),
        ("Λαμπράκης", "Λαμπράκη", "Lambrakis", "Lamprakis"),
        ("Müller", "Mueller", "Мюллер"),
        ("Христов", "Hristov", "Khristov"),
        ("Толстой", "Толстая", "Tolstoy"),
        ("Мельник", "Мельника", "Melnyk"),
        ("Ό'Νιλ", "ΌΝΙΛ"),
    ],
)
def test_one_surname_one_key(names: tuple[str, ...]) -> None:
    assert {keys.surname_key(name) for name in names} == {keys.surname_key(names[0])} != {""}


def test_different_surnames_stay_apart() -> None:
    some = ("Иванов", "Ивашов", "Петров", "Кузнецов", "Ким", "Ли", "Papadakis", "Papadopoulos", "Орлов", "Козлов")
    assert len({keys.surname_key(name) for name in some}) == len(some)


@given(st.text(max_size=120))
def test_names_of_any_signs_give_bounded_ascii_keys(text: str) -> None:
    for key in (*keys.company_keys(text), keys.surname_key(text), keys.given_name_key(text)):
        assert key.isascii() and len(key) <= 200
    assert keys.surname_key(text.upper()) is not None


@pytest.mark.parametrize(
    ("email", "key", "domain"),
    [
        (" Ivan@Mail.RU ", "ivan@mail.ru", "mail.ru"),
        ("sales@shop.acme.co.uk", "sales@shop.acme.co.uk", "acme.co.uk"),
        ("info@пример.рф", "info@xn--e1afmkfd.xn--p1ai", "xn--e1afmkfd.xn--p1ai"),
        ("<mailto:q@acme.com>", "q@acme.com", "acme.com"),
        ("x@yandex.kz", "x@yandex.kz", "yandex.kz"),
        ("not an address", "", ""),
        ("a@b", "", ""),
        ("a@b..c", "", ""),
    ],
)
def test_email_and_its_domain(email: str, key: str, domain: str) -> None:
    assert (keys.email_key(email), keys.mail_domain(email)) == (key, domain)


@pytest.mark.parametrize(
    ("site", "key"),
    [
        ("https://www.acme.ru/about?x=1", "acme.ru"),
        ("ACME.RU", "acme.ru"),
        ("shop.acme.co.uk:8080", "acme.co.uk"),
        ("пример.рф", "xn--e1afmkfd.xn--p1ai"),
        ("vk.com/acme", "vk.com/acme"),
        ("vk.com", ""),
        ("acme.narod.ru", "acme.narod.ru"),
        ("http://[::1", ""),
        ("10.0.0.1", ""),
        ("no site", ""),
        ("", ""),
    ],
)
def test_sites(site: str, key: str) -> None:
    assert keys.site_key(site) == key


@given(st.text(max_size=80))
def test_addresses_of_any_signs_are_read_or_refused(text: str) -> None:
    for key in (keys.email_key(text), keys.mail_domain(text), keys.site_key(text)):
        assert len(key) <= 200


@pytest.mark.parametrize("slips", [keys.company_slips, keys.surname_slips])
def test_long_words_cost_no_more_than_hearing_them(
    slips: Callable[[str], Set[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each letter left out is a word heard anew: of a caller's name without end that would take seconds."""
    heard: list[str] = []
    hear = keys._skeletons
    monkeypatch.setattr(keys, "_skeletons", lambda words: heard.extend(filter(None, words)) or hear(words))
    assert slips(f"zolotoye{slips.__name__}".replace("_", ""))
    assert len(heard) > 5
    heard.clear()
    assert slips(f"zolotaya{slips.__name__}" + "ий" * 180)
    assert len(heard) <= 3


@given(st.lists(st.text(st.sampled_from("schtzkgpfmndwxveoiuyjaа" + "щшьоёюκγμπντουαυιϊ"), min_size=1, max_size=12)))
def test_words_are_heard_together_as_each_alone(words: list[str]) -> None:
    heard = []
    for word in words:
        word = keys._greek(word) if keys._GREEK.search(word) else word
        word = anyascii(word.replace("ьо", "ё").translate(CYRILLIC)).lower()
        for _part, spelling, sound in SOUNDS:
            word = spelling.sub(sound, word)
        heard.append(word.lower())
    assert keys._skeletons(words) == (heard or [""])
