"""Sound files to be played to callers: the office's own first, then those that came with the product."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sipbridge.media.g711 import CODECS, BadSound, encode, read_wav
from sipbridge.media.rtp import SAMPLE_RATE

SHIPPED = Path(__file__).with_name("sounds")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Sound:
    path: Path
    version: tuple[int, int]  # mtime in ns, size
    payloads: dict[str, bytes]  # by codec; empty when the file can't be played

    @property
    def seconds(self) -> float:
        return len(self.payloads[CODECS[0]]) / SAMPLE_RATE if self.payloads else 0.0


class Announcements:
    """Finds sounds by their file name in `folders`, in that order, and then among the shipped ones.

    Files are kept in memory and read again when they change. What can't be played is logged once, and the
    next folder's file of that name serves; a call never fails for want of a sound. Any thread may ask.
    """

    def __init__(self, *folders: Path) -> None:
        self._folders: Sequence[Path] = (*folders, SHIPPED)
        self._sounds: dict[Path, _Sound] = {}
        self._missing: set[str] = set()
        self._lock = threading.Lock()

    def payload(self, name: str, codec: str) -> bytes | None:
        """The sound in `codec`, ready for `Stream.play`; None when there is none to play."""
        sound = self._find(name)
        return sound.payloads[codec] if sound else None

    def seconds(self, name: str) -> float:
        """How long the sound is; 0 when there is none to play."""
        sound = self._find(name)
        return sound.seconds if sound else 0.0

    def _find(self, name: str) -> _Sound | None:
        if not name:
            return None
        with self._lock:
            if _is_plain(name):
                for folder in self._folders:
                    sound = self._load(folder / name)
                    if sound is not None and sound.payloads:
                        self._missing.discard(name)
                        return sound
            if name not in self._missing and len(self._missing) < 1000:
                self._missing.add(name)
                log.warning("no sound named %r can be played", name[:100])
            return None

    def _load(self, path: Path) -> _Sound | None:
        try:
            stat = path.stat()
        except OSError:
            self._sounds.pop(path, None)
            return None
        version = (stat.st_mtime_ns, stat.st_size)
        sound = self._sounds.get(path)
        if sound is None or sound.version != version:
            sound = self._sounds[path] = _Sound(path, version, _read(path))
        return sound


def _is_plain(name: str) -> bool:
    return len(name.encode()) < 256 and not name.startswith(".") and not set(name) & set("/\\\0")


def _read(path: Path) -> dict[str, bytes]:
    try:
        pcm = read_wav(path)
    except (BadSound, OSError) as error:
        log.warning("the sound %s can't be played: %s", path, error)
        return {}
    return {codec: encode(pcm, codec) for codec in CODECS}
