"""Where the pages of imports are hung up, and who may see one."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, current_app

from webapp.access import load, me
from webapp.accounts.models import Role
from webapp.imports import queries
from webapp.imports.models import Import

bp = Blueprint("imports", __name__, url_prefix="/clients/imports")
WHO = (Role.HEAD, Role.MANAGER)


def the_import(import_id: int) -> Import:
    """A list is shown to whoever brought it and to the head."""
    user = me()
    return load(queries.one(import_id), if_=lambda one: one.made_by_id == user.id or user.has_role(Role.HEAD))


def data_folder() -> Path:
    """Where the office's files are kept."""
    data: Path = current_app.config["SETTINGS"].data
    return data
