"""What the bridge talks to: events in, plans out. Each event takes effect exactly once, by its id."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar, cast

import structlog
from flask import Blueprint, abort, current_app, request
from flask.typing import ResponseReturnValue
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from sipbridge.events import BridgeStarted, CallOffered, Event, Plan, StandingPlans, WireError, decode, to_wire
from webapp import csrf
from webapp.accounts import softphones
from webapp.bridge_api import status
from webapp.calls import dialled, intake, lifecycle, talking, transfers  # noqa: F401 (they take events by being there)
from webapp.calls.models import BridgeEvent
from webapp.calls.standing import Cache
from webapp.db import db
from webapp.now import telling

bp = Blueprint("bridge_api", __name__, url_prefix="/bridge")
log = structlog.get_logger()
MAX_EVENTS = 200

View = TypeVar("View", bound=Callable[..., Any])


def bridge_only(view: View) -> View:
    """Mark a view as open to whoever holds the installation's bridge token."""

    def guarded(*args: Any, **kwargs: Any) -> Any:
        expected = f"Bearer {current_app.config['BRIDGE_TOKEN']}".encode()
        if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), expected):
            abort(401)
        return view(*args, **kwargs)

    guarded.__name__, guarded.__doc__ = view.__name__, view.__doc__
    guarded.access = "bridge"  # type: ignore[attr-defined]
    return cast(View, guarded)


@bp.post("/events")
@csrf.exempt
@bridge_only
def events() -> ResponseReturnValue:
    """Take a batch in order, in one commit.

    Answers plans for offered calls, and the versions of the standing plans and of the directory.
    """
    body = request.get_json(silent=True)
    if not isinstance(body, dict) or not isinstance(body.get("events"), list) or len(body["events"]) > MAX_EVENTS:
        return {"error": "a JSON object with a list of at most 200 events is expected"}, 400
    now, session = current_app.config["CLOCK"](), db.session()
    bridge = status.name_in(body.get("status"))
    plans: dict[str, Plan] = {}
    try:
        batch = [decode(envelope) for envelope in body["events"]]
        known = _known(session, [event_id for event_id, _ in batch])
        fresh = {event_id: event for event_id, event in batch if event_id[:80] not in known}
        if fresh:  # first of all: a second copy that comes meanwhile waits here, and is refused as a whole
            rows = [
                {"event_id": i[:80], "kind": type(event).__name__, "received_at": now} for i, event in fresh.items()
            ]
            session.execute(insert(BridgeEvent), rows)
        for event_id, event in fresh.items():
            plan = _apply_once(session, event_id, event, bridge, now)
            if plan and isinstance(event, CallOffered):
                plans[event.call_id] = plan
        if fresh:
            telling.tell(session, now)
        status.note(session, body.get("status"), now)
        answer = {"standing": _standing(session, now).version, "directory": softphones.directory(session).version}
        session.commit()
    except WireError as error:
        session.rollback()
        return {"error": str(error)}, 400
    except (OperationalError, IntegrityError):
        session.rollback()
        return {"error": "the database is busy or away, or has these events in hand; try again"}, 503
    return {"plans": to_wire(plans), **answer}


def _apply_once(session: Session, event_id: str, event: Event, bridge: str, now: datetime) -> Plan | None:
    """Apply one event inside a savepoint: one that can't be applied is noted and never blocks the next."""
    try:
        try:
            return _apply(session, event, bridge, now)
        except IntegrityError:  # a page wrote the same at the same moment; now that can be seen
            return _apply(session, event, bridge, now)
    except OperationalError:
        raise
    except Exception as error:
        kind, why = type(event).__name__, type(error).__name__
        log.error("event could not be applied", kind=kind, error=why, event_id=event_id)
        if current_app.config.get("TESTING"):
            raise
    return None


def _apply(session: Session, event: Event, bridge: str, now: datetime) -> Plan | None:
    settings = current_app.config["SETTINGS"]
    with session.begin_nested():
        if isinstance(event, CallOffered):
            return intake.offered(session, event, now, settings.country, settings.timezone)
        if isinstance(event, BridgeStarted):
            status.started(session, event, bridge, now)
        else:
            lifecycle.apply(event, session, now)
    return None


def _known(session: Session, event_ids: list[str]) -> set[str]:
    """Those of the events that took effect before."""
    ids = [event_id[:80] for event_id in event_ids]
    return set(session.scalars(select(BridgeEvent.event_id).where(BridgeEvent.event_id.in_(ids)))) if ids else set()


@bp.get("/standing")
@bridge_only
def standing_plans() -> ResponseReturnValue:
    """The standing plans of the coming days."""
    return cast(dict[str, Any], to_wire(_standing(db.session(), current_app.config["CLOCK"]())))


def _standing(session: Session, now: datetime) -> StandingPlans:
    cache: Cache = current_app.extensions.setdefault("standing_plans", Cache())
    return cache.get(session, now, current_app.config["SETTINGS"].timezone)


@bp.get("/directory")
@bridge_only
def directory() -> ResponseReturnValue:
    """Whose softphones may register at the bridge."""
    return cast(dict[str, Any], to_wire(softphones.directory(db.session())))
