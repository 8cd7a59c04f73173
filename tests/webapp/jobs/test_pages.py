"""The bar of a long piece of work."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.jobs.models import Job

SignIn = Callable[[str], FlaskClient]


@pytest.fixture
def job(session: Session, office: dict[str, User], clock: Clock) -> Job:
    job = Job(kind="count", state="running", total=200_000, done=12_500, made_at=clock(), made_by_id=office["anna"].id)
    session.add(job)
    session.commit()
    return job


def test_the_bar_says_how_far_it_is(job: Job, sign_in: SignIn) -> None:
    page = sign_in("anna").get(f"/jobs/{job.id}").get_data(as_text=True)
    assert "12,500 of 200,000" in page and 'value="12500"' in page and "sse:job" in page


def test_a_job_is_stopped_and_carried_on(job: Job, sign_in: SignIn, session: Session) -> None:
    anna = sign_in("anna")
    page = anna.post(f"/jobs/{job.id}/stop").get_data(as_text=True)
    assert "stopped" in page and "sse:job" not in page
    assert "waiting to begin" in anna.post(f"/jobs/{job.id}/resume").get_data(as_text=True)
    session.refresh(job)
    assert (job.state, job.done) == ("waiting", 12_500)


@pytest.mark.parametrize(("who", "code"), [("head", 200), ("boris", 404), ("admin", 403)])
def test_a_job_is_its_owner_s_and_the_head_s(job: Job, sign_in: SignIn, who: str, code: int) -> None:
    client = sign_in(who)
    assert client.get(f"/jobs/{job.id}").status_code == code
    assert client.post(f"/jobs/{job.id}/stop").status_code == code


def test_strangers_sign_in_first(job: Job, sign_in: SignIn, app: object) -> None:
    assert FlaskClient(app).get(f"/jobs/{job.id}").status_code == 302  # type: ignore[arg-type]
