"""A script drawn as a tree, from left to right: SVG made on the server, no script and no inline style in it.

A step stands one column right of the first step that leads to it, so columns count the distance from the
entries; each step is drawn once, with its answers as rows. A line joins the row to the step it opened; other
rows name their step and link to it. Branches follow below under their key. Colours come from the page's style
sheet by class (`script-tree`, `step`, `edge`, `say`, ...); without one everything is in the text's own colour.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from html import escape

from flask_babel import gettext as _

from webapp.scripts.grammar import LETTERS, Answer, Script, Step
from webapp.scripts.walk import BRANCH_LABELS, SITUATION_LABELS

WIDTH, PADDING, LINE, CHARS = 330, 12, 17, 40
GAP_X, GAP_Y, MARGIN, HEADING = 70, 22, 16, 34


@dataclass(slots=True)
class Row:
    """An answer inside a box: its wrapped lines and where it leads, if to a step."""

    lines: list[str]
    target: str | None = None


@dataclass(slots=True)
class Box:
    """One drawn step, in user units from the top left corner; `badge` says how it is reached directly."""

    step: str
    x: float
    y: float
    kind: str
    badge: list[str]
    say: list[str]
    rows: list[Row]
    opened: list[tuple[int, str]] = field(default_factory=list)

    def row_y(self, number: int) -> float:
        """The base line of the first line of a row."""
        before = 1 + len(self.say) + sum(len(row.lines) for row in self.rows[:number])
        return self.y + PADDING + LINE * (before + len(self.badge)) + 17

    @property
    def height(self) -> float:
        return self.row_y(len(self.rows)) - self.y - 17 + PADDING + 4


def draw(script: Script) -> str:
    """The script as SVG markup, everything in it escaped. Labels of keys are in the reader's language."""
    boxes: dict[str, Box] = {}
    badges: dict[str, str] = {}
    for situation, step in script.entries.items():
        badges[step] = ", ".join(filter(None, (badges.get(step), str(SITUATION_LABELS[situation]))))
    entries = [step for step in script.steps if step in badges]
    bottom = _grow(script, entries, badges, boxes, float(MARGIN))
    headings: list[str] = []
    for key, letter in LETTERS.items():
        ladder = [step for step in script.branches[key].steps if step not in boxes]
        badges = {step: f"{letter} {press}" for press, step in enumerate(script.branches[key].steps, 1)}
        label = f"{letter}: {BRANCH_LABELS[key]}"
        headings.append(_text("branch-name", MARGIN, bottom + 20, label, 18))
        # The later steps of the list mostly follow from the first; what does not starts a row of its own.
        for step in ladder:
            if step not in boxes:
                bottom = _grow(script, [step], badges, boxes, bottom + HEADING)
    width = max(box.x for box in boxes.values()) + WIDTH + MARGIN
    title = _("%(title)s: %(steps)d steps", title=script.title, steps=len(script.steps))
    about = _("Every step with its sentence and answers; a line leads from an answer to the step it opens.")
    return "\n".join(
        [
            '<svg class="script-tree" xmlns="http://www.w3.org/2000/svg" role="group"'
            f' viewBox="0 0 {width:g} {bottom:g}" width="{width:g}" height="{bottom:g}"'
            ' aria-labelledby="tree-title tree-about" font-family="inherit" fill="currentColor">',
            f'<title id="tree-title">{escape(title)}</title>',
            f'<desc id="tree-about">{escape(about)}</desc>',
            *headings,
            *(_line(box, number, boxes[step]) for box in boxes.values() for number, step in box.opened),
            *(_box(box) for box in boxes.values()),
            "</svg>",
        ]
    )


def _grow(script: Script, start: list[str], badges: dict[str, str], boxes: dict[str, Box], top: float) -> float:
    """Draw the tree from these steps down from `top`, leaving out what stands already. Returns its bottom."""
    free: dict[int, float] = {}
    waiting: list[tuple[str, int, Box | None, int]] = [(step, 0, None, 0) for step in start]
    taken = {*boxes, *start}
    for step_id, column, parent, number in waiting:
        wanted = parent.row_y(number) - 30 if parent else top
        y = max(wanted, free.get(column, top), top)
        step = script.steps[step_id]
        box = Box(
            step=step_id,
            x=MARGIN + column * (WIDTH + GAP_X),
            y=y,
            kind=_kind(step),
            badge=textwrap.wrap(badges.get(step_id, ""), CHARS),
            say=textwrap.wrap(step.say, CHARS) or [""],
            rows=_rows(step),
        )
        boxes[step_id] = box
        if parent:
            parent.opened.append((number, step_id))
        free[column] = y + box.height + GAP_Y
        for row_number, row in enumerate(box.rows):
            if row.target and row.target not in taken:
                taken.add(row.target)
                waiting.append((row.target, column + 1, box, row_number))
    return max(free.values(), default=top)


def _kind(step: Step) -> str:
    if step.end:
        return "step end"
    return "step price" if step.last_price else "step"


def _rows(step: Step) -> list[Row]:
    if step.end:
        return [Row(["■ " + _("end of the talk")])]
    if step.returns:
        return [Row(["↩ " + _("back to where the talk was")])]
    if step.to:
        return [Row([f"→ {step.to}"], step.to)]
    return [_row(number, answer) for number, answer in enumerate(step.answers, 1)]


def _row(number: int, answer: Answer) -> Row:
    where = f"→ {answer.to}" if answer.to else "↩"
    if answer.branch:
        where = f"{LETTERS[answer.branch]} " + (where if answer.to else "")
    text = textwrap.wrap(f"{number} {answer.text}", CHARS)
    if len(text[-1]) + len(where) + 2 <= CHARS:
        text[-1] += "  " + where
    else:
        text.append("   " + where)
    return Row(text, answer.to)


def _text(kind: str, x: float, y: float, text: str, size: int = 13) -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" font-size="{size}">{escape(text)}</text>'


def _line(source: Box, number: int, target: Box) -> str:
    x1, y1 = source.x + WIDTH, source.row_y(number) - 4
    x2, y2 = target.x, target.y + PADDING + 8
    middle = (x1 + x2) / 2
    return (
        f'<path class="edge" d="M{x1:g} {y1:g}C{middle:g} {y1:g} {middle:g} {y2:g} {x2:g} {y2:g}"'
        ' fill="none" stroke="currentColor"/>'
    )


def _box(box: Box) -> str:
    x, y = box.x + PADDING, box.y + PADDING + 12
    parts = [
        f'<g class="{box.kind}" id="step-{escape(box.step)}">',
        f'<rect x="{box.x:g}" y="{box.y:g}" width="{WIDTH}" height="{box.height:g}" rx="6" fill="none"'
        ' stroke="currentColor"/>',
        _text("step-name", x, y, box.step, 12),
    ]
    for line in box.badge:
        y += LINE
        parts.append(_text("badge-text", x, y, line, 12))
    for line in box.say:
        y += LINE
        parts.append(_text("say", x, y, line, 14))
    for number, row in enumerate(box.rows):
        texts = [_text("answer", x, box.row_y(number) + LINE * n, line) for n, line in enumerate(row.lines)]
        if row.target:
            texts = [f'<a href="#step-{escape(row.target)}">', *texts, "</a>"]
        parts.extend(texts)
    parts.append("</g>")
    return "\n".join(parts)
