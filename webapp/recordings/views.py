"""Recordings: heard by those who work with clients, paused while they are made, kept or let go by the head."""

from __future__ import annotations

from flask import Blueprint, abort, current_app, flash, render_template, request, send_file
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload, selectinload

from sipbridge.events import PauseRecording, ResumeRecording
from webapp import hx
from webapp.access import SALES, allow, load, me
from webapp.accounts.models import Role
from webapp.calls import control
from webapp.calls.models import Call
from webapp.clients.models import Client
from webapp.db import db
from webapp.recordings import files, keeping, lifecycle, picture
from webapp.recordings.models import Recording

__all__ = ["bp", "lifecycle"]  # imported so that its events take effect

bp = Blueprint("recordings", __name__)


@bp.app_context_processor
def _helpers() -> dict[str, object]:
    return {"stopped_words": picture.stopped_words}


@bp.get("/recordings/<int:call_id>")
@allow(*SALES)
def play(call_id: int) -> ResponseReturnValue:
    """The recording of a call, whole or the range asked for."""
    return _play(call_id, "talk")


@bp.get("/recordings/<int:call_id>/message")
@allow(*SALES)
def play_message(call_id: int) -> ResponseReturnValue:
    """The voice message a caller left."""
    return _play(call_id, "message")


def _play(call_id: int, kind: str) -> ResponseReturnValue:
    query = select(Recording).where(Recording.call_id == call_id, Recording.kind == kind)
    recording = db.session.scalars(query).one_or_none()
    path = None
    if recording is not None and recording.audible:
        path = files.find(current_app.config["SETTINGS"].recordings, recording.path)
    if path is None:
        title = _("There is no recording of this call")
        advice = _("It was not recorded, or the file is no longer kept.")
        return render_template("error.html", code=404, title=title, advice=advice), 404
    name = f"{'message' if kind == 'message' else 'call'}-{call_id}{path.suffix}"
    response = send_file(path, files.TYPES[path.suffix.lower()], download_name=name, conditional=True)
    response.headers["Cache-Control"] = "private, no-cache"  # after signing out nothing is heard from the cache
    return response


@bp.get("/recordings/<int:call_id>/card")
@allow(*SALES)
def card(call_id: int) -> ResponseReturnValue:
    """What the call's page shows of its recordings."""
    return _card(load(_call(call_id)))


@bp.post("/recordings/<int:call_id>/pause")
@allow(*SALES)
def pause(call_id: int) -> ResponseReturnValue:
    """Record silence from now on; who talks may, and the head."""
    return _ask(call_id, PauseRecording)


@bp.post("/recordings/<int:call_id>/resume")
@allow(*SALES)
def resume(call_id: int) -> ResponseReturnValue:
    """Record on."""
    return _ask(call_id, ResumeRecording)


def _ask(call_id: int, command: type[PauseRecording] | type[ResumeRecording]) -> ResponseReturnValue:
    session, user = db.session(), me()
    call = load(select(Call).where(Call.id == call_id), if_=lambda call: keeping.may_pause(session, call, user))
    control.ask(session, command(call.call_id), user, current_app.config["CLOCK"]())
    session.commit()
    return ("", 204) if hx.asked_by_htmx() else hx.go("calls.page", call_id=call.id)


@bp.post("/recordings/<int:call_id>/hold")
@allow(Role.HEAD)
def hold(call_id: int) -> ResponseReturnValue:
    """Keep it whatever its age, for a written reason (legal hold)."""
    call, why = load(_call(call_id)), request.form.get("why", "")
    error = keeping.hold(db.session(), call, why, me(), current_app.config["CLOCK"]())
    if error:
        db.session.rollback()
        return _card(load(_call(call_id)), why, str(error)), 422
    db.session.commit()
    return _shown(call_id)


@bp.post("/recordings/<int:call_id>/release")
@allow(Role.HEAD)
def release(call_id: int) -> ResponseReturnValue:
    """Let its age count again."""
    keeping.release(db.session(), load(_call(call_id)), me(), current_app.config["CLOCK"]())
    db.session.commit()
    return _shown(call_id)


@bp.post("/clients/<int:client_id>/never-record")
@allow(*SALES)
def never_record(client_id: int) -> ResponseReturnValue:
    """Whether talks with this client are recorded; the head and the client's manager say."""
    user = me()
    client = load(select(Client).where(Client.id == client_id))
    if not keeping.may_say(client, user):
        abort(403)
    keeping.never_record(db.session(), client, "never" in request.form, user, current_app.config["CLOCK"]())
    db.session.commit()
    if hx.asked_by_htmx():
        return render_template("recordings/_never.html", client=client, saved=True)
    return hx.go("clients.card", client_id=client.id)


def _shown(call_id: int) -> ResponseReturnValue:
    if hx.asked_by_htmx():
        return _card(load(_call(call_id)))
    flash(_("Saved."), "good")
    return hx.go("calls.page", call_id=call_id)


def _call(call_id: int) -> Select[tuple[Call]]:
    return (
        select(Call)
        .where(Call.id == call_id)
        .options(joinedload(Call.line), selectinload(Call.recordings).options(joinedload(Recording.held_by)))
    )


def _card(call: Call, why: str = "", error: str = "") -> str:
    facts = picture.facts(db.session(), call, me())
    return render_template("recordings/_card.html", call=call, **facts, hold_why=why, hold_error=error)
