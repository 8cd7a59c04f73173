"""What the checker finds in a script that reads well but is wired wrongly."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.webapp.scripts.mini import FIELDS, MINI, line_of
from webapp.scripts.check import check, main
from webapp.scripts.reading import Problem


def found(tmp_path: Path, text: str, name: str = "mini.en.yaml") -> list[Problem]:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return check(tmp_path, FIELDS)


def test_the_small_script_is_in_order(tmp_path: Path) -> None:
    assert found(tmp_path, MINI) == []


@pytest.mark.parametrize(
    ("old", "new", "at", "said", "broken"),
    [
        ("script: mini", "script: other", "script: other", "must be called other.en.yaml", True),
        ("  was_missed: greet\n", "", "entries:", "entry “was_missed” is missing", True),
        ("  angry:\n    steps: [aside]\n", "", "branches:", "branch “angry” is missing", True),
        ("        to: agree", "        to: agre", "to: agre\n", "no step “agre”; perhaps “agree”", True),
        ("  open_matter: matter", "  open_matter: xyzzy", "open_matter: xyzzy", "no step “xyzzy”", True),
        ("steps: [listen]", "steps: [listn]", "steps: [listn]", "no step “listn”", True),
        ("  matter:", "  lost:\n    say: A\n    end: true\n  matter:", "  lost:", "Nothing leads to", False),
        ('say: "Goodbye!"', 'say: "Goodbye {who}!"', "{who}", "no placeholder {who}", True),
        ('say: "Goodbye!"', 'say: "Goodbye {caller}!"', "Goodbye {caller}", "may be unknown", True),
        ('  office: "Sales"', '  office: "Sales"\n  ofice: "x"', "  ofice", "no placeholder {ofice}", True),
        ('say: "Goodbye!"', f'say: "{"bye " * 36}"', "bye bye", "has 143 letters", False),
        ("ask: product", "ask: prodct", "ask: prodct", "no field “prodct”", True),
        ('note: "asked"', 'notes: "asked"', 'notes: "asked"', "no field “notes”", True),
        ("    field: product", "    field: said", "field: said", "no field “said”", True),
        ("  - id: q1\n", "  - id: q0\n", 'id: q0\n    text: "Question 1', "stands here twice", True),
        ('  - id: q3\n    text: "Question 3?"\n', "", "questions:", "24 questions; at least 25", False),
        ("        to: agree", "        to: need", "  need:", "", False),
        ('    say: "Goodbye!"\n    end: true', '    say: "Goodbye!"\n    to: need', "  need:", "never comes", True),
        ("        branch: price\n        to: need", "        to: price_1", "  price_1:", "nowhere to go", True),
        ('say: "Goodbye!"', 'say: "Bye[ {price_range}]!"', "Bye[", "only in a step with", True),
        ('say: "Goodbye!"', 'say: "Bye[ in {promise_minutes}]!"', "Bye[", "This sentence promises a call", False),
        ('second_line: "May', 'second_line: "[{price_range}]May', "[{price_range}]May", "only in a step with", True),
        ("    last_price: true\n", "", "[It is", "only in a step with", True),
        ("steps: [price_1, price_2, price_3]", "steps: [price_1, price_2]", "  price:", "at least 3", True),
        ('say: "Shall we meet?"', 'say: "We meet."', 'say: "We meet', "ends in an invitation", True),
        ("        to: price_2", "        to: price_3", "  price_3:", "only from “price_2”", True),
        ("        to: price_2", "        to: price_last", "  price_last:", "only from “price_3”", True),
        ("[price_1, price_2, price_3]", "[price_1, price_2, price_3, price_last]", "  price_last:", "only from", True),
        ("  open_matter: matter", "  open_matter: price_last", "  price_last:", "only from", True),
    ],
)
def test_faults(tmp_path: Path, old: str, new: str, at: str, said: str, broken: bool) -> None:
    assert old in MINI
    text = MINI.replace(old, new, 1)
    problems = found(tmp_path, text)
    if not said:  # a step that leads to itself is no dead end while another answer leads on
        assert [str(problem.message) for problem in problems] == ["Nothing leads to the step “agree”."]
        return
    hits = [problem for problem in problems if said in str(problem.message)]
    assert hits, list(map(str, problems))
    assert (hits[0].line, hits[0].broken) == (line_of(text, at), broken), str(hits[0])


def test_languages_must_have_the_same_shape(tmp_path: Path) -> None:
    russian = (
        MINI.replace("language: en", "language: ru")
        .replace("  matter:", "  extra:\n    say: A\n    end: true\n  matter:")
        .replace("        to: agree", "        to: extra")
        .replace("  - id: q7\n", "  - id: q70\n")
    )
    (tmp_path / "mini.en.yaml").write_text(MINI, encoding="utf-8")
    problems = found(tmp_path, russian, "mini.ru.yaml")
    assert [(one.file, one.line, str(one.message)) for one in problems] == [
        ("mini.en.yaml", line_of(MINI, "steps:\n  greet"), "“steps.extra” is missing here; it is in “ru”."),
        ("mini.en.yaml", line_of(MINI, "questions:"), "“questions.q70” is missing here; it is in “ru”."),
        ("mini.ru.yaml", line_of(russian, "  need:"), "“steps.need” is built differently in “en”."),
        ("mini.ru.yaml", line_of(russian, "  agree:"), "Nothing leads to the step “agree”."),
        ("mini.ru.yaml", line_of(russian, "questions:"), "“questions.q7” is missing here; it is in “en”."),
    ]


def test_a_script_without_its_translation_is_told(tmp_path: Path) -> None:
    for name, language in (("mini", "en"), ("mini", "ru"), ("other", "en")):
        text = MINI.replace("script: mini", f"script: {name}").replace("language: en", f"language: {language}")
        (tmp_path / f"{name}.{language}.yaml").write_text(text, encoding="utf-8")
    assert [(one.file, one.line, str(one.message)) for one in check(tmp_path, FIELDS)] == [
        ("other.en.yaml", 2, "There is no translation into “ru”: other.ru.yaml is missing.")
    ]


def test_the_command_prints_file_line_and_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mini.en.yaml"
    path.write_text(MINI, encoding="utf-8")
    (tmp_path / "README.md").write_text("not a script", encoding="utf-8")
    assert main(tmp_path, FIELDS) == 0
    assert "in order" in capsys.readouterr().out
    text = MINI.replace("        to: agree", "        to: agre")
    path.write_text(text, encoding="utf-8")
    (tmp_path / "mini.ru.yml").write_text(MINI, encoding="utf-8")
    assert main(tmp_path, FIELDS) == 1
    first, second = capsys.readouterr().out.splitlines()
    line = line_of(text, "to: agre\n")
    assert first == f"{path}:{line}: There is no step “agre”; perhaps “agree”?"
    assert second == f"{tmp_path / 'mini.ru.yml'}:1: The name must end in .yaml to be found."
    assert main(tmp_path / "nowhere", FIELDS) == 1
