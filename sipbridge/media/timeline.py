"""Where each frame of a call belongs in its recording. No files, no clock: time comes in with the frames.

A frame is placed by its RTP timestamp, counted from an anchor: the arrival of the first frame of its source.
So losses and pauses stay gaps and reordered frames find their place. A source that changes (SSRC), or whose
clock is no longer near the time of arrival, is anchored anew.
"""

from __future__ import annotations

import audioop

from sipbridge.media.g711 import decode
from sipbridge.media.stream import Frame

# Frames may come late (a network that held its breath), hardly ever early: early means that the anchor was late.
_LATE_SECONDS = 0.9
_EARLY_SECONDS = 0.2
# What stays in memory, to be written again should a late frame arrive.
KEPT_SECONDS = 1.0


class Timeline:
    """The last second or so of two channels of 16-bit samples; `started` and the frames' times are monotonic."""

    def __init__(self, started: float, rate: int) -> None:
        self._started = started
        self._rate = rate
        self._base = 0  # the call's sample at which the window begins
        self._channels = (bytearray(), bytearray())
        self._unwritten = 0  # the call's sample from which on there may be something new
        self._anchors: list[tuple[int, int, int] | None] = [None, None]  # SSRC, timestamp, sample
        self.late = 0

    def samples_at(self, now: float) -> int:
        """How many samples the call has had until `now`."""
        return max(0, round((now - self._started) * self._rate))

    def place(self, channel: int, frame: Frame) -> None:
        """Decode the frame into channel 0 or 1. What is too late for the window is dropped and counted."""
        begin = self._position(channel, frame) - self._base
        pcm = decode(frame.payload, frame.payload_type)
        if begin < 0:
            pcm, begin = pcm[-2 * begin :], 0
        if not pcm:
            self.late += 1
            return
        window, end = self._channels[channel], 2 * begin + len(pcm)
        if end > len(window):
            window.extend(bytes(end - len(window)))
        window[2 * begin : end] = pcm
        self._unwritten = min(self._unwritten, self._base + begin)

    def _position(self, channel: int, frame: Frame) -> int:
        arrived = self.samples_at(frame.arrived)
        anchor = self._anchors[channel]
        if anchor is not None and anchor[0] == frame.ssrc:
            elapsed = (frame.timestamp - anchor[1]) & 0xFFFFFFFF
            position = anchor[2] + (elapsed if elapsed < 1 << 31 else elapsed - (1 << 32))
            if -_LATE_SECONDS * self._rate <= position - arrived <= _EARLY_SECONDS * self._rate:
                # Moving the anchor along keeps a long call within the 32 bits of a timestamp.
                self._anchors[channel] = (frame.ssrc, frame.timestamp, position)
                return position
        self._anchors[channel] = (frame.ssrc, frame.timestamp, arrived)
        return arrived

    def new(self, now: float) -> tuple[int, bytes]:
        """What was placed since the last time, up to `now`: where it begins, both channels interleaved.

        Frames that are ahead of the clock are kept for the next time.
        """
        first = max(self._unwritten, self._base)
        self._unwritten = max(first, self.samples_at(now))
        begin, end = 2 * (first - self._base), 2 * (self._unwritten - self._base)
        left, right = (channel[begin:end] for channel in self._channels)
        size = max(len(left), len(right))
        stereo_left = audioop.tostereo(left.ljust(size, b"\0"), 2, 1, 0)
        stereo_right = audioop.tostereo(right.ljust(size, b"\0"), 2, 0, 1)
        return first, audioop.add(stereo_left, stereo_right, 2)

    def forget(self, now: float) -> None:
        """Drop what is older than `KEPT_SECONDS`."""
        drop = self.samples_at(now - KEPT_SECONDS) - self._base
        if drop > 0:
            self._base += drop
            for channel in self._channels:
                del channel[: 2 * drop]
