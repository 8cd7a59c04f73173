"""The picture of a script: every step once, nothing overlapping, everything escaped, no inline style."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.webapp.scripts.mini import MINI, mini
from webapp.scripts import tree
from webapp.scripts.grammar import Script, parse

SVG = "{http://www.w3.org/2000/svg}"
FOLDER = Path(__file__).parents[3] / "scripts_library"


def shipped(language: str) -> Script:
    script, _, _ = parse((FOLDER / f"inbound.{language}.yaml").read_bytes(), f"inbound.{language}.yaml")
    assert script
    return script


SCRIPTS = {"mini": mini(), "en": shipped("en"), "ru": shipped("ru")}
every = pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS.keys())


def drawn(script: Script) -> ET.Element:
    return ET.fromstring(tree.draw(script))  # noqa: S314 - our own output


@every
def test_every_step_is_drawn_once(script: Script) -> None:
    names = [group.attrib["id"] for group in drawn(script).iter(f"{SVG}g")]
    assert sorted(names) == sorted(f"step-{step}" for step in script.steps)


@every
def test_boxes_do_not_overlap_and_stand_inside(script: Script) -> None:
    root = drawn(script)
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    boxes = [
        tuple(float(rect.attrib[key]) for key in ("x", "y", "width", "height")) for rect in root.iter(f"{SVG}rect")
    ]
    for number, (x, y, w, h) in enumerate(boxes):
        assert x >= 0 and y >= 0 and x + w <= width and y + h <= height
        for x2, y2, w2, h2 in boxes[number + 1 :]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y


@every
def test_text_stays_in_its_box(script: Script) -> None:
    for group in drawn(script).iter(f"{SVG}g"):
        rect = group.find(f"{SVG}rect")
        assert rect is not None
        top, bottom = float(rect.attrib["y"]), float(rect.attrib["y"]) + float(rect.attrib["height"])
        for text in group.iter(f"{SVG}text"):
            assert top < float(text.attrib["y"]) < bottom
            assert len(text.text or "") <= tree.CHARS


@every
def test_links_lead_to_steps_and_every_answer_is_told(script: Script) -> None:
    root = drawn(script)
    ids = {group.attrib["id"] for group in root.iter(f"{SVG}g")}
    targets = {link.attrib["href"].removeprefix("#") for link in root.iter(f"{SVG}a")}
    assert targets and targets <= ids
    shown = " ".join("".join(root.itertext()).split())
    for step in script.steps.values():
        for answer in step.answers:
            assert answer.text.split()[0] in shown


@every
def test_it_is_named_for_a_screen_reader_and_has_no_style(script: Script) -> None:
    markup = tree.draw(script)
    root = ET.fromstring(markup)  # noqa: S314 - our own output
    title, about = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None and script.title in (title.text or "") and about is not None
    assert root.attrib["aria-labelledby"] == "tree-title tree-about"
    assert "style" not in markup and "<script" not in markup


def test_nothing_of_the_file_is_markup() -> None:
    evil = '<script>alert(1)</script>&amp;\\"'
    text = MINI.replace('"Small"', f'"{evil}"').replace("Goodbye!", evil).replace("Nothing", evil)
    root = drawn(mini(text))
    assert not list(root.iter(f"{SVG}script"))
    assert "<script>" in "".join(root.itertext())


def test_a_word_longer_than_the_box_is_broken() -> None:
    root = drawn(mini(MINI.replace("Goodbye!", "y" * 120)))
    assert max(len(text.text or "") for text in root.iter(f"{SVG}text")) <= tree.CHARS


def test_the_six_situations_and_seven_keys_are_labelled() -> None:
    shown = " ".join(drawn(SCRIPTS["en"]).itertext())
    for label in ("New caller", "Known client", "Rang before and was missed", "P: Price", "N: Nothing fits"):
        assert label in shown
