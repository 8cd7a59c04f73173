"""The files so far, another one brought, and each wherever it stands."""

from __future__ import annotations

import contextlib
from typing import Any

from flask import abort, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.exceptions import RequestEntityTooLarge

from webapp import here, hx
from webapp.access import allow, me
from webapp.accounts.models import Role
from webapp.clients.contacts import office_country
from webapp.db import db
from webapp.imports import files, lists, queries
from webapp.imports.files import BadFile
from webapp.imports.views.blueprint import WHO, bp, data_folder, the_import
from webapp.imports.views.columns import mapping_page
from webapp.imports.views.run import run_page


@bp.url_value_preprocessor
def _take_large_files(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """A list may be larger than what other pages are sent; asked before anything of it is read."""
    if endpoint == "imports.upload":
        request.max_content_length = files.MOST_BYTES + (1 << 20)


@bp.get("")
@allow(*WHO)
def index() -> ResponseReturnValue:
    """The lists so far, and the form for another one."""
    return _index()


def _index(error: str = "", kind: str = "clients") -> str:
    found = queries.lists(db.session(), me())
    return render_template(
        "imports/index.html",
        lists=[(import_, lists.state_of(import_)) for import_ in found],
        error=error,
        kind=kind,
        kinds=lists.KINDS,
        most_bytes=files.MOST_BYTES,
    )


@bp.post("")
@allow(*WHO)
def upload() -> ResponseReturnValue:
    """Keep a list and go on to its columns."""
    kind, file = request.form.get("kind", "clients"), request.files.get("file")
    with contextlib.closing(file) if file else contextlib.nullcontext():
        if kind not in lists.KINDS:
            abort(404)
        if kind == "exhibition" and not me().has_role(Role.HEAD):
            abort(403)
        if file is None or not file.filename:
            return _index(_("Choose a file first."), kind), 422
        try:
            import_ = lists.bring(
                db.session(), data_folder(), file.stream, file.filename, kind, me(), here.now(), office_country()
            )
        except BadFile as why:
            db.session.rollback()
            return _index(str(why.message), kind), 422
    db.session.commit()
    return hx.go("imports.page", import_id=import_.id)


@bp.errorhandler(RequestEntityTooLarge)
def too_large(error: RequestEntityTooLarge) -> ResponseReturnValue:
    """A body of many megabytes is refused by its announced length, before it is read."""
    user = me()
    if not user.is_authenticated or not user.has_role(*WHO):
        return error.get_response()
    return _index(str(files.too_big())), 413


@bp.get("/<int:import_id>")
@allow(*WHO)
def page(import_id: int) -> ResponseReturnValue:
    """One list, wherever it stands."""
    import_ = the_import(import_id)
    return mapping_page(import_) if import_.state == "mapping" else run_page(import_)
