"""What browsers send: without NUL, which nobody types and no text of PostgreSQL's holds; and the rows it names."""

from __future__ import annotations

from typing import Any, TypeVar

from htmx_flask.requests import HtmxAwareRequest
from sqlalchemy.orm import Session
from werkzeug.datastructures import ImmutableMultiDict, MultiDict

Row = TypeVar("Row")


class Fields(ImmutableMultiDict[str, Any]):
    """The fields of a form or of an address, by name; files are left as they are."""

    def __init__(self, mapping: Any = None) -> None:
        pairs = mapping.items(multi=True) if isinstance(mapping, MultiDict) else mapping or ()
        super().__init__([(name, _clean(value)) for name, value in pairs])


def _clean(value: Any) -> Any:
    return value.replace("\0", "") if isinstance(value, str) else value


class CleanRequest(HtmxAwareRequest):
    """A request, by htmx or not, whose `args` and `form` hold no NUL."""

    parameter_storage_class = Fields


def row_id(text: str) -> int | None:
    """The id of a row that a text names; None for what no table can hold."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def row_of(session: Session, model: type[Row], text: str) -> Row | None:
    """The row whose id a text names; None when there is none such. Whether it may be chosen is yet to be asked."""
    named = row_id(text)
    return session.get(model, named) if named is not None else None
