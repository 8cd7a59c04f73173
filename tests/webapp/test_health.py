"""What monitoring reads, and the worker's word about promises that ran out."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.calls.models import Call
from webapp.tasks.models import Task


def test_metrics_count_what_is_missed_and_overdue(
    app: Flask, session: Session, office: dict[str, User], clock: Clock
) -> None:
    for call_id, reason in (("a", "abandoned"), ("b", "answered_elsewhere")):
        session.add(Call(call_id=call_id, offered_at=clock(), state="ended", end_reason=reason))
    session.add(Task(kind="promise", due_at=clock() - timedelta(minutes=1), created_at=clock()))
    session.commit()
    client = app.test_client()
    text = client.get("/metrics").get_data(as_text=True)
    assert "secondring_missed_open 1.0" in text and "secondring_promises_overdue 1.0" in text
    assert client.get("/healthz").get_json() == {"status": "ok", "bridge": False}
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "192.0.2.7"}).status_code == 403
