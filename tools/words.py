"""The interface's words: collect them from code and templates, and see that every language is complete.

python tools/words.py            collect into the catalogues (webapp/translations) and compile them
python tools/words.py --missing  print what has no translation yet
python tools/words.py --check    fail when a word is missing, fuzzy, not compiled or not collected; changes nothing
"""

from __future__ import annotations

import ast
import io
import sys
import tomllib
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "webapp" / "translations"
LANGUAGES = ("ru",)
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "lazy_gettext": None, "_l": None, "lazy_ngettext": (1, 2)}
METHODS = [("webapp/**.py", "python"), ("webapp/templates/**.html", "jinja2")]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def collect() -> Catalog:
    """Every translatable string of the code as an empty catalogue."""
    catalog = Catalog(project="Second Ring", version=PROJECT["version"], charset="utf-8")
    options = {"webapp/templates/**.html": {"trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}}
    for name, line, message, comments, context in extract_from_dir(
        ROOT, method_map=METHODS, options_map=options, keywords=KEYWORDS
    ):
        catalog.add(message, locations=[(name, line)], auto_comments=comments, context=context)
    return catalog


def path_of(language: str) -> Path:
    """The catalogue's file of one language."""
    return FOLDER / language / "LC_MESSAGES" / "messages.po"


def load(language: str) -> Catalog:
    """The kept catalogue, an empty one for a new language."""
    path = path_of(language)
    if not path.exists():
        return Catalog(locale=language, project="Second Ring", charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=language)


def untranslated(catalog: Catalog) -> list[str]:
    """Messages without a full translation, and fuzzy ones."""
    found = []
    for message in catalog:
        if message.id:
            strings = message.string if isinstance(message.string, (list, tuple)) else [message.string]
            if message.fuzzy or not all(strings):
                found.append(message.id if isinstance(message.id, str) else message.id[0])
    return found


def update() -> None:
    """Bring the catalogues up to date with the code, without guessing, and compile them."""
    template = collect()
    for language in LANGUAGES:
        catalog = load(language)
        catalog.update(template, no_fuzzy_matching=True, update_creation_date=False)
        catalog.obsolete.clear()
        path = path_of(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            write_po(file, catalog, width=120, sort_output=True, omit_header=False, include_lineno=False)
        with path.with_suffix(".mo").open("wb") as file:
            write_mo(file, catalog)
        print(f"{language}: {len(catalog)} messages, {len(untranslated(catalog))} without a translation")


def strings(compiled: bytes) -> dict[str, object]:
    """A compiled catalogue's translations by message, the header left out."""
    return {str(message.id): message.string for message in read_mo(io.BytesIO(compiled)) if message.id}


def hidden() -> list[str]:
    """Words inside f-strings, where the collector does not look: they would be shown in English to everybody."""
    return [
        f"{path.relative_to(ROOT)}:{node.lineno}: words inside an f-string are not collected; write them outside"
        for path in sorted((ROOT / "webapp").rglob("*.py"))
        for text in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(text, ast.JoinedStr)
        for node in ast.walk(text)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KEYWORDS
    ]


def check() -> list[str]:
    """What is wrong with the catalogues, in words; empty when all is well."""
    wrong = hidden()
    wanted = {message.id for message in collect() if message.id}
    for language in LANGUAGES:
        catalog = load(language)
        kept = {message.id for message in catalog if message.id}
        wrong += [f"{language}: not collected: {id_!r}" for id_ in sorted(map(str, wanted - kept))]
        wrong += [f"{language}: no translation: {id_!r}" for id_ in untranslated(catalog)]
        buffer = io.BytesIO()
        write_mo(buffer, catalog)
        kept_file = path_of(language).with_suffix(".mo")
        compiled = kept_file.read_bytes() if kept_file.exists() else b""
        if not compiled or strings(compiled) != strings(buffer.getvalue()):
            wrong.append(f"{language}: messages.mo is not up to date; run python tools/words.py")
    return wrong


if __name__ == "__main__":
    if "--check" in sys.argv:
        problems = check()
        print("\n".join(problems[:40]))
        sys.exit(1 if problems else 0)
    if "--missing" in sys.argv:
        for language in LANGUAGES:
            print("\n".join(untranslated(load(language))))
        sys.exit(0)
    update()
