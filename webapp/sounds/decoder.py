"""Decodes one uploaded file in a process of its own: python decoder.py SOURCE TARGET LONGEST_SECONDS

Imports nothing of the product, so that `convert` can start it bare, give it few resources and kill it.
Prints one line: `converted SECONDS`, `too_long` or `not_audio REASON`.
"""

from __future__ import annotations

import audioop
import resource
import sys
import wave

import av

RATE = 8000
MEGABYTE = 1 << 20

# A person speaking into a handset: about -20 dBFS; loud syllables stay below -2 dBFS. A whisper is lifted ten
# times at most, or a silent file would become its own noise.
RMS_TARGET = 3300
PEAK_LIMIT = 26000
MOST_GAIN = 10.0


def main(source: str, target: str, longest: float) -> str:
    limit(resource.RLIMIT_AS, 1024 * MEGABYTE)
    limit(resource.RLIMIT_FSIZE, 8 * MEGABYTE)
    limit(resource.RLIMIT_CPU, 30)
    limit(resource.RLIMIT_CORE, 0)
    try:
        pcm = decode(source, int(longest * RATE))
    except (av.FFmpegError, ValueError, EOFError, MemoryError) as error:
        return f"not_audio {type(error).__name__}: {error}"
    if len(pcm) > 2 * longest * RATE:
        return "too_long"
    if not pcm:
        return "not_audio it holds no sound"
    with wave.open(target, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes(levelled(pcm))
    return f"converted {len(pcm) / 2 / RATE}"


def limit(kind: int, amount: int) -> None:
    resource.setrlimit(kind, (amount, amount))


def decode(source: str, longest: int) -> bytes:
    """The first audio stream as 16-bit mono at 8000 Hz; stops soon after `longest` samples."""
    with open(source, "rb") as file:
        container_format = sniff(file.read(64))
        if container_format is None:
            raise ValueError("no known audio container")
        file.seek(0)
        pcm = bytearray()
        # The file object and the named format keep FFmpeg from guessing at playlists that name other files.
        with av.open(file, mode="r", format=container_format) as container:
            if not container.streams.audio:
                raise ValueError("no audio stream")
            resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
            for frame in container.decode(container.streams.audio[0]):
                frame.pts = None
                for piece in resampler.resample(frame):
                    pcm += bytes(piece.planes[0])[: 2 * piece.samples]
                if len(pcm) > 2 * longest:
                    return bytes(pcm)
            for piece in resampler.resample(None):
                pcm += bytes(piece.planes[0])[: 2 * piece.samples]
    return bytes(pcm)


def sniff(head: bytes) -> str | None:
    """The FFmpeg name of the container that begins like this."""
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return "wav"
    if head[4:8] == b"ftyp":
        return "mp4"
    for magic, name in ((b"OggS", "ogg"), (b"fLaC", "flac"), (b"\x1aE\xdf\xa3", "matroska"), (b"ID3", "mp3")):
        if head.startswith(magic):
            return name
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return "aac"
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return "mp3"
    return None


def levelled(pcm: bytes) -> bytes:
    loudness, peak = audioop.rms(pcm, 2), audioop.max(pcm, 2)
    if not peak or not loudness:
        return pcm
    return audioop.mul(pcm, 2, min(RMS_TARGET / loudness, PEAK_LIMIT / peak, MOST_GAIN))


if __name__ == "__main__":
    print(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
