"""What is wrong with the scripts: `check_script` for one file, `check` for the folder with its translations.

`broken` problems keep a file out of use; the rest are said to the head and leave the script in use.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import Any

from flask_babel import lazy_gettext as _l

from webapp.scripts.grammar import (
    LETTERS,
    MAX_SENTENCE,
    MIN_QUESTIONS,
    SITUATIONS,
    SPECIAL_ASKS,
    WITHOUT_ENTRY,
    Script,
    parse,
)
from webapp.scripts.phrases import PLACEHOLDERS, slots, spoken_length
from webapp.scripts.reading import MAX_BYTES, Problem, Source, Text
from webapp.scripts.reading import Path as Place

MIN_DEFLECTIONS = 3


def check(folder: Path, fields: Collection[str]) -> list[Problem]:
    """Every problem of every file of the folder, by file and line. `fields`: what `ask` and `fills` may name."""
    problems: list[Problem] = []
    good: list[tuple[Script, Source]] = []
    for path in sorted(folder.iterdir()):
        if path.suffix == ".yml":
            problems.append(Problem(path.name, 1, _l("The name must end in .yaml to be found."), True))
        if path.suffix != ".yaml":
            continue
        try:
            with path.open("rb") as stream:
                raw = stream.read(MAX_BYTES + 1)
        except OSError as error:
            message = _l("The file cannot be read: %(why)s.", why=error.strerror)
            problems.append(Problem(path.name, 1, message, broken=True))
            continue
        script, source, found = parse(raw, path.name)
        if script and source:
            found = check_script(script, source, fields)
            good.append((script, source))
        problems.extend(found)
    problems.extend(translations(good, {path.name for path in folder.iterdir()}))
    return sorted(problems, key=lambda problem: (problem.file, problem.line, str(problem.message)))


def main(folder: Path, fields: Collection[str]) -> int:
    """Print every problem as `file:line: message`. 0 when there is none, 1 when there are some."""
    if not folder.is_dir():
        print(_l("There is no folder %(folder)s.", folder=folder))
        return 1
    problems = check(folder, fields)
    for problem in problems:
        print(f"{folder / problem.file}:{problem.line}: {problem.message}")
    if not problems:
        print(_l("The scripts are in order."))
    return 1 if problems else 0


def check_script(script: Script, source: Source, fields: Collection[str]) -> list[Problem]:
    """The problems of one file that the grammar alone cannot see."""
    one = _Checker(script, source, frozenset(fields))
    for look in (one.name, one.entries, one.targets, one.words, one.fields_named, one.questions):
        look()
    if not any(problem.broken for problem in one.problems):
        for look in (one.reachable, one.finishes, one.price, one.promises):
            look()
    return sorted(one.problems, key=lambda problem: problem.line)


class _Checker:
    def __init__(self, script: Script, source: Source, fields: frozenset[str]) -> None:
        self.script, self.source, self.fields = script, source, fields
        self.problems: list[Problem] = []

    def wrong(self, message: Text, *path: str | int, broken: bool = True) -> None:
        self.problems.append(Problem(self.source.file, self.source.line(*path), message, broken))

    def name(self) -> None:
        expected = f"{self.script.script}.{self.script.language}.yaml"
        if self.source.file != expected:
            self.wrong(_l("A file with this script and language must be called %(name)s.", name=expected), "script")

    def entries(self) -> None:
        for situation in SITUATIONS:
            if situation not in self.script.entries and situation not in WITHOUT_ENTRY:
                self.wrong(_l("The entry “%(name)s” is missing.", name=situation), "entries")
        for key in LETTERS:
            if key not in self.script.branches:
                self.wrong(_l("The branch “%(name)s” is missing.", name=key), "branches")

    def targets(self) -> None:
        for path, target in _targets(self.script):
            if target not in self.script.steps:
                close = get_close_matches(target, self.script.steps, n=1)
                if close:
                    message = _l("There is no step “%(name)s”; perhaps “%(close)s”?", name=target, close=close[0])
                else:
                    message = _l("There is no step “%(name)s”.", name=target)
                self.wrong(message, *path)

    def words(self) -> None:
        """Placeholders are known, have a word to say without a value, and sentences are short (D44)."""
        for name in self.script.if_unknown:
            if name not in PLACEHOLDERS:
                self.wrong(_l("There is no placeholder {%(name)s}.", name=name), "if_unknown", name)
        for path, sentence in _sentences(self.script):
            for name, bare in slots(sentence):
                if name not in PLACEHOLDERS:
                    self.wrong(_l("There is no placeholder {%(name)s}.", name=name), *path)
                elif bare and name not in self.script.if_unknown:
                    message = _l(
                        "{%(name)s} may be unknown: put it in square brackets or give it a word in if_unknown.",
                        name=name,
                    )
                    self.wrong(message, *path)
            length = spoken_length(sentence)
            if length > MAX_SENTENCE:
                message = _l(
                    "The sentence has %(n)d letters; at most %(most)d are read aloud at a glance.",
                    n=length,
                    most=MAX_SENTENCE,
                )
                self.wrong(message, *path, broken=False)

    def fields_named(self) -> None:
        for path, name, special in _fields(self.script):
            if name not in self.fields and not (special and name in SPECIAL_ASKS):
                self.wrong(_l("The card has no field “%(name)s”.", name=name), *path)

    def questions(self) -> None:
        seen: set[str] = set()
        for number, question in enumerate(self.script.questions):
            if question.id in seen:
                self.wrong(_l("The question “%(name)s” stands here twice.", name=question.id), "questions", number)
            seen.add(question.id)
        if len(seen) < MIN_QUESTIONS:
            message = _l("There are %(n)d questions; at least %(least)d are wanted.", n=len(seen), least=MIN_QUESTIONS)
            self.wrong(message, "questions", broken=False)

    def reachable(self) -> None:
        script = self.script
        found = set(script.main_steps).union(*script.branch_steps.values())
        for step_id in script.steps:
            if step_id not in found:
                self.wrong(_l("Nothing leads to the step “%(name)s”.", name=step_id), "steps", step_id, broken=False)

    def finishes(self) -> None:
        """Every step can come to an end or a return, and a return has somewhere to go."""
        script = self.script
        finishing = {
            step_id
            for step_id, step in script.steps.items()
            if step.end or step.returns or any(answer.returns for answer in step.answers)
        }
        for step_id in sorted(finishing & script.main_steps):
            step = script.steps[step_id]
            if step.returns or any(answer.returns for answer in step.answers):
                message = _l("“return” has nowhere to go: this step is reached without a branch key.")
                self.wrong(message, "steps", step_id)
        grown = True
        while grown:
            more = {
                step_id
                for step_id in script.steps.keys() - finishing
                if any(target in finishing for target in script.leads_to(step_id))
            }
            finishing |= more
            grown = bool(more)
        for step_id in script.steps.keys() - finishing:
            onward = set(script.leads_to(step_id))
            if onward and step_id not in script.reach(onward):
                continue  # it only leads into the circle, which is told by itself
            message = _l("From the step “%(name)s” the talk never comes to an end.", name=step_id)
            self.wrong(message, "steps", step_id)

    def promises(self) -> None:
        """Who reads out in how many minutes he rings has promised it: something there starts the clock (D26)."""
        for step_id, step in self.script.steps.items():
            says_it = any(name == "promise_minutes" for name, _ in slots(step.say))
            if says_it and not step.promise and not any(answer.promise for answer in step.answers):
                message = _l("This sentence promises a call: “promise: true” is missing, here or at an answer.")
                self.wrong(message, "steps", step_id, "say", broken=False)

    def price(self) -> None:
        """The range is named only behind three deflections, each ending in an invitation (D53)."""
        script = self.script
        for path, sentence in _sentences(script):
            if any(name == "price_range" for name, _ in slots(sentence)):
                step_id = path[1] if path[0] == "steps" else ""
                if step_id not in script.steps or not script.steps[str(step_id)].last_price:
                    self.wrong(_l("{price_range} may stand only in a step with “last_price: true”."), *path)
        ladder = [one for one in script.branches["price"].steps if script.steps[one].deflection]
        if len(ladder) < MIN_DEFLECTIONS:
            message = _l("The price branch needs at least %(n)d steps with “deflection: true”.", n=MIN_DEFLECTIONS)
            self.wrong(message, "branches", "price")
            return
        sources: dict[str, set[str]] = {}
        for step_id in script.steps:
            for target in script.leads_to(step_id):
                sources.setdefault(target, set()).add(step_id)
        for step_id in ladder:
            if not _ends_in_question(script.steps[step_id].say):
                self.wrong(_l("A deflection ends in an invitation: a question."), "steps", step_id, "say")
        for before, step_id in pairwise(ladder):
            if not sources.get(step_id, set()) <= {before, step_id}:
                message = _l("This deflection may be reached only from “%(name)s”.", name=before)
                self.wrong(message, "steps", step_id)
        in_ladders = {one for branch in script.branches.values() for one in branch.steps}
        for step_id, step in script.steps.items():
            if not step.last_price:
                continue
            direct = step_id in in_ladders or step_id in script.entries.values()
            if direct or not sources.get(step_id, set()) <= {ladder[-1], step_id}:
                message = _l("The last price step may be reached only from “%(name)s”.", name=ladder[-1])
                self.wrong(message, "steps", step_id)


def _ends_in_question(sentence: str) -> bool:
    return sentence.rstrip(']»”" ').endswith(("?", ";"))


def _targets(script: Script) -> Iterator[tuple[Place, str]]:
    for situation, target in script.entries.items():
        yield ("entries", situation), target
    for key, branch in script.branches.items():
        for number, target in enumerate(branch.steps):
            yield ("branches", key, "steps", number), target
    for step_id, step in script.steps.items():
        if step.to:
            yield ("steps", step_id, "to"), step.to
        for number, answer in enumerate(step.answers):
            if answer.to:
                yield ("steps", step_id, "answers", number, "to"), answer.to


def _sentences(script: Script) -> Iterator[tuple[Place, str]]:
    for name in type(script.phrases).model_fields:
        yield ("phrases", name), getattr(script.phrases, name)
    for step_id, step in script.steps.items():
        yield ("steps", step_id, "say"), step.say
    for number, question in enumerate(script.questions):
        yield ("questions", number, "text"), question.text


def _fields(script: Script) -> Iterator[tuple[Place, str, bool]]:
    """Each field named, and whether a special name would do as well."""
    for step_id, step in script.steps.items():
        for number, answer in enumerate(step.answers):
            place: Place = ("steps", step_id, "answers", number)
            for name in answer.fills:
                yield (*place, "fills", name), name, False
            if answer.ask:
                yield (*place, "ask"), answer.ask, True
    for number, question in enumerate(script.questions):
        if question.field:
            yield ("questions", number, "field"), question.field, False


def translations(good: list[tuple[Script, Source]], files: set[str]) -> Iterator[Problem]:
    """Where the languages of one script differ in anything but words, said in the file that differs."""
    by_id: dict[str, list[tuple[Script, Source]]] = {}
    for script, source in good:
        by_id.setdefault(script.script, []).append((script, source))
    languages = sorted({script.language for script, _ in good})
    for name, group in by_id.items():
        for language in languages:
            missing = f"{name}.{language}.yaml"
            if missing not in files:
                message = _l(
                    "There is no translation into “%(language)s”: %(file)s is missing.",
                    language=language,
                    file=missing,
                )
                source = group[0][1]
                yield Problem(source.file, source.line("language"), message)
        for script, source in group:
            for other, _ in group:
                if other is not script:
                    yield from _differences(script, source, other)


def _differences(script: Script, source: Source, other: Script) -> Iterator[Problem]:
    ours, theirs = _skeleton(script), _skeleton(other)
    for place, shape in theirs.items():
        name, language = ".".join(map(str, place)), other.language
        if place not in ours:
            message = _l("“%(name)s” is missing here; it is in “%(language)s”.", name=name, language=language)
        elif ours[place] != shape and script.language > other.language:
            message = _l("“%(name)s” is built differently in “%(language)s”.", name=name, language=language)
        else:
            continue
        yield Problem(source.file, source.line(*place), message)


def _skeleton(script: Script) -> dict[Place, Any]:
    """All of a script that must be the same in every language: ids, targets, fields; not the words."""
    shape: dict[Place, Any] = {("entries", name): step for name, step in script.entries.items()}
    shape |= {("branches", key): branch.steps for key, branch in script.branches.items()}
    words = {"say", "hint", "answers"}
    for step_id, step in script.steps.items():
        answers = [
            answer.model_dump(exclude={"text", "fills"}) | {"fills": sorted(answer.fills)} for answer in step.answers
        ]
        shape["steps", step_id] = (step.model_dump(exclude=words), answers)
    for question in script.questions:
        shape["questions", question.id] = question.field
    return shape
