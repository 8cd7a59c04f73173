"""Makes the shipped sounds: python -m sipbridge.media.make_sounds [folder]

The words are spoken by espeak-ng and brought to telephone shape by sox (both from the distribution); the
hold music is computed here. The results are committed, so nobody needs to run this but who changes them.
"""

from __future__ import annotations

import array
import audioop
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


class Speech(NamedTuple):
    voice: str
    words_per_minute: int
    text: str


SPEECHES = {
    "greeting.en": Speech(
        "en-gb+f3",
        155,
        "Hello, and thank you for calling! One moment please, a manager will be right with you.",
    ),
    "greeting.ru": Speech("ru+f3", 155, "Здравствуйте, спасибо за звонок! Одну минуту, сейчас вам ответит менеджер."),
    "apology.en": Speech(
        "en-gb+f3",
        155,
        "We are very sorry, all our managers are on the phone at the moment. We have your number, "
        "and we will ring you back very soon. Thank you for calling, goodbye.",
    ),
    "apology.ru": Speech(
        "ru+f3",
        150,
        "Извините, пожалуйста, сейчас все наши менеджеры разговаривают с клиентами. Ваш номер у нас есть, "
        "и мы совсем скоро вам перезвоним. Спасибо за звонок, до свидания!",
    ),
    "speech.en": Speech(
        "en-us+m3",
        165,
        "Good afternoon. My name is Andrew Miller. We are opening a new warehouse, and we need about forty "
        "racks by the end of next month. Could you tell me what they cost, and how soon you can deliver?",
    ),
    "speech.ru": Speech(
        "ru+m3",
        160,
        "Добрый день! Меня зовут Андрей Лебедев. Мы открываем новый склад, и к концу следующего месяца "
        "нам нужно около сорока стеллажей. Подскажите, сколько это будет стоить и когда их привезут?",
    ),
}

BEAT_SECONDS = 0.75
# Four bars of four beats: C major 7, A minor 7, F major 7, G 6, as half-tones above middle C. The telephone
# carries 300 to 3400 Hz, so nothing lies much below middle C.
BARS = ((0, 4, 7, 11), (-3, 4, 7, 12), (-3, 0, 5, 9), (-1, 2, 7, 9))
MELODY = (16, 14, 12, 11, 12, 16, 19, 16, 17, 16, 12, 9, 11, 14, 16, 14)
HARMONICS = ((1, 1.0), (2, 0.35), (3, 0.12), (4, 0.05))


def main(arguments: list[str]) -> None:
    folder = Path(arguments[0]) if arguments else SHIPPED
    folder.mkdir(parents=True, exist_ok=True)
    for name, speech in SPEECHES.items():
        _write(folder / f"{name}.wav", _spoken(speech))
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
    """A calm loop of twelve seconds without a seam: notes that ring past its end go on at its beginning."""
    beats = 4 * len(BARS)
    mix = [0.0] * round(beats * BEAT_SECONDS * SAMPLE_RATE)
    for beat in range(beats):
        chord = BARS[beat // 4]
        if beat % 4 == 0:
            for half_tone in chord:
                _pluck(mix, beat, half_tone, volume=0.30, decay=0.9)
        _pluck(mix, beat + 0.5, chord[beat % 4] + 12, volume=0.25, decay=2.2)
        if beat % 2 == 0:
            _pluck(mix, beat, MELODY[beat], volume=0.5, decay=1.4)
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
