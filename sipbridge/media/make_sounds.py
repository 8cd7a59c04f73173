"""Makes the shipped sounds: python -m sipbridge.media.make_sounds [folder]

The words are spoken by espeak-ng and brought to telephone shape by sox (both from the distribution); the
hold music is computed here. The results are committed, so nobody needs to run this but who changes them.
"""

from __future__ import annotations

import array
import audioop
import json
import math
import subprocess
import sys
import tempfile
import wave
from pathlib import Path
from typing import NamedTuple

from sipbridge.media.announcements import SHIPPED
from sipbridge.media.rtp import SAMPLE_RATE

RMS_TARGET = 3300  # about -20 dBFS, the level of a person speaking into a handset
PEAK_LIMIT = 26000  # -2 dBFS

WORDS = SHIPPED / "words.json"
"""What the shipped sounds say, by name; the desk shows it beside them."""


class Speech(NamedTuple):
    voice: str
    words_per_minute: int
    text: str


BEAT_SECONDS = 0.75
# Sixteen bars of four beats in C major, as half-tones above middle C. The telephone carries 300 to 3400 Hz, so
# nothing lies much below middle C.
C, AM, F, G, EM, DM = (0, 4, 7, 11), (-3, 4, 7, 12), (-3, 0, 5, 9), (-1, 2, 7, 9), (-1, 4, 7, 11), (-3, 2, 5, 12)
BARS = (C, AM, F, G, C, EM, F, G, AM, EM, F, C, DM, AM, F, G)
# Two notes a bar, on its first and third beat; a phrase of four bars rises, falls, wanders off and comes home.
MELODY = (
    *(16, 12, 12, 16, 17, 12, 14, 11),
    *(16, 19, 16, 14, 12, 17, 14, 11),
    *(12, 16, 19, 16, 17, 21, 19, 16),
    *(14, 17, 16, 12, 12, 9, 11, 14),
)
HARMONICS = ((1, 1.0), (2, 0.35), (3, 0.12), (4, 0.05))


def main(arguments: list[str]) -> None:
    folder = Path(arguments[0]) if arguments else SHIPPED
    folder.mkdir(parents=True, exist_ok=True)
    for name, speech in json.loads(WORDS.read_text(encoding="utf-8")).items():
        _write(folder / f"{name}.wav", _spoken(Speech(**speech)))
    _write(folder / "hold.wav", hold_music())


def _spoken(speech: Speech) -> bytes:
    with tempfile.TemporaryDirectory() as scratch:
        raw, shaped = Path(scratch, "raw.wav"), Path(scratch, "shaped.wav")
        pace = str(speech.words_per_minute)
        espeak = ["espeak-ng", "-v", speech.voice, "-s", pace, "-p", "45", "-w", str(raw), speech.text]
        subprocess.run(espeak, check=True)
        # Cut the silence at both ends, keep what a telephone carries, lift the quiet syllables, and leave a
        # breath before and after.
        trim = ["silence", "1", "0.01", "0.5%", "reverse"] * 2
        lift = ["compand", "0.005,0.15", "6:-60,-45,-30,-16,-12,-9,0,-6", "-6"]
        sox = ["sox", "-G", str(raw), "-b", "16", "-D", str(shaped)]
        subprocess.run(
            [*sox, *trim, "highpass", "200", "rate", "-v", str(SAMPLE_RATE), *lift, "pad", "0.1", "0.15"],
            check=True,
        )
        with wave.open(str(shaped), "rb") as sound:
            return sound.readframes(sound.getnframes())


def hold_music() -> bytes:
    """A calm loop of 48 seconds without a seam: notes that ring past its end go on at its beginning."""
    beats = 4 * len(BARS)
    mix = [0.0] * round(beats * BEAT_SECONDS * SAMPLE_RATE)
    for beat in range(beats):
        chord = BARS[beat // 4]
        if beat % 4 == 0:
            for half_tone in chord:
                _pluck(mix, beat, half_tone, volume=0.30, decay=0.9)
        _pluck(mix, beat + 0.5, chord[beat % 4] + 12, volume=0.25, decay=2.2)
        if beat % 2 == 0:
            _pluck(mix, beat, MELODY[beat // 2], volume=0.5, decay=1.4)
    loudest = max(map(abs, mix))
    return array.array("h", (round(20000 * value / loudest) for value in mix)).tobytes()


def _pluck(mix: list[float], beat: float, half_tone: int, volume: float, decay: float) -> None:
    """Add a note that rises within 30 ms and fades by `decay` a second, around the loop's end if need be."""
    begin = round(beat * BEAT_SECONDS * SAMPLE_RATE)
    hz = 261.63 * 2 ** (half_tone / 12)
    for i in range(round(4.0 / decay * SAMPLE_RATE)):
        t = i / SAMPLE_RATE
        level = volume * min(1.0, t / 0.03) * math.exp(-decay * t)
        wave_form = sum(share * math.sin(2 * math.pi * hz * n * t) for n, share in HARMONICS if hz * n < 3400)
        mix[(begin + i) % len(mix)] += level * wave_form


def _write(path: Path, pcm: bytes) -> None:
    gain = min(RMS_TARGET / audioop.rms(pcm, 2), PEAK_LIMIT / audioop.max(pcm, 2))
    pcm = audioop.mul(pcm, 2, gain)
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(SAMPLE_RATE)
        sound.writeframes(pcm)
    seconds, peak, rms = len(pcm) / 2 / SAMPLE_RATE, audioop.max(pcm, 2), audioop.rms(pcm, 2)
    print(f"{path.name:18} {seconds:5.2f} s  peak {peak:5}  rms {rms:4}")


if __name__ == "__main__":
    main(sys.argv[1:])
