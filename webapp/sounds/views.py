"""The head's greetings and apologies: heard in place, replaced by an upload, put back."""

from __future__ import annotations

from flask import Blueprint, abort, current_app, flash, render_template, request, send_file
from flask.typing import ResponseReturnValue
from flask_babel import format_decimal
from flask_babel import gettext as _

from webapp import hx
from webapp.access import allow
from webapp.accounts.models import Role
from webapp.db import db
from webapp.office import changes, lists
from webapp.sounds import convert, shelf

bp = Blueprint("sounds", __name__, url_prefix="/settings/sounds")


@bp.get("")
@allow(Role.HEAD)
def page() -> ResponseReturnValue:
    """All announcements with their lengths."""
    return _page()


@bp.get("/<kind>.<language>.wav")
@allow(Role.HEAD)
def play(kind: str, language: str) -> ResponseReturnValue:
    """The sound itself."""
    sound = shelf.find(current_app.config["SETTINGS"].sounds, kind, language) or abort(404)
    return send_file(sound.path, mimetype="audio/wav", conditional=True, max_age=0)


@bp.post("/<kind>/<language>")
@allow(Role.HEAD)
def upload(kind: str, language: str) -> ResponseReturnValue:
    """The head's own recording from now on; one over 8 s is taken with a warning (D20)."""
    folder = current_app.config["SETTINGS"].sounds
    shelf.find(folder, kind, language) or abort(404)
    file = request.files.get("file")
    if file is None or not file.filename:
        return _page((kind, language), _("Choose a file first.")), 422
    try:
        converted = shelf.replace(folder, kind, language, file.stream)
    except convert.NotAudio:
        return _page((kind, language), _("No sound was found in this file. WAV, MP3, OGG, FLAC and M4A work.")), 422
    except convert.TooLong:
        words = _("It is longer than %(seconds)d s.", seconds=convert.LONGEST_SECONDS)
        return _page((kind, language), words), 422
    except convert.TooBig:
        words = _("It is bigger than %(size)d MB.", size=convert.MOST_BYTES // 2**20)
        return _page((kind, language), words), 422
    except shelf.DiskFull:
        return _page((kind, language), _("The disk is nearly full. Ask the administrator to make room.")), 422
    except OSError:
        return _page((kind, language), _("It could not be written to the disk. Ask the administrator.")), 422
    _announce_and_commit()
    seconds = format_decimal(round(converted.seconds, 1))
    if converted.long:
        flash(
            _("Callers hear it from now on. It lasts %(seconds)s s: long greetings lose callers.", seconds=seconds),
            "warning",
        )
    else:
        flash(_("Callers hear it from now on. It lasts %(seconds)s s.", seconds=seconds), "good")
    return hx.go("sounds.page")


@bp.post("/<kind>/<language>/shipped")
@allow(Role.HEAD)
def back_to_shipped(kind: str, language: str) -> ResponseReturnValue:
    """The shipped announcement again."""
    folder = current_app.config["SETTINGS"].sounds
    shelf.find(folder, kind, language) or abort(404)
    try:
        shelf.back_to_shipped(folder, kind, language)
    except OSError:
        return _page((kind, language), _("It could not be removed from the disk. Ask the administrator.")), 422
    _announce_and_commit()
    return hx.go("sounds.page")


def _announce_and_commit() -> None:
    changes.announce(db.session(), current_app.config["CLOCK"]())
    db.session.commit()


def _page(refused: tuple[str, str] | None = None, reason: str = "") -> str:
    return render_template(
        "sounds/page.html",
        sounds=shelf.sounds(current_app.config["SETTINGS"].sounds),
        refused=refused,
        reason=reason,
        lists=lists.LISTS,
        long_seconds=convert.LONG_SECONDS,
    )
