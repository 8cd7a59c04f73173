"""Files as people break them: every reason names its line."""

from __future__ import annotations

import pytest

from tests.webapp.scripts.mini import MINI, line_of
from webapp.scripts.grammar import parse
from webapp.scripts.reading import MAX_BYTES, Problem


def problems_of(text: str | bytes) -> list[Problem]:
    raw = text if isinstance(text, bytes) else text.encode()
    script, _, problems = parse(raw, "mini.en.yaml")
    assert script is None
    assert problems and all(problem.broken for problem in problems)
    assert str(problems[0]).startswith("mini.en.yaml:")
    return problems


def test_the_small_script_is_read() -> None:
    script, source, problems = parse(MINI.encode(), "mini.en.yaml")
    assert script and source and not problems
    assert source.line("steps", "need", "answers", 1, "to") == line_of(MINI, "to: bye\n  agree")
    assert (
        source.line("steps", "need", "nothing of the kind") == line_of(MINI, "  need:") == source.line("steps", "need")
    )


@pytest.mark.parametrize(
    ("old", "new", "at", "said"),
    [
        ("version: 1", "version: [1", "version: [1", "bracket is opened"),
        ("version: 1", "version 1", "version 1", "colon is missing"),
        ('title: "Small"', 'title: "Small', 'title: "Small', "quote is opened"),
        ('text: "Nothing"', "text: Says: nothing", "text: Says", "second colon"),
        ('text: "Nothing"', 'text: "Says "no" again"', 'text: "Says', "quote inside a quote"),
        ('    say: "Goodbye!"', '   say: "Goodbye!"', "    end: true", "set in otherwise"),
        ("version: 1", "\tversion: 1", "\tversion", "A tab"),
        ("version: 1", "version: one", "version: one", "whole number"),
        ("version: 1", "version: 0", "version: 0", "too small"),
        ("version: 1", "version: 1\nversion: 2", "version: 2", "twice; the first is on line 4"),
        ("version: 1", "verison: 1", "verison", "perhaps “version”"),
        ('title: "Small"', "title: 5", "title: 5", "must be text; put it in quotes"),
        ('title: "Small"', "title: 1.5", "title: 1.5", "Put “1.5” in quotes"),
        ('title: "Small"', "title: 2020-01-01", "title: 2020", "Put “2020-01-01” in quotes"),
        ('title: "Small"', "title: true", "title: true", "must be text; put it in quotes"),
        ('title: "Small"', "title:", "title:", "must be text; put it in quotes"),
        ('title: "Small"', 'title: ""', 'title: ""', "is empty"),
        ('title: "Small"', "title: &x Small", "title: &x", "Marks with & and *"),
        ('title: "Small"', "title: !!python/name:os.system x", "title: !!", "Marks with !"),
        ("language: en", "language: English", "language: E", "not a proper name"),
        ("skip_known: true", "skip_known: yes", "skip_known: yes", "true or false"),
        ("    end: true", "    end: false", "  bye:", "dead end"),
        ("    end: true", "    end: true\n    to: greet", "  bye:", "one way on"),
        ("        to: agree\n", "", '      - text: "Names it"', "leads nowhere"),
        ("        ask: said\n", "        ask: said\n        to: bye\n", '      - text: "Their', "nowhere else"),
        ("light: next_step", "light: third", "light: third", "must be one of"),
        ("next: call_back", "next: dance", "next: dance", "must be one of"),
        ("    hint:", "    hints:", "    hints:", "perhaps “hint”"),
        ('say: "Goodbye!"', 'say: "Good{bye!"', 'say: "Good{', "no pair"),
        ('say: "Goodbye!"', 'say: "Good[bye!"', 'say: "Good[', "not closed"),
        ('  - "Smile"', "  smile", "attitude:", "list"),
        ('from: "12-20"', 'from: "12-40"', 'from: "12-40"', "not a proper name"),
        ("  wont_name:", "  wontname:", "  wontname:", "must be one of"),
        ("  known_client: greet", "  knownclient: greet", "  knownclient", "must be one of"),
    ],
)
def test_a_spoilt_line_is_named(old: str, new: str, at: str, said: str) -> None:
    assert old in MINI
    text = MINI.replace(old, new, 1)
    found = [problem for problem in problems_of(text) if said in str(problem.message)]
    assert found, [str(problem) for problem in problems_of(text)]
    assert found[0].line == line_of(text, at)


def test_words_that_elsewhere_are_values_stay_words() -> None:
    script, _, problems = parse(MINI.replace('"Small"', "no").encode(), "mini.en.yaml")
    assert script and not problems and script.title == "no"


def test_a_missing_name_is_told_at_the_thing_it_is_missing_from() -> None:
    problems = problems_of(MINI.replace('    say: "Goodbye!"\n', ""))
    assert [(problem.line, str(problem.message)) for problem in problems] == [
        (line_of(MINI, "  bye:"), "“say” is missing here.")
    ]


def test_seven_answers_are_too_many() -> None:
    more = '      - text: "Once more"\n        to: bye\n' * 6
    text = MINI.replace('      - text: "Names it"', more + '      - text: "Names it"')
    (problem,) = problems_of(text)
    assert problem.line == line_of(text, '    answers:\n      - text: "Once more"')
    assert "at most 6" in str(problem.message)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "must start with"),
        (b"- a\n- b", "must start with"),
        (b"just words", "must start with"),
        (b"a: " + b"[" * 5000, "nested too deeply"),
        (b"a: " + b"[" * 30 + b"]" * 30, "nested too deeply"),
        (b"a: 1\nb: \xff\xfe", "not in UTF-8"),
        (b"a: 1\nb: \x00", "cannot be read"),
        (b"a: 1\n---\nb: 2", "another document"),
        (b"? [a, b]\n: c", "plain word"),
        (b"a" * (MAX_BYTES + 1), "larger than"),
        (b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]", "Marks with &"),
        (b"%YAML 1.1\n---\nlanguage: no", ""),
    ],
)
def test_strange_bytes_are_refused_in_words(raw: bytes, said: str) -> None:
    assert any(said in str(problem.message) for problem in problems_of(raw))


def test_bad_bytes_name_their_line() -> None:
    assert problems_of(b"a: 1\nb: 2\nc: \xff")[0].line == 3
    assert problems_of(b"a: 1\nb: 2\nc: \x01")[0].line == 3


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm() -> None:
    script, _, problems = parse(b"\xef\xbb\xbf" + MINI.replace("\n", "\r\n").encode(), "mini.en.yaml")
    assert script and not problems
