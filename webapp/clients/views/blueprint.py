"""Where the pages of cards are hung up, and what every template knows of cards."""

from __future__ import annotations

from flask import Blueprint
from flask.blueprints import BlueprintSetupState
from flask_babel import gettext as _

from webapp.access import me
from webapp.clients import cards, contacts, fields
from webapp.clients.changes import Changed
from webapp.deals import stages
from webapp.deals.models import STAGES
from webapp.pages import moment
from webapp.rules import extra

bp = Blueprint("clients", __name__, url_prefix="/clients")


@bp.record_once
def _names_for_templates(state: BlueprintSetupState) -> None:
    state.app.jinja_env.globals.update(
        CARD_FIELDS=fields.BY_NAME | cards.MORE_FIELDS,
        CARD_CHOICES={
            "kind": tuple(fields.CLIENT_KINDS.items()),
            "caller_kind": tuple(fields.CALLER_KINDS.items()),
            "category": tuple((one, one) for one in cards.CATEGORIES),
        },
        CONTACT_KINDS=contacts.KINDS,
        STAGE_LABELS=stages.LABELS,
        STAGES=STAGES,
        EXTRA_PREFIX=extra.PREFIX,
        extra_values=extra.values,
        extra_shown=extra.shown,
        extra_choices=extra.choices,
        is_readable=contacts.is_readable,
        card_title=cards.title,
        card_shown=cards.shown,
        changed_words=_changed_words,
    )


def _changed_words(changed: Changed) -> str:
    """Who has changed a field meanwhile, and when."""
    last = changed.last
    if last is None or last.user is None:
        return _("This has been changed meanwhile:")
    when = moment(last.at)
    if last.user_id == me().id:
        return _("You have changed this yourself meanwhile, %(when)s:", when=when)
    return _("%(name)s has changed this meanwhile, %(when)s:", name=last.user.name, when=when)
