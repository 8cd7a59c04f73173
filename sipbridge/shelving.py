"""Closes recordings and voice messages on a thread of its own, since that waits for the disk."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import structlog

from sipbridge.events import Event, RecordingReady
from sipbridge.farewell import SHORTEST_MESSAGE
from sipbridge.media.recorder import Recorder

log = structlog.get_logger(__name__)


class Shelving:
    """`folder` is the recordings'; `save` takes events. Methods return at once."""

    def __init__(self, folder: Path, save: Callable[[Event], None], now: Callable[[], datetime]) -> None:
        self._folder, self._save, self._now = folder, save, now
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="recordings-close")

    def recording(self, call_id: str, path: str, recorder: Recorder, keep: bool) -> None:
        """Close a talk's recording; without `keep` nothing stays of it."""
        self._pool.submit(self._close_recording, call_id, path, recorder, keep)

    def _close_recording(self, call_id: str, path: str, recorder: Recorder, keep: bool) -> None:
        seconds = recorder.close()
        if not keep:
            if not self._is_gone(path, recorder):  # what the desk hears of it deletes, and plays to nobody
                self._save(RecordingReady(call_id, path, round(seconds, 3), self._now()))
        elif seconds:
            self._save(RecordingReady(call_id, path, round(seconds, 3), self._now()))
        else:
            log.error("nothing could be recorded", call_id=call_id, why=recorder.failure)

    def _is_gone(self, path: str, recorder: Recorder) -> bool:
        """Delete what must not be kept; False when the disk refuses, or hangs and may yet make the file."""
        try:
            (self._folder / path).unlink(missing_ok=True)
        except OSError as error:
            log.error("a recording that must not be kept can't be deleted here", why=str(error))
            return False
        return recorder.finished

    def message(self, path: str, recorder: Recorder, keep: bool, saved: Callable[[float], None]) -> None:
        """Close a voice message; `saved` hears its seconds, 0 when nothing is kept."""
        self._pool.submit(self._close_message, path, recorder, keep, saved)

    def _close_message(self, path: str, recorder: Recorder, keep: bool, saved: Callable[[float], None]) -> None:
        seconds = recorder.close()
        if not keep or seconds < SHORTEST_MESSAGE:
            seconds = 0.0
            (self._folder / path).unlink(missing_ok=True)
        saved(seconds)

    def stop(self, seconds: float) -> None:
        """Wait for what is being closed, for so long at most; a recorder itself waits two seconds for its disk."""
        waiting = threading.Thread(target=self._pool.shutdown, daemon=True)
        waiting.start()
        waiting.join(seconds)
