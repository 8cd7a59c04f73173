"""What browsers send, without NUL: nobody types it, and PostgreSQL stores and compares no text that holds one."""

from __future__ import annotations

from typing import Any

from htmx_flask.requests import HtmxAwareRequest
from werkzeug.datastructures import ImmutableMultiDict, MultiDict


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
