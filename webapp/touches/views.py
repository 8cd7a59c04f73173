"""The result of a touch: fields saved as they are typed, the next touch, the promise, and closing the row."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, current_app, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from webapp import here, hx
from webapp.access import SALES, allow, load, me
from webapp.clients.changes import Changed
from webapp.db import db
from webapp.desk import caller
from webapp.office.queries import the_office
from webapp.tasks import messages, work
from webapp.touches import approaches, closing, officetime
from webapp.touches.forms import MAX_NOTE, ResultForm
from webapp.touches.models import Touch
from webapp.touches.queries import may_work_on, unfinished

bp = Blueprint("touches", __name__)
bp.add_app_template_global(closing.missing_words)


def _touch(touch_id: int) -> Touch:
    return load(select(Touch).where(Touch.id == touch_id), if_=lambda touch: may_work_on(db.session(), touch, me()))


def _form(touch: Touch) -> ResultForm:
    return ResultForm(db.session(), touch, here.zone(), formdata=request.form if request.method == "POST" else None)


def result_context(
    touch: Touch, now: datetime, form: ResultForm | None = None, errors: closing.Missing | None = None
) -> dict[str, Any]:
    """What the result's templates need."""
    return {
        "touch": touch,
        "result": form or ResultForm(db.session(), touch, here.zone(), formdata=None),
        "errors": errors or {},
        "messages": messages.of_touch(db.session(), touch.id),
        "promise": work.promise_of(db.session(), touch),
        "approaches": approaches.of(db.session(), touch),
        "most_approaches": approaches.most(db.session()),
        "promise_minutes": the_office(db.session()).promise_minutes,
    }


@bp.get("/touches/<int:touch_id>/result")
@allow(*SALES)
def result(touch_id: int) -> ResponseReturnValue:
    """The panel."""
    return render_template("touches/_result_inner.html", **result_context(_touch(touch_id), here.now()))


@bp.post("/touches/<int:touch_id>/result")
@allow(*SALES)
def save(touch_id: int) -> ResponseReturnValue:
    """Store the fields named in the request, and say when; what can't be stored is said instead."""
    touch, now = _touch(touch_id), here.now()
    form = _form(touch)
    values, fine = form.sent(request.form)
    if touch.closed_at:
        fine, problems = False, [_("This row is closed; it changes no more.")]
    else:
        problems = [str(error) for field in form for error in field.errors]
        try:
            _join_notes(touch, values, request.form.get("was"))
        except Changed as changed:
            db.session.rollback()
            return render_template("touches/_saved.html", touch=touch, changed=changed), 409
        closing.save(db.session(), touch, values, now)
    db.session.commit()
    answer = make_response(
        render_template("touches/_saved.html", touch=touch, save_errors=problems, tell_note="was" in request.form),
        200 if fine else 422,
    )
    if "next_at" in values:
        answer.headers["HX-Trigger"] = "desk:card"  # the second light
    return answer


def _join_notes(touch: Touch, values: dict[str, Any], was: str | None) -> None:
    if was is not None and "note" in values:
        values["note"] = closing.joined(db.session(), touch, was, values["note"])


@bp.post("/touches/<int:touch_id>/next/<name>")
@allow(*SALES)
def preset(touch_id: int, name: str) -> ResponseReturnValue:
    """The next touch by a shortcut: `in_2h` or `tomorrow`."""
    touch, now = _touch(touch_id), here.now()
    at = officetime.preset(name, now, here.zone())
    load(select(Touch).where(Touch.id == touch_id), if_=at is not None)
    closing.save(db.session(), touch, {"next_at": at, "next_kind": touch.next_kind or closing.usual_step(touch)}, now)
    db.session.commit()
    answer = make_response(render_template("touches/_next.html", **result_context(touch, now), tell_saved=True))
    answer.headers["HX-Trigger"] = "desk:card"
    return answer


@bp.post("/touches/<int:touch_id>/promise")
@allow(*SALES)
def promise(touch_id: int) -> ResponseReturnValue:
    """The caller was promised a call: its clock starts, or runs for as many `minutes` as are typed."""
    touch, now = _touch(touch_id), here.now()
    typed = request.form.get("minutes", "").strip()[:12]
    try:
        if typed and not (typed.isascii() and typed.isdecimal()):
            raise work.BadPromise(_("Type a whole number of minutes."))
        work.promise(db.session(), touch, me(), now, int(typed) if typed else None)
    except work.BadPromise as bad:
        db.session.rollback()
        context = result_context(touch, now) | {"promise_error": str(bad), "promise_typed": typed}
        return render_template("touches/_promise.html", **context), 422
    touch.saved_at = now
    db.session.commit()
    return render_template("touches/_promise.html", **result_context(touch, now))


@bp.post("/touches/<int:touch_id>/close")
@allow(*SALES)
def close(touch_id: int) -> ResponseReturnValue:
    """Finish the row; what is missing is said beside its field, and every word stays."""
    touch, now = _touch(touch_id), here.now()
    form = _form(touch)
    values, fine = form.sent(request.form)
    try:
        _join_notes(touch, values, request.form.get("was_note"))
    except Changed as changed:
        values["note"] = f"{changed.theirs}\n{changed.mine}"[:MAX_NOTE]
    closing.save(db.session(), touch, values, now)
    if fine and not closing.missing(touch, now):
        caller.keep_draft(db.session(), touch, me(), now, current_app.config["SETTINGS"].country)
    missing = closing.close(db.session(), touch, me(), now) if fine else closing.missing(touch, now)
    db.session.commit()
    if missing or not fine:
        errors = {**missing, **{field.name: field.errors[0] for field in form if field.errors}}
        return render_template("touches/_result_inner.html", **result_context(touch, now, form, errors)), 422
    following = next(iter(unfinished(db.session(), me())), None)
    return hx.go("desk.page", touch=following.id) if following else hx.go("desk.page")
