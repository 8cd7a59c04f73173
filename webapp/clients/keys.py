"""The six search keys of a card (D29), as pure functions: what is the same client must give the same key.

Names are folded to a Latin skeleton of their sound, so that Шевченко, Shevchenko and Schewtschenko meet; telling
two names apart is left to the reader, who sees the card. A key is '' when there is nothing to compare.
"""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections.abc import Mapping, Sequence, Set
from functools import lru_cache
from urllib.parse import urlsplit

import phonenumbers
from anyascii import anyascii
from phonenumbers import ValidationResult
from publicsuffixlist import PublicSuffixList

from webapp.clients.words import (
    CYRILLIC,
    DECLENSIONS,
    GREEK_PAIRS,
    JOINING_WORDS,
    LEGAL_FORMS,
    LEGAL_PHRASES,
    SHARED_SITES,
    SOUNDS,
)

TAIL_DIGITS = 7
LONGEST_LOCAL = 8
LONGEST_NUMBER = 15
MOST_DIGITS = 20
LONGEST_TEXT = 400
LONGEST_SLIP = 60
"""Letters of a word in which a slip is looked for: each of them costs as much as hearing the word once."""
SHORTEST_NUMBER = 5
"""Fewer digits beside a number are its extension, a room or a year."""

_EXTENSION = re.compile(
    r"(?:[,;#]|\b(?:ext(?:ension|n)?|x|доб(?:авочный)?|дод(?:атковий)?|вн(?:утр(?:енний)?)?|εσωτ(?:ερικό)?)\b)", re.I
)
_SEVERAL = re.compile(r"[/|\n]")
_BETWEEN = re.compile(r"[/|\n;,]|\b(?:или|або|or|και|ή)\b", re.I)
_SIP_USER = re.compile(r"^\s*<?\s*(sips?|tel):([^@;>]*)", re.I)
_APOSTROPHES = re.compile("['`´‘’ʼʹ]")
_DOTTED = re.compile(r"\b(?:\w\.\s?){2,}\w?(?!\w)")
_NOT_A_WORD = re.compile(r"[\W_]+")
_NO_LETTER = re.compile(r"[^a-z0-9\n]")
_NO_DIGIT = re.compile(r"\D")
_GREEK = re.compile(r"[\u0370-\u03ff\u1f00-\u1fff]")
_MARKED = re.compile(r"([a-z])[\u0300-\u036f]+", re.I)
_VOICELESS = "θκξπσςτφχψ"


# Phones


@lru_cache(5_000)
def normal_phone(raw: str, country: str) -> str:
    """`raw` as E.164 when it can be read in `country` (ISO code), else its digits; '' when hidden or not a number.

    An extension is dropped; of several numbers the first counts; SIP and tel addresses are understood.
    """
    text = raw[:LONGEST_TEXT]
    if address := _SIP_USER.match(text):
        text = address[2].replace("%2B", "+").replace("%2b", "+")
        if any(letter.isalpha() for letter in text):  # the name of an account, not a number
            return ""
    text = next((part for part in _SEVERAL.split(text) if _digits(part)), "")
    start = next((place for place, sign in enumerate(text) if sign.isdecimal() or sign in "++"), len(text))
    text = text[start:]
    text = text[: cut.start()] if (cut := _EXTENSION.search(text, 1)) else text
    digits = _digits(text)
    if not digits.strip("0") or len(digits) > MOST_DIGITS:
        return ""
    if text[0] in "++" and (number := _read("+" + digits, country, plausible=True)):
        return number
    abroad = digits.removeprefix("00")  # exchanges send 00 49 30 ..., or the country code with nothing before it
    return _read(digits, country) or (_read("+" + abroad, country) if len(digits) >= 10 else "") or digits


def apart(raw: str, country: str) -> list[str]:
    """The numbers of one field, each as it was written there with its extension; the whole text when it holds one.

    "+7 495 123-45-67 ext. 12; 8-916-765-43-21" holds two. What is no number stays with the one before it.
    """
    text = raw[:LONGEST_TEXT]
    one = len(_digits(text)) <= LONGEST_NUMBER and not _BETWEEN.search(text)
    if one or _SIP_USER.match(text):
        return [raw.strip()] if raw.strip() else []
    starts = []
    for begin, piece in _pieces(text):
        head = piece[: cut.start()] if (cut := _EXTENSION.search(piece)) else piece
        count = len(_digits(head))
        if count > LONGEST_NUMBER:  # two numbers with nothing but a space between
            starts += [begin + start for start in _run_together(piece, country)]
        elif count >= SHORTEST_NUMBER:
            starts.append(begin)
    if len(starts) < 2:
        return [raw.strip()] if raw.strip() else []
    ends = [*starts[1:], len(raw)]
    starts[0] = 0
    return [raw[start:end].strip(" \t\n/|;,") for start, end in zip(starts, ends, strict=True)]


def extension(raw: str) -> str:
    """The digits behind "ext." or the like; '' when there are none."""
    cut = _EXTENSION.search(raw, 1)
    return _digits(raw[cut.end() :]) if cut and _digits(raw[: cut.start()]) else ""


def numbers(raw: str, country: str) -> tuple[str, ...]:
    """All the numbers of a field as `normal_phone` gives them, in the order written."""
    return tuple(dict.fromkeys(one for part in apart(raw, country) if (one := normal_phone(part, country))))


def _pieces(text: str) -> list[tuple[int, str]]:
    """What stands between commas and the like, each with where it begins."""
    pieces, begin = [], 0
    for sign in _BETWEEN.finditer(text):
        pieces.append((begin, text[begin : sign.start()]))
        begin = sign.end()
    return [*pieces, (begin, text[begin:])]


def _run_together(text: str, country: str) -> list[int]:
    """Where numbers begin that stand side by side: each but the last can be read and enough is left for another."""
    starts = [0]
    for gap in re.finditer(r"(?<=[\d.)])\s+", text):
        if (
            len(_digits(text[gap.end() :])) >= TAIL_DIGITS
            and normal_phone(text[starts[-1] : gap.start()], country)[:1] == "+"
        ):
            starts.append(gap.end())
    return starts


def phone_tail(normal: str, country: str) -> str:
    """The last TAIL_DIGITS of a number as `normal_phone` gives it, without its country code; all of a shorter one."""
    digits = normal.removeprefix("+")
    if normal.startswith("+") and len(digits) < TAIL_DIGITS + 3:  # a small country: its code must not slip in
        with contextlib.suppress(phonenumbers.NumberParseException):
            digits = phonenumbers.national_significant_number(phonenumbers.parse(normal, country))
    return digits[-TAIL_DIGITS:]


def phone_whole(normal: str) -> str:
    """The number of `normal_phone` when it is a full one; '' when it was written without a city code (123-45-67)."""
    return normal if normal.startswith("+") or len(normal) > LONGEST_LOCAL else ""


def normal_contact(kind: str, value: str, country: str) -> str:
    """What `ContactPoint.normal` holds for a value as written; '' when it can't be read."""
    match kind:
        case "phone" | "mobile" | "fax":
            return normal_phone(value, country)
        case "email":
            return email_key(value)
        case "site":
            return site_key(value)
        case _:
            number = normal_phone(value, country)  # many messengers go by number
            return number if number.startswith("+") else " ".join(value.casefold().split())[:200]


def _digits(text: str) -> str:
    if text.isascii():
        return _NO_DIGIT.sub("", text)
    return "".join(str(unicodedata.decimal(sign)) for sign in text if sign.isdecimal())


def _read(text: str, country: str, plausible: bool = False) -> str:
    """E.164, when `text` is a number in use; `plausible`: the right length for its country will do."""
    try:
        parsed = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_valid_number(parsed) and not (
        plausible and phonenumbers.is_possible_number_with_reason(parsed) == ValidationResult.IS_POSSIBLE
    ):
        return ""
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


# Names


def company_keys(name: str) -> tuple[str, ...]:
    """Keys of a company's name: its words in alphabetical order, and run together as written.

    Without legal form, quotes and case: ООО «Строй-Мастер», StroyMaster Ltd and "Master Stroy" share a key. Latin
    letters with marks have keys of both ways to write them without: Müller meets Mueller and Muller.
    """
    keys: list[str] = []
    for written in dict.fromkeys((name, _unmarked(name))):
        words = name_words(written)
        keys += [" ".join(sorted(words.values())), _skeleton("".join(words))]
    return tuple(dict.fromkeys(key[:200] for key in keys if key))


def search_words(text: str) -> list[str]:
    """The words of a name as their sounds, without legal form and joining words; prefixes of them find the card."""
    return list(name_words(text).values())


@lru_cache(5_000)
def name_words(text: str) -> Mapping[str, str]:
    """The words of a name as written, without legal form and joining words -> their sounds."""
    words = [word for word in _words(_without_legal_phrases(text)) if word not in JOINING_WORDS]
    first, last = 0, len(words)  # a legal form stands at either end; inside, the same letters are a word
    while first < last and words[first] in LEGAL_FORMS:
        first += 1
    while first < last and words[last - 1] in LEGAL_FORMS:
        last -= 1
    return {word: skeleton for word in words[first:last] or words if (skeleton := _skeleton(word))}


@lru_cache(20_000)
def company_slips(word: str) -> Set[str]:
    """The sounds of a word of a name, and what they are when one letter is left out before or after it is heard.

    Two words with one slip of the keyboard share one of these, though a slip may change several sounds: Quartz, Quarlz.
    """
    sound = _skeleton(word)
    return {sound, *_shorter(sound), *_skeletons(_shorter(word))} - {""}


@lru_cache(20_000)
def surname_slips(surname: str) -> Set[str]:
    """The same for a surname and its stem."""
    stem = surname_key(surname)
    written = _split("\n".join(_shorter("".join(_words(surname)))))
    return {stem, *_shorter(stem), *map(_stem, _skeletons(written))} - {""}


def _shorter(word: str) -> list[str]:
    if len(word) > LONGEST_SLIP:
        return []
    return [word[:place] + word[place + 1 :] for place in range(len(word))]


@lru_cache(20_000)
def surname_key(surname: str) -> str:
    """A surname's stem: the same for Иванов, Ивановой and Ivanova, for Παπαδόπουλος and Papadopoulou."""
    return _stem("".join(_skeleton(word) for word in _words(surname)))


def _stem(skeleton: str) -> str:
    for ending in DECLENSIONS:
        if found := ending.match(skeleton):
            return found[1][:200]
    return skeleton[:200]


def person_key(surname: str, given_name: str) -> str:
    """Surname and given name as one key; '' when either is missing."""
    stem, given = surname_key(surname), given_name_key(given_name)
    return f"{stem} {given}"[:200] if stem and given else ""


@lru_cache(20_000)
def given_name_key(given_name: str) -> str:
    """The sound of a given name, without its case endings (Анна, Анну, Anna)."""
    skeleton = "".join(_skeleton(word) for word in _words(given_name))
    return re.sub(r"(?<=..)(?:[aeiou]+s?|oi|ei|om|em)$", "", skeleton)[:200]


def _unmarked(text: str) -> str:
    """Latin letters without their marks (Ångström: Angstrom); other alphabets as they are."""
    marked = unicodedata.normalize("NFKD", text[:LONGEST_TEXT])
    return unicodedata.normalize("NFC", _MARKED.sub(r"\1", marked))


def _without_legal_phrases(name: str) -> str:
    text = unicodedata.normalize("NFKC", name[:LONGEST_TEXT]).casefold()
    for phrase in LEGAL_PHRASES:
        text = phrase.sub(" ", text)
    return text


def _words(text: str) -> list[str]:
    """Casefolded words; О.О.О. is one word, and so is O'Neil."""
    return _split(text[:LONGEST_TEXT])


def _split(text: str) -> list[str]:
    text = unicodedata.normalize("NFKC", text).casefold()
    text = _APOSTROPHES.sub("", text)
    text = _DOTTED.sub(lambda found: re.sub(r"[.\s]", "", found[0]) + " ", text)
    return [word for word in _NOT_A_WORD.split(unicodedata.normalize("NFC", text)) if word]


@lru_cache(50_000)
def _skeleton(word: str) -> str:
    """One casefolded word in Latin letters, the same for its usual spellings in every alphabet."""
    return _skeletons([word])[0]


def _skeletons(words: Sequence[str]) -> list[str]:
    """The same for several at once: as lines of one text they cost little more than one of them."""
    text = "\n".join(words)
    if _GREEK.search(text):
        text = "\n".join(_greek(word) if _GREEK.search(word) else word for word in words)
    text = text.replace("ьо", "ё").translate(CYRILLIC)
    text = _NO_LETTER.sub("", anyascii(text).lower())
    for part, spelling, sound in SOUNDS:
        if part in text:
            text = spelling.sub(sound, text)
    return text.lower().split("\n")


def _greek(word: str) -> str:
    # A diaeresis keeps two vowels apart (αϊ is not αι): mark it before the accents go.
    marks = unicodedata.normalize("NFD", word).replace("\u0308", "|")
    plain = "".join(sign for sign in marks if unicodedata.category(sign) != "Mn")
    plain = re.sub(r"([αευοι])([ιυ])\|", r"\1|\2", plain)
    plain = re.sub(rf"([αε])υ(?=[{_VOICELESS}]|$)", r"\1φ", plain)
    plain = re.sub(r"([αε])υ", r"\1β", plain)
    for pair, sound in GREEK_PAIRS:
        plain = pair.sub(sound, plain)
    return plain.replace("|", "")


# Addresses in the network


def email_key(email: str) -> str:
    """An e-mail address for comparing; '' when it isn't one."""
    text = unicodedata.normalize("NFKC", email[:LONGEST_TEXT]).strip().strip("<>").casefold().removeprefix("mailto:")
    box, at, host = text.rpartition("@")
    host = _host(host)
    if not at or not box or re.search(r"[\s@,;]", box) or "." not in host:
        return ""
    return f"{box}@{host}"[:200]


def emails(raw: str) -> tuple[str, ...]:
    """All the addresses of a field as `email_key` gives them."""
    return tuple(dict.fromkeys(key for one in re.split(r"[\s,;|]+", raw[:LONGEST_TEXT]) if (key := email_key(one))))


def mail_domain(email: str) -> str:
    """The domain an e-mail address is registered under. Whether a public service has it, `FreeMail` says."""
    return _registered(email_key(email).rpartition("@")[2])


def site_host(site: str) -> str:
    """The host of a website without www; '' when there is none."""
    try:
        text = unicodedata.normalize("NFKC", site[:LONGEST_TEXT]).strip().casefold()
        return _host(urlsplit(text if "//" in text else f"//{text}").hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def site_key(site: str) -> str:
    """The domain a website is registered under; on sites that many share, with what is one's own."""
    text = unicodedata.normalize("NFKC", site[:LONGEST_TEXT]).strip().casefold()
    if not text or "@" in text or re.search(r"\s", text):
        return ""
    try:
        parts = urlsplit(text if "//" in text else f"//{text}")
        host = _host(parts.hostname or "")
    except ValueError:  # a broken IPv6 address in brackets
        return ""
    domain = _registered(host)
    if domain not in SHARED_SITES:
        return domain
    own = host.removeprefix("www.").removeprefix("m.")
    page = next((step for step in parts.path.split("/") if step), "")
    return (own if own != domain else f"{domain}/{page}" if page else "")[:200]


def _host(host: str) -> str:
    """A host in ASCII, without a trailing dot; '' when it can't be one."""
    host = host.strip().rstrip(".")
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return ""
    return host if re.fullmatch(r"[a-z0-9._-]{3,190}", host) and ".." not in host else ""


@lru_cache(1)
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


@lru_cache(20_000)
def _registered(host: str) -> str:
    if "." not in host or re.fullmatch(r"[\d.]+", host):
        return ""
    return str(_suffixes().privatesuffix(host) or "")
