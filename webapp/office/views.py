"""The head's settings: the office, its lines, its lists, its price ranges."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, abort, current_app, flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from webapp import hx
from webapp.access import allow, load
from webapp.accounts.models import Role, User
from webapp.calls import trace
from webapp.db import db
from webapp.languages import LANGUAGES
from webapp.office import changes, dialling, free_mail, lists, navigation
from webapp.office.forms import DialRuleForm, PriceForm, SettingsForm
from webapp.office.line_form import COLUMNS, MODES, RANKS, LineForm
from webapp.office.models import Channel, DialRule, Line, LinePerson, PriceRange
from webapp.office.queries import items, price_ranges, the_office
from webapp.recordings import keeping
from webapp.rules import grids, transitions

bp = Blueprint("office", __name__, url_prefix="/settings")
bp.add_app_template_global(navigation.tabs, "settings_tabs")


@bp.get("")
@allow(Role.HEAD)
def settings() -> ResponseReturnValue:
    """The office itself: who we are, when we are open, how we answer."""
    return _settings(SettingsForm(formdata=None, obj=the_office(db.session())))


@bp.post("")
@allow(Role.HEAD)
def save_settings() -> ResponseReturnValue:
    """Other settings of the office."""
    office, form = the_office(db.session()), SettingsForm()
    if not form.validate():
        return _settings(form), 422
    form.populate_obj(office)
    office.workdays = sorted(form.workdays.data or [])
    _announce_and_commit()
    flash(_("Saved."), "good")
    return hx.go("office.settings")


@bp.get("/lines")
@allow(Role.HEAD)
def lines() -> ResponseReturnValue:
    """The numbers callers dial; `?line=` is opened to change, `?new` is a blank one."""
    if "new" in request.args:
        return _lines(LineForm.of(None), None)
    line_id = request.args.get("line", type=int)
    line = load(select(Line).where(Line.id == line_id)) if line_id is not None else None
    return _lines(LineForm.of(line) if line else None, line)


@bp.post("/lines")
@allow(Role.HEAD)
def add_line() -> ResponseReturnValue:
    """A new line."""
    return _save_line(None)


@bp.post("/lines/<int:line_id>")
@allow(Role.HEAD)
def change_line(line_id: int) -> ResponseReturnValue:
    """Other settings of a line."""
    return _save_line(load(select(Line).where(Line.id == line_id)))


@bp.post("/lines/<int:line_id>/active")
@allow(Role.HEAD)
def switch_line(line_id: int) -> ResponseReturnValue:
    """Retire a line, or take it up again."""
    try:
        changes.switch_line(db.session(), load(select(Line).where(Line.id == line_id)))
    except changes.Refused as refused:
        flash(refused.reason, "error")
    else:
        _announce_and_commit()
    return hx.go("office.lines")


@bp.get("/lists/<name>")
@allow(Role.HEAD)
def list_page(name: str) -> ResponseReturnValue:
    """One of the lists."""
    kind = lists.LISTS.get(name) or abort(404)
    return _list(name, [*lists.rows(db.session(), kind), _new_row()])


@bp.post("/lists/<name>")
@allow(Role.HEAD)
def save_list(name: str) -> ResponseReturnValue:
    """All names of a list at once; the button pressed may also move, retire or bring back one item."""
    kind = lists.LISTS.get(name) or abort(404)
    rows = [_typed(row) for row in [*lists.rows(db.session(), kind), _new_row()]]
    if not lists.check([row for row in rows if row.item is None or row.item.active]):
        return _list(name, rows), 422
    action, _dash, item_id = request.form.get("do", "").partition("-")
    item = (
        load(select(kind.model).where(kind.model.id == int(item_id)))
        if item_id.isdecimal() and len(item_id) < 10
        else None
    )
    lists.save(db.session(), kind, rows)
    if item is not None and action in ("up", "down"):
        lists.move(db.session(), kind, item, -1 if action == "up" else 1)
    elif item is not None and action == "retire":
        title = item.name
        if lists.retire(db.session(), item):
            flash(_("Deleted: %(name)s.", name=title), "good")
        else:
            flash(_("%(name)s is in use: it stays where it is and is offered no more.", name=title), "good")
    elif item is not None and action == "restore":
        lists.restore(db.session(), item)
    else:
        flash(_("Saved."), "good")
    if name == "statuses":  # one that went may have been the only way on
        for problem in grids.problems(grids.read(db.session(), transitions.STATUS)):
            flash(problem, "warning")
    _announce_and_commit()
    return hx.go("office.list_page", name=name)


@bp.get("/free-mail")
@allow(Role.HEAD)
def free_mail_page() -> ResponseReturnValue:
    """The public mail services, whose addresses say nothing about a firm."""
    return _free_mail("\n".join(free_mail.listed(db.session())), "")


@bp.post("/free-mail")
@allow(Role.HEAD)
def save_free_mail() -> ResponseReturnValue:
    """Another list of them."""
    text = request.form.get("domains", "")
    try:
        free_mail.save(db.session(), text)
    except free_mail.BadList as bad:
        return _free_mail(text[: free_mail.LONGEST_LIST], str(bad)), 422
    db.session.commit()
    flash(_("Saved."), "good")
    return hx.go("office.free_mail_page")


def _free_mail(text: str, error: str) -> str:
    return render_template("office/free_mail.html", text=text, error=error)


@bp.get("/prices")
@allow(Role.HEAD)
def prices() -> ResponseReturnValue:
    """What may be said when a caller insists on a price; `?price=` is opened to change."""
    price_id = request.args.get("price", type=int)
    price = load(select(PriceRange).where(PriceRange.id == price_id)) if price_id is not None else None
    return _prices(PriceForm(formdata=None, obj=price), price)


@bp.post("/prices")
@allow(Role.HEAD)
def add_price() -> ResponseReturnValue:
    """A price range for another product."""
    return _save_price(None)


@bp.post("/prices/<int:price_id>")
@allow(Role.HEAD)
def change_price(price_id: int) -> ResponseReturnValue:
    """Other prices for a product."""
    return _save_price(load(select(PriceRange).where(PriceRange.id == price_id)))


@bp.post("/prices/<int:price_id>/delete")
@allow(Role.HEAD)
def delete_price(price_id: int) -> ResponseReturnValue:
    """No price may be said for this product."""
    db.session.delete(load(select(PriceRange).where(PriceRange.id == price_id)))
    _announce_and_commit()
    return hx.go("office.prices")


@bp.get("/calling-out", endpoint="dialling")
@allow(Role.HEAD, Role.ADMIN)
def dial_rules() -> ResponseReturnValue:
    """Whom each role may call; nobody calls anybody until a rule says so."""
    return _dialling(DialRuleForm(formdata=None, data={"role": Role.MANAGER.value}))


@bp.post("/calling-out")
@allow(Role.HEAD, Role.ADMIN)
def add_dial_rule() -> ResponseReturnValue:
    """One more rule."""
    form = DialRuleForm()
    if not form.validate():
        return _dialling(form), 422
    try:
        rule = dialling.add(db.session(), Role(form.role.data), form.pattern.data)
    except dialling.BadPattern as bad:
        db.session.rollback()
        form.pattern.errors = [str(bad)]
        return _dialling(form), 422
    _announce_and_commit()
    flash(_("%(role)s may call %(pattern)s.", role=Role(rule.role).label, pattern=rule.pattern), "good")
    return hx.go("office.dialling")


@bp.post("/calling-out/<int:rule_id>/delete")
@allow(Role.HEAD, Role.ADMIN)
def delete_dial_rule(rule_id: int) -> ResponseReturnValue:
    """A rule less."""
    db.session.delete(load(select(DialRule).where(DialRule.id == rule_id)))
    _announce_and_commit()
    return hx.go("office.dialling")


def _dialling(form: DialRuleForm) -> str:
    return render_template("office/dialling.html", form=form, rules=dialling.rules(db.session()), roles=dialling.ROLES)


def _announce_and_commit() -> None:
    changes.announce(db.session(), current_app.config["CLOCK"]())
    db.session.commit()


def _settings(form: SettingsForm) -> str:
    return render_template("office/settings.html", form=form)


def _lines(form: LineForm | None, editing: Line | None, moved: str = "") -> str:
    session = db.session()
    people = _offer(form, editing) if form else []
    rows = session.scalars(
        select(Line)
        .order_by(Line.active.desc(), Line.id)
        .options(joinedload(Line.channel), selectinload(Line.people).joinedload(LinePerson.user))
    )
    return render_template(
        "office/lines.html",
        form=form,
        editing=editing,
        rows=rows.all(),
        people=people,
        office=the_office(session),
        due=keeping.due_of_lines(session, current_app.config["CLOCK"]()),
        modes=MODES,
        ranks=RANKS,
        who_words=trace.WHO,
        moved=moved,
    )


def _save_line(line: Line | None) -> ResponseReturnValue:
    form = LineForm()
    _offer(form, line)
    if "move" in request.form:  # a row of the order goes up or down; nothing is saved yet
        return _lines(form, line, form.hunt.move(request.form["move"]))
    try:
        if not form.validate():
            return _lines(form, line), 422
        changes.check_line_name(db.session(), line, form.name.data)
        changes.check_line_number(db.session(), line, form.number.data, current_app.config["SETTINGS"].country)
    except changes.Refused as refused:
        form[refused.field].errors = [refused.reason]
        return _lines(form, line), 422
    if line is None:
        line = Line()
        db.session.add(line)
    for column in COLUMNS:
        setattr(line, column, form[column].data)
    line.channel_id = form.channel_id.data or None
    line.menu = {**(line.menu or {}), "choices": form.choices_typed()}
    if (hunt := form.hunt.kept()) is not None:
        line.hunt = hunt
    changes.set_people(line, form.people.data)
    _announce_and_commit()
    flash(_("Saved: %(name)s.", name=line.title or line.name), "good")
    return hx.go("office.lines")


def _offer(form: LineForm, line: Line | None) -> Sequence[User]:
    channels = items(db.session(), Channel, line.channel_id if line else None)
    people = changes.people_of_lines(db.session(), line)
    form.offer(
        [(row.id, row.name) for row in channels],
        changes.script_names(line.script if line else ""),
        [(user.id, user.name) for user in people],
    )
    return people


def _new_row() -> lists.Row:
    return lists.Row(None, dict.fromkeys(LANGUAGES, ""))


def _typed(row: lists.Row) -> lists.Row:
    """The row with what the form says of it; fields the form hasn't got stay as they are."""
    key = row.item.id if row.item else "new"
    for code in row.names:
        row.names[code] = " ".join(request.form.get(f"name-{key}-{code}", row.names[code]).split())
    if f"name-{key}-en" in request.form:
        row.closes = f"closes-{key}" in request.form
        row.counts_as = request.form.get(f"counts-{key}", row.counts_as)
        row.forbidden = f"forbidden-{key}" in request.form
    return row


def _list(name: str, rows: list[lists.Row]) -> str:
    return render_template("office/list.html", name=name, kind=lists.LISTS[name], rows=rows, counts_as=lists.COUNTS_AS)


def _prices(form: PriceForm, editing: PriceRange | None) -> str:
    return render_template("office/prices.html", form=form, editing=editing, rows=price_ranges(db.session()))


def _save_price(price: PriceRange | None) -> ResponseReturnValue:
    form = PriceForm()
    try:
        if not form.validate():
            return _prices(form, price), 422
        changes.check_product(db.session(), price, form.product.data)
    except changes.Refused as refused:
        form[refused.field].errors = [refused.reason]
        return _prices(form, price), 422
    if price is None:
        price = PriceRange()
        db.session.add(price)
    form.populate_obj(price)
    _announce_and_commit()
    flash(_("Saved: %(name)s.", name=price.product), "good")
    return hx.go("office.prices")
