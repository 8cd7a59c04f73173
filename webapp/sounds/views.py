"""The sounds callers hear: played in place, replaced by the head's upload with its words, put back."""

from __future__ import annotations

from flask import Blueprint, abort, current_app, flash, render_template, request, send_file
from flask.typing import ResponseReturnValue
from flask_babel import format_decimal
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from werkzeug.exceptions import RequestEntityTooLarge

from webapp import hx
from webapp.access import allow, load, me
from webapp.accounts.models import Role
from webapp.db import db
from webapp.office import changes
from webapp.office.models import Line
from webapp.sounds import convert, shelf

bp = Blueprint("sounds", __name__, url_prefix="/settings/sounds")

TITLES = {
    "greeting": (_l("Greeting"), _l("When nobody has picked up on the set ring; the telephones ring on.")),
    "notice": (_l("Recording announcement"), _l("Both hear it before the recording, on lines that say so.")),
    "message": (_l("Apology with a message"), _l("When nobody could answer; then a tone, and the caller may speak.")),
    "apology": (_l("Apology"), _l("When nobody could answer, on lines without voice messages.")),
    "hold": (_l("Hold music"), _l("While the caller waits on hold or is passed on.")),
    "menu": (_l("Menu"), _l("The digits to press and whom they ring; played once after the greeting.")),
}


@bp.get("")
@allow(Role.HEAD)
def page() -> ResponseReturnValue:
    """All sounds with their lengths and words."""
    return _page()


@bp.get("/<name>.wav")
@allow(Role.HEAD)
def play(name: str) -> ResponseReturnValue:
    """The sound itself."""
    sound = shelf.find(current_app.config["SETTINGS"].sounds, name) or abort(404)
    return send_file(sound.path, mimetype="audio/wav", conditional=True, max_age=0)


@bp.post("/<name>")
@allow(Role.HEAD)
def upload(name: str) -> ResponseReturnValue:
    """The head's own recording from now on; a greeting over 8 s is taken with a warning (D20)."""
    line = _line_of(name)
    folder, text = current_app.config["SETTINGS"].sounds, " ".join(request.form.get("text", "").split())
    file = request.files.get("file")
    if file is None or not file.filename:
        return _page(name, _("Choose a file first."), text), 422
    if len(text) > shelf.LONGEST_TEXT:
        return _page(name, _("At most %(max)d characters.", max=shelf.LONGEST_TEXT), text), 422
    if name.startswith("notice.") and not text:
        return _page(name, _("Type the words too: they are kept with every call that heard them."), text), 422
    try:
        converted = shelf.replace(folder, name, file.stream, text)
    except convert.NotAudio:
        words = _("No sound was found in this file. WAV, MP3, OGG, FLAC and M4A work.")
        return _page(name, words, text), 422
    except convert.TooLong:
        return _page(name, _("It is longer than %(seconds)d s.", seconds=shelf.longest(name)), text), 422
    except convert.TooBig:
        return _page(name, _too_big(), text), 422
    except shelf.DiskFull:
        return _page(name, _("The disk is nearly full. Ask the administrator to make room."), text), 422
    except OSError:
        return _page(name, _("It could not be written to the disk. Ask the administrator."), text), 422
    if line is not None:
        changes.use_sound(line, name.partition(".")[0], f"{name}.wav")
    _announce_and_commit()
    seconds = format_decimal(round(converted.seconds, 1))
    if converted.long and name.startswith("greeting."):
        flash(
            _("Callers hear it from now on. It lasts %(seconds)s s: long greetings lose callers.", seconds=seconds),
            "warning",
        )
    else:
        flash(_("Callers hear it from now on. It lasts %(seconds)s s.", seconds=seconds), "good")
    return hx.go("sounds.page")


@bp.post("/<name>/shipped")
@allow(Role.HEAD)
def back_to_shipped(name: str) -> ResponseReturnValue:
    """The shipped sound again; a line's own is gone for the office's."""
    line = _line_of(name)
    if line is not None:  # first: nobody shall be promised a sound that is not there
        changes.use_sound(line, name.partition(".")[0], "")
        _announce_and_commit()
    try:
        shelf.back_to_shipped(current_app.config["SETTINGS"].sounds, name)
    except OSError:
        return _page(name, _("It could not be removed from the disk. Ask the administrator.")), 422
    _announce_and_commit()
    return hx.go("sounds.page")


@bp.errorhandler(RequestEntityTooLarge)
def too_large(error: RequestEntityTooLarge) -> ResponseReturnValue:
    """A body of many megabytes is refused by its announced length, before it is read."""
    name = (request.view_args or {}).get("name", "")
    if not shelf.is_name(name) or not (user := me()).is_authenticated or not user.has_role(Role.HEAD):
        return error.get_response()
    return _page(name, _too_big()), 413


def _too_big() -> str:
    return _("It is bigger than %(size)d MB.", size=convert.MOST_BYTES // 2**20)


def _line_of(name: str) -> Line | None:
    """The line whose own sound this is, None for the office's. No sound can have another name (404)."""
    if not shelf.is_name(name):
        abort(404)
    _kind, _dot, owner = name.partition(".line")
    return load(select(Line).where(Line.id == int(owner))) if owner else None


def _announce_and_commit() -> None:
    changes.announce(db.session(), current_app.config["CLOCK"]())
    db.session.commit()


def _page(refused: str = "", reason: str = "", typed: str = "") -> str:
    folder = current_app.config["SETTINGS"].sounds
    lines = db.session.scalars(select(Line).where(Line.active).order_by(Line.id)).all()
    of_lines = [
        (line, name, kind, shelf.find(folder, name))
        for line in lines
        for kind in shelf.OF_LINES
        for name in [shelf.of_line(kind, line.id)]
    ]
    return render_template(
        "sounds/page.html",
        sounds=shelf.sounds(folder),
        of_lines=of_lines,
        titles=TITLES,
        refused=refused,
        reason=reason,
        typed=typed,
        long_seconds=convert.LONG_SECONDS,
        longest_text=shelf.LONGEST_TEXT,
        most_bytes=convert.MOST_BYTES,
    )
