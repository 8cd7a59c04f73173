"""The folder of scripts, kept loaded: an edited file is taken up at once, a broken one is not.

While a file is broken its last good version stays in use and the reason is kept for the head.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from flask_babel import lazy_gettext as _l

from webapp.scripts.check import check_script, translations
from webapp.scripts.grammar import Script, parse
from webapp.scripts.reading import MAX_BYTES, Problem, Source

Stamp = tuple[int, int, int]


class UnknownScript(LookupError):
    """No usable script of this name in any language."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """One file: when it was read, what is in use, and what is wrong with the file as it is now.

    `source` is the text behind `script`; None while the file is broken.
    """

    stamp: Stamp
    script: Script | None
    source: Source | None
    problems: tuple[Problem, ...]


class Library:
    """The scripts of one folder. Safe to share between threads; looks at the files' times on every call.

    `keep`: a folder for copies of the last good versions, so that they outlive a restart as well.
    """

    def __init__(
        self,
        folder: Path,
        fields: Collection[str],
        fallback_language: str = "en",
        keep: Path | None = None,
    ) -> None:
        self._folder = folder
        self._keep = keep
        self._fields = frozenset(fields)
        self._fallback = fallback_language
        self._files: dict[str, Loaded] = {}
        self._lock = Lock()

    def get(self, script_id: str, language: str) -> Script:
        """The script in this language, else in the fallback language, else in any. Raises UnknownScript."""
        found = {one.language: one for one in self.scripts() if one.script == script_id}
        for wanted in (language, self._fallback, *sorted(found)):
            if wanted in found:
                return found[wanted]
        raise UnknownScript(script_id)

    def scripts(self) -> list[Script]:
        """Every script in use, by file name."""
        files = self._refresh()
        return [loaded.script for _, loaded in sorted(files.items()) if loaded.script]

    def problems(self) -> list[Problem]:
        """What is wrong with the files as they are now; `broken` ones are not in use."""
        files = self._refresh()
        problems = [problem for loaded in files.values() for problem in loaded.problems]
        good = [(loaded.script, loaded.source) for loaded in files.values() if loaded.script and loaded.source]
        problems.extend(translations(good, set(files)))
        return sorted(problems, key=lambda problem: (problem.file, problem.line))

    def _refresh(self) -> dict[str, Loaded]:
        with self._lock:
            paths = {path.name: path for path in self._folder.glob("*.yaml")}
            fresh = {name: self._look(path, self._files.get(name)) for name, path in paths.items()}
            self._files = fresh
            return fresh

    def _look(self, path: Path, before: Loaded | None) -> Loaded:
        in_use = before.script if before else None
        try:
            stat = path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if before and before.stamp == stamp:
                return before
            with path.open("rb") as stream:
                raw = stream.read(MAX_BYTES + 1)
        except OSError as error:
            problem = Problem(path.name, 1, _l("The file cannot be read: %(why)s.", why=error.strerror), True)
            return Loaded((0, 0, 0), in_use or self._remembered(path.name), None, (problem,))
        script, source, problems = self._use(raw, path.name)
        if script:
            self._remember(path.name, raw)
        return Loaded(stamp, script or in_use or self._remembered(path.name), source, tuple(problems))

    def _use(self, raw: bytes, file: str) -> tuple[Script | None, Source | None, list[Problem]]:
        script, source, problems = parse(raw, file)
        if script and source:
            problems = check_script(script, source, self._fields)
        if any(problem.broken for problem in problems):
            return None, None, problems
        return script, source, problems

    def _remember(self, name: str, raw: bytes) -> None:
        if self._keep is None:
            return
        copy = self._keep / name
        # A copy that cannot be kept must not stop a good script.
        with suppress(OSError):
            self._keep.mkdir(parents=True, exist_ok=True)
            if not copy.exists() or copy.read_bytes() != raw:
                half = copy.with_suffix(f".{os.getpid()}")
                half.write_bytes(raw)
                half.replace(copy)

    def _remembered(self, name: str) -> Script | None:
        if self._keep is None:
            return None
        try:
            raw = (self._keep / name).read_bytes()
        except OSError:
            return None
        return self._use(raw, name)[0]
