"""Missed calls by number, and what became of them (D22)."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("missed", __name__)
