"""HTMX, made safe: one place that answers htmx requests. htmx-flask reads the request's headers for us."""

from __future__ import annotations

from urllib.parse import quote

from flask import Flask, Response, redirect, url_for
from htmx_flask import Htmx
from htmx_flask import request as hx_request

htmx = Htmx()


def asked_by_htmx() -> bool:
    """True when a part of a page is asked for, not the page (a restored history entry asks for the page)."""
    return bool(hx_request.htmx) and not hx_request.htmx.history_restore_request


def asked_by_program() -> bool:
    """True for a request to the JSON API: its errors are JSON too."""
    return hx_request.path.startswith("/api/v1/")


def go(endpoint: str, **values: object) -> Response:
    """Send the browser to another page, from an htmx request as well as from a plain one."""
    address = quote(url_for(endpoint, **values), safe="/:?&=#%+,;@!$'()*~")  # type: ignore[arg-type]
    if asked_by_htmx():
        return Response(status=204, headers={"HX-Redirect": address})
    response = redirect(address, 303)
    return Response(response.get_data(), 303, headers={"Location": address, "Content-Type": "text/html"})


def init(app: Flask) -> None:
    """Attach to `app`; a page and its parts share an address, so caches must tell them apart."""
    htmx.init_app(app)

    @app.after_request
    def vary(response: Response) -> Response:
        response.vary.add("HX-Request")
        return response
