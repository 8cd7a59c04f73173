"""Who would ring for a number, on a line, at a time; and why."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from webapp import here
from webapp.access import allow
from webapp.accounts.models import Role
from webapp.calls import trace
from webapp.clients.contacts import office_country
from webapp.clients.keys import normal_phone
from webapp.db import db
from webapp.office.models import Line
from webapp.scripts.walk import SITUATION_LABELS
from webapp.simulator import trying
from webapp.simulator.forms import TryForm
from webapp.simulator.trying import Answer

bp = Blueprint("simulator", __name__, url_prefix="/simulator")


@bp.get("")
@allow(Role.HEAD)
def page() -> ResponseReturnValue:
    """The form, blank."""
    form = TryForm(formdata=None)
    _offer(form)
    return _page(form, None)


@bp.post("")
@allow(Role.HEAD)
def ask() -> ResponseReturnValue:
    """The answer under what was asked. By POST, since numbers stay out of addresses; nothing is changed."""
    form, now, session = TryForm(), here.now(), db.session()
    lines = {line.id: line for line in _offer(form)}
    if not form.validate():
        return _page(form, None), 422
    try:
        at = form.at(now, here.zone())
    except ValueError as skipped:
        form.time.errors = [str(skipped)]
        return _page(form, None), 422
    country = office_country()
    answer = trying.ask(
        session,
        normal_phone(form.number.data, country),
        normal_phone(form.dialed.data, country),
        lines[form.line_id.data],
        at or now,
        here.zone(),
        country,
        now=at is None,
    )
    return _page(form, answer)


def _offer(form: TryForm) -> list[Line]:
    lines = list(db.session.scalars(select(Line).where(Line.active).order_by(Line.id)))
    form.offer([(line.id, line.title or line.name) for line in lines])
    return lines


def _page(form: TryForm, answer: Answer | None) -> str:
    return render_template(
        "simulator/page.html",
        form=form,
        answer=answer,
        who_words=trace.WHO,
        where_words=trace.where_words,
        why=_why(answer) if answer else "",
        situations=SITUATION_LABELS,
    )


def _why(answer: Answer) -> str:
    return trace.why_me({"reason": answer.decision.reason, **answer.decision.names})
