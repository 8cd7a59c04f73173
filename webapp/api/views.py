"""The JSON API for other programs: a token in each request, no cookies, no sessions."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable
from typing import Any, TypeVar, cast

from flask import Blueprint, Response, current_app, g, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from werkzeug.exceptions import RequestEntityTooLarge

from webapp import csrf, here
from webapp.access import public
from webapp.api import description, incoming, outgoing, problems, reading, tokens, writing
from webapp.api.description import BASE, KEY_PATTERN, OPERATIONS, Operation
from webapp.api.models import ApiToken
from webapp.api.problems import Problem
from webapp.api.throttle import Throttle
from webapp.clients.changes import Author
from webapp.clients.contacts import office_country
from webapp.clients.models import Client
from webapp.db import db

bp = Blueprint("api", __name__, url_prefix=BASE)
MOST_BYTES = 256 * 1024
PER_MINUTE = 600
"""Requests of one token; `API_PER_MINUTE` in the app's settings is another number."""
_throttle = Throttle()
View = TypeVar("View", bound=Callable[..., Any])


def operation(
    method: str,
    rule: str,
    summary: str,
    answers: type[BaseModel],
    *,
    query: type[BaseModel] | None = None,
    body: type[BaseModel] | None = None,
    also: tuple[int, ...] = (),
) -> Callable[[View], View]:
    """Mark a view as an operation of the API: open to whoever sends a token, given what was sent once it is checked.

    The view gets `asked` (the query) and `sent` (the body) when it has them, and returns a model.
    """

    def mark(view: View) -> View:
        @functools.wraps(view)
        def guarded(**path: Any) -> ResponseReturnValue:
            try:
                g.token = _token(writes=body is not None)
                asked = _asked(query)
                sent = _sent(body) if body else None
                given = path | ({"asked": asked} if query else {}) | ({"sent": sent} if body else {})
                return _answer(view(**given))
            except Problem as problem:
                db.session.rollback()
                return problem.response()
            except OperationalError:
                db.session.rollback()
                return Problem(503, "The database is busy or away; try again.", headers={"Retry-After": "2"}).response()

        guarded.access = "token"  # type: ignore[attr-defined]
        csrf.exempt(guarded)
        bp.add_url_rule(rule, view_func=guarded, methods=[method])
        about = (view.__doc__ or "").strip()
        status = 201 if method == "POST" else 200
        OPERATIONS.append(Operation(method, rule, view.__name__, summary, about, answers, status, query, body, also))
        return cast(View, guarded)

    return mark


def _token(writes: bool) -> ApiToken:
    """The token of this request. Raises Problem 401, 403 or 429."""
    kind, _blank, secret = request.headers.get("Authorization", "").partition(" ")
    session, now = db.session(), here.now()
    token = tokens.of(session, secret.strip()) if kind.lower() == "bearer" else None
    if token is None:
        session.rollback()  # what is written now begins anew
        too_many = bool(secret) and tokens.refused(session, request.remote_addr or "", now)
        session.commit()
        if too_many:
            raise Problem(429, "Too many wrong tokens; wait a quarter of an hour.", headers={"Retry-After": "900"})
        raise Problem(401, "A token that works is needed.", headers={"WWW-Authenticate": "Bearer"})
    if seconds := _throttle.wait(token.id, current_app.config.get("API_PER_MINUTE", PER_MINUTE), now):
        raise Problem(429, "Too many requests; wait a little.", headers={"Retry-After": str(seconds)})
    if writes and not token.may_write:
        raise Problem(403, "This token may only read.")
    return _remember(session, token)


def _remember(session: Session, token: ApiToken) -> ApiToken:
    """Note that the token is in use, in a transaction of its own; a busy database need not wait for that."""
    try:
        tokens.used(session, token, here.now())
        session.commit()
    except OperationalError:
        session.rollback()
    return token


def _asked(query: type[BaseModel] | None) -> BaseModel | None:
    given = request.args.to_dict(flat=False)
    if twice := [name for name, values in given.items() if len(values) > 1]:
        raise problems.invalid((name, "This is given more than once.") for name in twice)
    if query is None:
        if given:
            raise problems.invalid((name, "There is no such parameter.") for name in given)
        return None
    try:
        return query.model_validate({name: values[0] for name, values in given.items()})
    except ValidationError as error:
        raise problems.of_validation(error) from error


def _sent(body: type[BaseModel]) -> BaseModel:
    _asked(None)
    if request.mimetype != "application/json":
        raise Problem(415, "A body of application/json is expected.")
    request.max_content_length = MOST_BYTES
    try:
        return body.model_validate_json(request.get_data())
    except RequestEntityTooLarge as error:
        raise Problem(413, f"A body of at most {MOST_BYTES} bytes is expected.") from error
    except ValidationError as error:
        raise problems.of_validation(error) from error


def _answer(result: BaseModel | tuple[BaseModel, str]) -> Response:
    model, location = result if isinstance(result, tuple) else (result, "")
    response = Response(model.model_dump_json(), 201 if location else 200, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    if location:
        response.headers["Location"] = location
    return response


def _author(why: str = "") -> Author:
    return Author(g.token.user, here.now(), "api", why)


@bp.get("/openapi.json")
@public
def openapi() -> ResponseReturnValue:
    """The description of this API (OpenAPI 3.1)."""
    return jsonify(description.openapi())


@operation("GET", "/me", "Whom the token acts as", outgoing.Me)
def me() -> outgoing.Me:
    """A request that changes nothing, to try a token."""
    user = g.token.user
    return outgoing.Me(
        token=g.token.name,
        may_write=g.token.may_write,
        user=outgoing.Item(id=user.id, name=user.name),
        role=user.role,
    )


@operation("GET", "/lists", "The office's lists", outgoing.Lists)
def lists() -> outgoing.Lists:
    """Purposes, outcomes, channels, statuses and whatever else other requests name by its id."""
    return reading.lists(db.session())


@operation("GET", "/clients", "Cards", outgoing.Clients, query=incoming.ClientsAsked)
def clients(asked: incoming.ClientsAsked) -> outgoing.Clients:
    """Cards by their ids, a page at a time: send `next` as `after` until it is null."""
    return reading.clients(db.session(), asked, office_country())


@operation("GET", "/clients/<int:client_id>", "One card", outgoing.Client, also=(308, 404))
def client(client_id: int) -> outgoing.Client:
    """The card; the address of one that was merged leads on to the card that is left."""
    return reading.client(_client(client_id))


@operation("POST", "/clients", "Make a card", outgoing.Client, body=incoming.NewClient)
def make_client(sent: incoming.NewClient) -> tuple[outgoing.Client, str]:
    """A card, its persons and their contacts, unless it may be there already."""
    session = db.session()

    def make() -> int:
        return writing.create_client(session, sent, _author(), office_country()).id

    client_id = _once("client", make)
    return reading.client(_client(client_id, made=True)), url_for("api.client", client_id=client_id)


@operation(
    "PATCH", "/clients/<int:client_id>", "Change fields of a card", outgoing.Client, body=incoming.ClientChanges,
    also=(308, 404),
)  # fmt: skip
def change_client(client_id: int, sent: incoming.ClientChanges) -> outgoing.Client:
    """Fields of the card itself; all of them are changed, or none."""
    session, row = db.session(), _client(client_id)
    writing.change_client(session, row, sent, _author(sent.why), office_country())
    session.commit()
    return reading.client(_client(client_id))


@operation(
    "GET", "/clients/<int:client_id>/touches", "A client's touches", outgoing.Touches, query=incoming.OfClientAsked,
    also=(308, 404),
)  # fmt: skip
def touches_of_client(client_id: int, asked: incoming.OfClientAsked) -> outgoing.Touches:
    """What has passed between the client and us, whoever of us it was."""
    return reading.touches(db.session(), asked, client_id=_client(client_id).id)


@operation(
    "POST", "/clients/<int:client_id>/touches", "Write down a touch with a client", outgoing.Touch,
    body=incoming.NewTouchOfClient, also=(308, 404),
)  # fmt: skip
def make_touch_of_client(client_id: int, sent: incoming.NewTouchOfClient) -> tuple[outgoing.Touch, str]:
    """A contact of whom the token acts as."""
    return _make_touch(sent, _client(client_id))


@operation("GET", "/touches", "Touches", outgoing.Touches, query=incoming.TouchesAsked)
def touches(asked: incoming.TouchesAsked) -> outgoing.Touches:
    """The ledger: everybody's for the head and the secretary, one's own for others."""
    return reading.touches(db.session(), asked, reader=g.token.user)


@operation("POST", "/touches", "Write down a touch", outgoing.Touch, body=incoming.NewTouch)
def make_touch(sent: incoming.NewTouch) -> tuple[outgoing.Touch, str]:
    """A contact of whom the token acts as, with a client or with somebody unknown."""
    client = None
    if sent.client_id is not None:
        client = reading.card(db.session(), sent.client_id)
        if client is None or client.merged_into_id is not None:
            raise problems.invalid([("client_id", "There is no such client.")])
    return _make_touch(sent, client)


@operation("GET", "/touches/<int:touch_id>", "One touch", outgoing.Touch, also=(404,))
def touch(touch_id: int) -> outgoing.Touch:
    """A row of the ledger."""
    row = reading.one_touch(db.session(), touch_id)
    if row is None or not (row.client_id or row.user_id == g.token.user_id or g.token.user.has_role(*reading.SEES_ALL)):
        raise Problem(404, "There is no such touch.")
    return reading.touch(row)


def _make_touch(sent: incoming.NewTouchOfClient, client: Client | None) -> tuple[outgoing.Touch, str]:
    session = db.session()

    def make() -> int:
        return writing.create_touch(session, sent, client, g.token.user, here.now()).id

    touch_id = _once("touch", make)
    row = reading.one_touch(session, touch_id)
    if row is None:
        raise _gone()
    return reading.touch(row), url_for("api.touch", touch_id=touch_id)


def _once(what: str, make: Callable[[], int]) -> int:
    """The id of what this request makes, and the commit; of what it has made when it is a repetition."""
    session, key = db.session(), request.headers.get("Idempotency-Key")
    if key is None:
        made_id = make()
        session.commit()
        return made_id
    if not re.fullmatch(KEY_PATTERN, key, re.ASCII):
        raise problems.invalid([("Idempotency-Key", "1 to 80 signs of ASCII without blanks are expected.")])
    digest = hashlib.sha256(f"{request.path}\n".encode() + request.get_data()).hexdigest()
    claimed, fresh = writing.claim(session, g.token, key, digest, here.now())
    if fresh:
        claimed.what, claimed.row_id = what, make()
        session.commit()
    return claimed.row_id or 0


def _client(client_id: int, made: bool = False) -> Client:
    """A card that is there. Raises Problem: 404, or 308 to the card that it was merged into."""
    row = reading.card(db.session(), client_id)
    if row is None:
        raise (
            Problem(409, "What this request made is there no more.") if made else Problem(404, "There is no such card.")
        )
    if row.merged_into_id is not None and not made:
        values = {**(request.view_args or {}), "client_id": row.merged_into_id}
        address = url_for(request.endpoint or "api.client", **values)
        raise Problem(
            308, "This card was merged into another.", headers={"Location": address}, client_id=row.merged_into_id
        )
    return row


def _gone() -> Problem:
    """The answer to a repeated request whose row was deleted meanwhile."""
    return Problem(409, "What this request made is there no more.")
