"""Scripts taken up as they are edited, and the last good version while one is broken."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.webapp.scripts.mini import FIELDS, MINI, line_of
from webapp.scripts.library import Library, UnknownScript

BROKEN = MINI.replace("        to: agree", "        to: nowhere")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    put(tmp_path / "scripts", MINI)
    return tmp_path / "scripts"


def put(folder: Path, text: str, language: str = "en") -> None:
    """Write a version; its time is always new, whatever the grain of the file system's clock."""
    folder.mkdir(exist_ok=True)
    path = folder / f"mini.{language}.yaml"
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(text.replace("language: en", f"language: {language}"), encoding="utf-8")
    os.utime(path, ns=(before + 10**9, before + 10**9))


def titled(title: str) -> str:
    return MINI.replace('"Small"', f'"{title}"')


def test_an_edit_is_taken_up_without_a_restart(folder: Path) -> None:
    library = Library(folder, FIELDS)
    first = library.get("mini", "en")
    assert first.title == "Small"
    assert library.get("mini", "en") is first
    put(folder, titled("Smaller"))
    assert library.get("mini", "en").title == "Smaller"
    assert library.problems() == []


def test_the_language_falls_back(folder: Path) -> None:
    library = Library(folder, FIELDS)
    assert library.get("mini", "el").language == "en"
    put(folder, MINI, "ru")
    assert library.get("mini", "ru").language == "ru"
    (folder / "mini.en.yaml").unlink()
    assert library.get("mini", "el").language == "ru"
    with pytest.raises(UnknownScript):
        library.get("outbound", "en")


def test_a_broken_edit_leaves_the_last_good_version_in_use(folder: Path) -> None:
    library = Library(folder, FIELDS)
    good = library.get("mini", "en")
    put(folder, BROKEN)
    assert library.get("mini", "en") is good
    (problem,) = library.problems()
    assert (problem.file, problem.line) == ("mini.en.yaml", line_of(BROKEN, "to: nowhere"))
    assert str(problem.message) == "There is no step “nowhere”." and problem.broken
    put(folder, "steps: [")
    assert library.get("mini", "en") is good
    put(folder, titled("Mended"))
    assert library.get("mini", "en").title == "Mended"
    assert library.problems() == []


def test_a_blemish_is_told_but_the_edit_is_used(folder: Path) -> None:
    library = Library(folder, FIELDS)
    put(folder, titled("Long").replace('"Goodbye!"', '"' + "bye " * 40 + '"'))
    assert library.get("mini", "en").title == "Long"
    assert [problem.broken for problem in library.problems()] == [False]


def test_a_translation_left_behind_is_told(folder: Path) -> None:
    library = Library(folder, FIELDS)
    put(folder, MINI, "ru")
    assert library.problems() == []
    put(folder, MINI.replace("to: agree", "to: bye"), "ru")
    assert library.get("mini", "ru").steps["need"].answers[0].to == "bye"
    told = [(one.file, str(one.message), one.broken) for one in library.problems()]
    assert ("mini.ru.yaml", "“steps.need” is built differently in “en”.", False) in told
    put(folder, "steps: [", "ru")
    assert [problem.broken for problem in library.problems()] == [True]


def test_a_file_broken_from_the_first_day_is_not_offered(folder: Path) -> None:
    put(folder, BROKEN)
    with pytest.raises(UnknownScript):
        Library(folder, FIELDS).get("mini", "en")


def test_kept_copies_outlive_a_restart(folder: Path, tmp_path: Path) -> None:
    keep = tmp_path / "kept"
    assert Library(folder, FIELDS, keep=keep).get("mini", "en").title == "Small"
    put(folder, BROKEN)
    again = Library(folder, FIELDS, keep=keep)
    assert again.get("mini", "en").title == "Small"
    assert [problem.broken for problem in again.problems()] == [True]
    assert sorted(path.name for path in keep.iterdir()) == ["mini.en.yaml"]


def test_a_folder_that_cannot_keep_copies_stops_nothing(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file, not a folder", encoding="utf-8")
    library = Library(folder, FIELDS, keep=tmp_path / "kept")
    assert library.get("mini", "en").title == "Small"
    put(folder, BROKEN)
    assert library.get("mini", "en").title == "Small"


def test_something_unreadable_under_a_script_name_is_told(folder: Path) -> None:
    (folder / "strange.en.yaml").mkdir()
    library = Library(folder, FIELDS)
    assert library.get("mini", "en").title == "Small"
    assert [problem.file for problem in library.problems()] == ["strange.en.yaml"]
