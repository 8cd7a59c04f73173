"""Is it alive, and how much of what: for the administrator's monitoring. No personal data in either."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Blueprint, Response, abort, current_app, request
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from webapp.access import public
from webapp.calls.models import BridgeStatus, Call, LineState, is_open_missed
from webapp.db import db
from webapp.mail.models import OutgoingMail
from webapp.tasks.models import Task

bp = Blueprint("health", __name__)
BRIDGE_SILENT = timedelta(seconds=30)


@bp.get("/healthz")
@public
def healthz() -> ResponseReturnValue:
    """200 while pages can be served; says whether the bridge is heard. 503 when the database is away."""
    try:
        heard = db.session.scalar(select(BridgeStatus.at))
    except SQLAlchemyError:
        return {"status": "no database"}, 503
    return {"status": "ok", "bridge": _bridge_is_heard(heard, current_app.config["CLOCK"]())}


def _bridge_is_heard(heard: datetime | None, now: datetime) -> bool:
    return heard is not None and now - heard < BRIDGE_SILENT


@bp.get("/metrics")
@public
def metrics() -> ResponseReturnValue:
    """Counts for Prometheus. Only for this machine, or for who holds the bridge's token."""
    token = f"Bearer {current_app.config['BRIDGE_TOKEN']}"
    if request.remote_addr not in ("127.0.0.1", "::1") and request.headers.get("Authorization") != token:
        abort(403)
    registry = _collect(db.session(), current_app.config["CLOCK"]())
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _collect(session: Session, now: datetime) -> CollectorRegistry:
    registry = CollectorRegistry()
    calls = Gauge("secondring_calls", "Calls by state", ["state"], registry=registry)
    for state, count in session.execute(select(Call.state, func.count()).group_by(Call.state)):
        calls.labels(state).set(count)
    missed = select(func.count()).where(is_open_missed())
    Gauge("secondring_missed_open", "Missed calls nobody made good", registry=registry).set(session.scalar(missed) or 0)
    overdue = select(func.count()).where(Task.kind == "promise", Task.done_at.is_(None), Task.due_at < now)
    Gauge("secondring_promises_overdue", "Promised calls past their time", registry=registry).set(
        session.scalar(overdue) or 0
    )
    mail = Gauge(
        "secondring_mail",
        "Mails that wait, and those of which nobody knows whether they went",
        ["state"],
        registry=registry,
    )
    waiting = select(func.count()).where(OutgoingMail.ended_at.is_(None))
    mail.labels("waiting").set(session.scalar(waiting) or 0)
    mail.labels("unsure").set(session.scalar(select(func.count()).where(OutgoingMail.state == "unsure")) or 0)
    lines = Gauge("secondring_line_registered", "1 when the line is registered", ["line"], registry=registry)
    for state_row in session.scalars(select(LineState)):
        lines.labels(state_row.line).set(int(state_row.registered))
    bridge = session.get(BridgeStatus, 1)
    Gauge("secondring_bridge_up", "1 when the bridge was heard lately", registry=registry).set(
        int(_bridge_is_heard(bridge.at if bridge else None, now))
    )
    if bridge:
        gauge = Gauge("secondring_bridge", "What the bridge says of itself", ["figure"], registry=registry)
        for name, value in _numbers("", bridge.status):
            gauge.labels(name).set(value)
    return registry


def _numbers(prefix: str, values: object) -> list[tuple[str, float]]:
    """The numbers in a nested dict, with dotted names."""
    if isinstance(values, dict):
        return [pair for key, value in values.items() for pair in _numbers(f"{prefix}.{key}".lstrip("."), value)]
    return [(prefix, float(values))] if isinstance(values, (int, float)) else []
