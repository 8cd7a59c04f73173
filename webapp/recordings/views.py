"""Recordings: heard by those who work with clients, with jumps inside the file, and from nowhere but the folder."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, current_app, render_template, send_file
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from webapp.access import SALES, allow, load
from webapp.calls.models import Call
from webapp.recordings import models as models

bp = Blueprint("recordings", __name__)

TYPES = {".wav": "audio/wav", ".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".opus": "audio/ogg", ".flac": "audio/flac"}


@bp.get("/recordings/<int:call_id>")
@allow(*SALES)
def play(call_id: int) -> ResponseReturnValue:
    """The recording of a call, whole or the range asked for."""
    call = load(select(Call).where(Call.id == call_id))
    path = file_of(call, current_app.config["SETTINGS"].recordings)
    if path is None:
        title = _("There is no recording of this call")
        advice = _("It was not recorded, or the file is no longer kept.")
        return render_template("error.html", code=404, title=title, advice=advice), 404
    name = f"call-{call.id}{path.suffix}"
    response = send_file(path, TYPES[path.suffix.lower()], download_name=name, conditional=True)
    response.headers["Cache-Control"] = "private, no-cache"  # after signing out nothing is heard from the cache
    return response


def file_of(call: Call, folder: Path) -> Path | None:
    """The file of the call's recording; None when there is none, or when its name leads out of the folder."""
    if not call.recording or "\0" in call.recording:
        return None
    folder = folder.resolve()
    path = (folder / call.recording).resolve()
    if not path.is_relative_to(folder) or path.suffix.lower() not in TYPES or not path.is_file():
        return None
    return path
