"""One script run beside one touch: kept in the database at every key, so that reload and restart lose nothing.

A key names the move it was pressed at. A second press of the same key, or one in a tab that has not caught up,
finds that move gone and changes nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path

from flask import current_app
from pydantic import ValidationError
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp.clients import fields
from webapp.office.models import Line
from webapp.office.queries import the_office
from webapp.scripts import walk
from webapp.scripts.grammar import SITUATIONS, Script, Situation
from webapp.scripts.library import Library
from webapp.scripts.models import ScriptRun
from webapp.touches.models import Touch

FOLDER = Path(__file__).resolve().parents[2] / "scripts_library"
Move = Callable[[walk.State, Script], walk.Moved]


def library(folder: Path = FOLDER) -> Library:
    """The scripts in use; their last good versions outlive a restart in the data folder."""
    return _library(folder, current_app.config["SETTINGS"].data / "scripts")


@functools.cache
def _library(folder: Path, keep: Path) -> Library:
    return Library(folder, fields.FIELD_NAMES, keep=keep)


def script_for(session: Session, line: Line | None, library: Library) -> Script:
    """The script of a line in its language, by default the office's. Raises UnknownScript."""
    language = (line.language if line else "") or the_office(session).language
    return library.get(line.script if line else "inbound", language)


def standing(session: Session, touch: Touch, script: Script, known: Collection[str]) -> tuple[walk.State, int]:
    """Where the talk stands, and the number of the move a key may now be pressed at. Writes nothing.

    While no key was pressed the run starts at the step of the call's situation, whatever that has become.
    """
    run = _stored(session, touch)
    if run:
        try:
            return walk.settle(walk.State.model_validate(run.state), script), run.moves
        except ValidationError:
            return walk.start(script, _situation(touch), known), run.moves
    return walk.start(script, _situation(touch), known), 0


def press(
    session: Session, touch: Touch, script: Script, known: Collection[str], at: int, move: Move, now: datetime
) -> walk.Effects | None:
    """Make one move and keep it. None when `at` is not the present move: the key has had its effect already."""
    state, moves = standing(session, touch, script, known)
    if at != moves:
        return None
    after, effects = move(state, script)
    if not _keep(session, touch, script, after, moves, now):
        return None
    return effects


def _keep(session: Session, touch: Touch, script: Script, state: walk.State, moves: int, now: datetime) -> bool:
    values = {
        "script": script.script,
        "language": script.language,
        "version": str(script.version),
        "state": state.model_dump(mode="json"),
        "moves": moves + 1,
    }
    if moves == 0:
        try:
            with session.begin_nested():
                session.add(ScriptRun(touch_id=touch.id, started_at=now, **values))
        except IntegrityError:  # another tab was quicker
            return False
        return True
    claimed = session.execute(
        update(ScriptRun)
        .where(ScriptRun.touch_id == touch.id, ScriptRun.moves == moves)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return bool(claimed.rowcount)  # type: ignore[attr-defined]


def _stored(session: Session, touch: Touch) -> ScriptRun | None:
    query = select(ScriptRun).where(ScriptRun.touch_id == touch.id)
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def _situation(touch: Touch) -> Situation:
    wanted = touch.call.situation if touch.call else ""
    if touch.direction == "out":  # a call of ours; who was missed is apologised to there as well
        return "was_missed" if wanted == "was_missed" else "we_call"
    if touch.call is None and touch.client_id:
        wanted = "known_client"
    return next((one for one in SITUATIONS if one == wanted), "new_caller")
