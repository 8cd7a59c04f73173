"""Where a talk stands in its script. Plain data, kept as JSON beside the touch, so a reload loses nothing."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from webapp.scripts.grammar import Light, Script, Situation


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True)


class Given(_Data):
    """An answer that was chosen: its number from 1, and what was typed with it."""

    step: str
    n: int
    text: str = ""


class Place(_Data):
    """Where the talk stood before a key was pressed, so that back-step can return there."""

    step: str
    returns: tuple[str, ...] = ()
    lights: tuple[Light, ...] = ()
    given: int = 0


class State(_Data):
    """One run of a script. `returns`: steps the open branches come back to, the latest last."""

    script: str
    language: str
    version: int
    situation: Situation
    step: str
    returns: tuple[str, ...] = ()
    history: tuple[Place, ...] = ()
    given: tuple[Given, ...] = ()
    lights: tuple[Light, ...] = ()
    asked: tuple[str, ...] = ()
    filled: tuple[str, ...] = ()
    restarted: bool = False


def settle(state: State, script: Script) -> State:
    """The same state on the script as it is now: when its step is gone, the entry of its situation."""
    if state.step in script.steps:
        there = set(script.steps)
        if state.version == script.version and there.issuperset(state.returns):
            return state
        returns = tuple(step for step in state.returns if step in there)
        return state.model_copy(update={"version": script.version, "returns": returns})
    return state.model_copy(
        update={
            "version": script.version,
            "step": script.entry(state.situation),
            "returns": (),
            "history": (),
            "restarted": True,
        }
    )
