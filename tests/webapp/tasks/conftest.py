"""Tests of tasks ring the office the way the desk's tests do."""

from tests.webapp.desk.conftest import client_with, on_duty, phone

__all__ = ["client_with", "on_duty", "phone"]
