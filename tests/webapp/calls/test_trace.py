"""The trace of a call in words."""

from __future__ import annotations

from flask import Flask
from flask_babel import force_locale

from webapp.calls import trace


def test_seconds_are_written_as_the_reader_writes_them(app: Flask) -> None:
    facts = {"name": "Anna", "seconds": 5.3, "rings": 2}
    with app.test_request_context():
        with force_locale("en"):
            assert "after 5.3 s" in trace.sentence("answered", facts)
        with force_locale("ru"):
            assert "через 5,3 с" in trace.sentence("answered", facts)
            assert "через 5 с" in trace.sentence("answered", facts | {"seconds": 5.0})
        assert trace.sentence("answered", {}), "an event of an older version may lack facts"
