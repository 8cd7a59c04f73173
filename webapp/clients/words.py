"""What the search keys must know of languages: legal forms, spellings of sounds, endings, public mail services."""

from __future__ import annotations

import re


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


LEGAL_FORMS = _set(
    # Russian, Belarusian, Kazakh
    "ооо оао зао пао нао ао одо ип чп ичп пбоюл тоо нко ано гуп муп фгуп фгбу фгбоу гбу мбу мку тсж снт гк тк тд пк "
    "кфх ooo oao zao pao nao ao odo ip chp ichp too nko ano gup mup fgup gk tk td pk kfh kfkh "
    # Ukrainian
    "тов тзов прат пат ват зат дп кп пп фоп тдв тоб tov tzov prat pat vat zat dp kp pp fop tdv "
    # Greek
    "αε αεβε αεβεε αβεε αεε επε ιχε ικε οε εε μεπε μον ανωνυμη ανώνυμη εταιρεια εταιρεία εταιρια εταιρία "
    "ομορρυθμη ομόρρυθμη ετερορρυθμη ετερόρρυθμη αφοι αφοί υιοι υιοί ae aeve epe ike oe ee "
    # Latin: English, German, French, Italian, Spanish, Polish, Czech, Baltic, Nordic, Turkish
    "ltd limited llc llp lp plc inc incorporated corp corporation co company pjsc jsc cjsc ojsc pty pte "
    "gmbh ag kg ohg ug gbr mbh ek sa sas sarl eurl snc srl spa sl slu bv nv cv vof spzoo zoo sp sro doo dooel "
    "ead ood eood oy oyj ab as asa aps kft zrt nyrt bt sia uab oü ltda lda"
)

JOINING_WORDS = _set("и та і й and und et the και kai")

LEGAL_PHRASES = tuple(
    re.compile(phrase)
    for phrase in (
        r"обществ[оа] с ограниченной ответственностью",
        r"товариств[оа] з обмеженою відповідальністю",
        r"(?:публичное|непубличное|закрытое|открытое|публічне|приватне|відкрите|закрите)?\s*"
        r"(?:акционерное общество|акціонерне товариство)",
        r"индивидуальн(?:ый|ого) предпринимател[ья]",
        r"фізична особа[\s–-]*підприємець",
        r"(?:приватне|частное|дочірнє|дочернее) (?:підприємство|предприятие)",
        r"(?:торговый дом|торговий дім|группа компаний|група компаній)",
        r"εταιρ[εί]ία περιορισμένης ευθύνης|ιδιωτική κεφαλαιουχική εταιρ[εί]ία|ανώνυμη εταιρ[εί]ία",
        r"\bsp\.?\s*z\s*o\.?\s*o\.?|\bs\.?\s*r\.?\s*o\.?(?!\w)|\bd\.?\s*o\.?\s*o\.?(?!\w)",
    )
)

CYRILLIC = str.maketrans(
    {
        "а": "a", "б": "b", "в": "v", "г": "g", "ґ": "g", "д": "d", "е": "e", "ё": "e", "є": "e", "э": "e",
        "ж": "zh", "з": "z", "и": "i", "і": "i", "ї": "i", "ы": "i", "й": "y", "к": "k", "л": "l", "м": "m",
        "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ў": "v", "ф": "f", "х": "kh",
        "ц": "ts", "ч": "ch", "ш": "sh", "щ": "sh", "ъ": "", "ь": "", "ю": "yu", "я": "ya",
        # German and Greek letters that everyday spelling writes otherwise than a plain loss of the mark
        "ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "θ": "th", "ξ": "ks", "ψ": "ps", "χ": "ch", "φ": "f",
        "β": "v", "η": "i", "υ": "i", "ω": "o", "ς": "s", "γ": "g",
    }
)  # fmt: skip

GREEK_PAIRS = tuple(
    (re.compile(pair), sound)
    for pair, sound in (
        (r"ου", "u"),
        (r"αι", "e"),
        (r"ει|οι|υι", "i"),
        (r"^μπ", "b"),
        (r"μπ", "mp"),
        (r"^ντ", "d"),
        (r"ντ", "nt"),
        (r"^γκ", "g"),
        (r"γ(?=[γκξχ])", "n"),
        (r"τ[ζσ]", "ts"),
    )
)
"""Greek letters that sound otherwise together than one by one."""

SOUNDS = tuple(
    (part, re.compile(spelling, re.M), sound)
    for part, spelling, sound in (
        # A capital stands for a sound that later lines must leave alone.
        ("ff", r"ff$", "v"),
        ("mp", r"^mp", "b"),
        ("nt", r"^nt", "d"),
        ("gk", r"^gk", "g"),
        ("htsch", r"schtsch|shtsch", "S"),
        ("ch", r"tsch|tch", "C"),
        ("s", r"shch|sch|sh|sz", "S"),
        ("zh", r"zh", "Z"),
        ("h", r"[ck]?h(?=[rl])", "H"),
        ("c", r"ch|cz", "C"),
        ("gk", r"gk", "nH"),
        ("", r"kh|gh|h|g", "H"),
        ("ph", r"ph", "f"),
        ("th", r"th", "t"),
        ("", r"ts|tz|c(?=[eiy])", "Q"),
        ("", r"ck|c|q", "k"),
        ("x", r"x", "ks"),
        ("w", r"w", "v"),
        ("mb", r"mb", "mp"),
        ("nd", r"nd", "nt"),
        ("u", r"(?<=[ae])u(?![aeiouyj])", "v"),
        ("v", r"v(?=[kptfsQSCH])", "f"),
        ("ou", r"ou", "u"),
        ("o", r"[yij]+o", "e"),
        ("", r"[yij]+(?=[aeu])", ""),
        ("ue", r"ue", "u"),
        ("e", r"ae|oe", "e"),
        ("", r"[yj]", "i"),
        ("", r"([^\d\n])(?=\1)", ""),
    )
)
"""Spellings of one sound, in this order, each with letters no word lacks that has it; a sound keeps one spelling."""

DECLENSIONS = tuple(
    re.compile(ending)
    for ending in (
        r"^(.{1,}(?:ov|ev|in))(?:a|u|oi|ou|im|om|e|i|ih|imi|am|ami)?$",
        r"^(.{1,}(?:sk|qk|k))(?:i|ai|a|oho|oi|ou|oiu|omu|im|om|u|ih|imi|ei|e)$",
        r"^(.{2,}opul)(?:os|u|o|i|e|on)$",
        r"^(.{2,}?)(?:os|as|is|es|us|oho|omu|om|em|im|oi|ei|ou|ih|a|e|i|o|u)$",
    )
)
"""Endings of surnames after folding, the most telling first: Russian and Ukrainian cases and genders, Greek ones."""

FREE_MAIL = _set(
    # These have a domain in many countries.
    "gmail.* googlemail.* yandex.* ya.* yahoo.* ymail.* hotmail.* outlook.* live.* msn.* "
    "icloud.* gmx.* protonmail.* proton.* aol.* zoho.* mailru.* rambler.* tutanota.* "
    "mail.ru inbox.ru list.ru bk.ru internet.ru xmail.ru vk.com narod.ru lenta.ru ro.ru autorambler.ru myrambler.ru "
    "pochta.ru qip.ru nm.ru hotbox.ru land.ru sibmail.com nxt.ru e1.ru ngs.ru mail.kz tut.by mail.by "
    "ukr.net i.ua meta.ua bigmir.net online.ua email.ua ua.fm 3g.ua "
    "otenet.gr forthnet.gr hol.gr in.gr freemail.gr mail.gr vodafone.gr windowslive.com cytanet.com.cy "
    "mail.com email.com usa.com web.de t-online.de freenet.de arcor.de posteo.de mailbox.org "
    "me.com mac.com pm.me fastmail.com hey.com tuta.io tuta.com mail.ee inbox.lv inbox.lt one.lt "
    "wp.pl o2.pl onet.pl interia.pl op.pl seznam.cz centrum.cz email.cz azet.sk abv.bg dir.bg "
    "orange.fr free.fr laposte.net wanadoo.fr sfr.fr libero.it virgilio.it tiscali.it alice.it "
    "btinternet.com sky.com comcast.net verizon.net att.net sbcglobal.net cox.net qq.com 163.com 126.com"
)
"""Public mail services a new office knows; the head edits its own list (`FreeMail`)."""

SHARED_SITES = _set(
    "vk.com ok.ru facebook.com fb.com instagram.com linkedin.com youtube.com t.me telegram.me x.com twitter.com "
    "tiktok.com pinterest.com whatsapp.com wa.me dzen.ru taplink.cc avito.ru prom.ua olx.ua 2gis.ru google.com "
    "yandex.ru narod.ru ucoz.ru ucoz.net ucoz.ua nethouse.ru tiu.ru deal.by satom.ru pulscen.ru all.biz "
    "tilda.ws"
)
