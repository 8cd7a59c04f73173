"""Where a proxy for TLS and SRTP stands before the bridges, softphones are told to register there."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.webapp.softphones.test_pages import link_on
from tests.webapp.softphones.test_secrets import sections
from webapp import config

SignIn = Callable[[str], FlaskClient]


@pytest.fixture
def behind(app: Flask) -> None:
    app.config["SETTINGS"] = dataclasses.replace(app.config["SETTINGS"], tls=("desk.office.example", 5061))


@pytest.mark.usefixtures("office", "behind")
def test_page_and_settings_name_the_proxy(app: Flask, sign_in: SignIn) -> None:
    text = sign_in("anna").post("/me/softphone").get_data(as_text=True)
    assert "desk.office.example:5061" in text and "<code>TLS</code>" in text and "<code>UDP</code>" not in text
    assert "listens on this machine only" not in text
    found = sections(app.test_client().get(link_on(text)).data)
    assert found["proxy_0"]["reg_proxy"] == "<sip:desk.office.example:5061;transport=tls>"
    assert (found["sip"]["media_encryption"], found["sip"]["media_encryption_mandatory"]) == ("srtp", "1")


def test_the_setting_is_checked(tmp_path: Path) -> None:
    data = {"SECONDRING_DATA": str(tmp_path)}
    assert config.load(data).tls is None
    assert config.load(data | {"SECONDRING_TLS": "desk.office.example:5061"}).tls == ("desk.office.example", 5061)
    with pytest.raises(config.ConfigError, match="SECONDRING_TLS"):
        config.load(data | {"SECONDRING_TLS": "desk.office.example"})
