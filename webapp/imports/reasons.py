"""Why a row was refused or is doubtful: kept as a kind with its details, told in the reader's language."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from flask_babel import gettext as _

from webapp.clients import match
from webapp.imports.rows import LONGEST_CELL


def as_text(kind: str, column: str = "", value: str = "", **more: Any) -> str:
    """What `ImportRow.reason` holds. `column`: its name or letter."""
    return json.dumps({"kind": kind, "column": column, "value": value[:200], **more}, ensure_ascii=False)


def doubt(why: Iterable[str], told_apart: Iterable[int]) -> str:
    """Why a row may be a card's client (kinds of `match.reason_text`), and the cards that it is not."""
    return json.dumps({"kind": "likely", "why": list(why), "not": sorted(told_apart)})


def read(reason: str) -> dict[str, Any]:
    """The details; {} for none."""
    try:
        found = json.loads(reason or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def words(reason: str) -> str:
    """A sentence for people: what is wrong and what to do."""
    about = read(reason)
    column, value = about.get("column") or _("a cell"), about.get("value", "")
    match about.get("kind"):
        case "formula":
            return _(
                "%(column)s: a formula without its result. Save the list in a spreadsheet again, or write the value.",
                column=column,
            )
        case "error":
            return _("%(column)s: the cell holds an error of the spreadsheet (%(value)s).", column=column, value=value)
        case "long":
            return _(
                "%(column)s: longer than %(most)s characters.", column=column, most=about.get("most", LONGEST_CELL)
            )
        case "quote":
            return _("A quotation mark is not closed, so the cells can't be told apart.")
        case "cells":
            return _("More cells than there are columns. A stray delimiter?")
        case "nothing":
            return _("No name, phone or e-mail: nothing to make a card of.")
        case "list":
            return _("%(column)s: “%(value)s” is not on the list.", column=column, value=value)
        case "rules":
            return _("%(column)s: the rules don't let a card become “%(value)s”.", column=column, value=value)
        case "value":
            return _("%(column)s: %(value)s", column=column, value=value)
        case "skip":
            return _("Left out by hand.")
        case "gone":
            return _("Its card is no longer there.")
        case "likely":
            return why(about.get("why", [])) or _("like another row of this list")
        case _:
            return ""


def why(kinds: Iterable[str]) -> str:
    """Why a row is a card's, or may be."""
    return ", ".join(match.reason_text(kind) for kind in kinds)
