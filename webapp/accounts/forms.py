"""Forms of the login page and of one's own settings."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length


class LoginForm(FlaskForm):
    """Login and password."""

    login = StringField(_l("Login"), validators=[InputRequired(_l("Type your login.")), Length(max=40)])
    password = PasswordField(_l("Password"), validators=[InputRequired(_l("Type your password.")), Length(max=200)])
