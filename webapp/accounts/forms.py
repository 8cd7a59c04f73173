"""Forms of the login page, of the administrator's users, and of one's own page."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, PasswordField, SelectField, StringField, ValidationError
from wtforms.validators import InputRequired, Length

from webapp.accounts.extensions import MAX_LENGTH, REGISTERED, is_sip_uri
from webapp.accounts.models import Role
from webapp.accounts.passwords import MIN_LENGTH
from webapp.fields import TextField, choices
from webapp.languages import LANGUAGES
from webapp.mail import addresses

LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}", re.ASCII)
THEMES = (("", _l("As the system says")), ("light", _l("Light")), ("dark", _l("Dark")))


class EmailField(TextField):
    """An e-mail address, or nothing."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(_l("E-mail"), addresses.LONGEST, **kwargs)

    def pre_validate(self, form: Any) -> None:
        super().pre_validate(form)
        if self.data and not addresses.is_address(self.data):
            raise ValidationError(_("This is no e-mail address: it should look like name@firm.example."))


class LoginForm(FlaskForm):
    """Login and password."""

    login = StringField(_l("Login"), validators=[InputRequired(_l("Type your login.")), Length(max=40)])
    password = PasswordField(_l("Password"), validators=[InputRequired(_l("Type your password.")), Length(max=200)])


class UserForm(FlaskForm):
    """Somebody of the office, as the administrator sees them."""

    name = TextField(_l("Name"), 120, missing=_l("Type the name."))
    login = TextField(_l("Login"), 40, missing=_l("Type a login."), filters=[str.lower])
    position = TextField(_l("Position"), 120)
    role = SelectField(_l("Role"))
    region_id = SelectField(_l("Region"), coerce=int)
    email = EmailField()
    extension = TextField(_l("Telephone"), MAX_LENGTH)
    direct_number = TextField(_l("Own number, dialled by callers"), 40)
    desk_phone = BooleanField(_l("Built-in desk phone"))

    def offer(self, regions: list[tuple[int, str]]) -> None:
        """Set what can be chosen."""
        self.role.choices = choices((role.value, role.label) for role in Role)
        self.region_id.choices = choices([(0, _("none")), *regions])

    def validate_login(self, field: Any) -> None:
        if not LOGIN.fullmatch(field.data):
            raise ValidationError(_("Use Latin letters, digits, dots and dashes; 40 at most."))

    def validate_extension(self, field: Any) -> None:
        if field.data.startswith(REGISTERED):
            if field.data != REGISTERED + (self.login.data or ""):
                raise ValidationError(_("Only the user's own softphones can be named here: registered:login."))
        elif field.data and not is_sip_uri(field.data):
            raise ValidationError(_("Write a SIP address, such as sip:anna@192.168.1.20:5060."))


class OwnForm(FlaskForm):
    """One's own language and theme, and the address that answers to one's letters go to."""

    email = EmailField()
    language = SelectField(_l("Language"))
    theme = SelectField(_l("Theme"), choices=choices(THEMES))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.language.choices = choices([("", _("As the browser says")), *LANGUAGES.items()])


class PasswordForm(FlaskForm):
    """A new password of one's own; the old one proves who asks."""

    old = PasswordField(
        _l("Password now"), validators=[InputRequired(_l("Type the password you have now.")), Length(max=200)]
    )
    new = PasswordField(
        _l("New password"),
        validators=[
            InputRequired(_l("Type a new password.")),
            Length(MIN_LENGTH, 200, message=_l("At least %(min)d characters, and at most %(max)d.")),
        ],
    )
    again = PasswordField(_l("Once more"), validators=[InputRequired(_l("Type it once more."))])

    def validate_again(self, field: Any) -> None:
        if field.data != self.new.data:
            raise ValidationError(_("The two do not match."))
