"""Recordings made small: as long, as loud and as far apart as before; what is no recording is refused."""

from __future__ import annotations

import audioop
import math
from pathlib import Path

import pytest

from tests.webapp.recordings.conftest import RATE, dialogue, heard, speech, write_wav
from webapp.recordings.compress import SLICES, Unreadable, compress


def dbfs(pcm: bytes) -> float:
    return 20 * math.log10(max(1, audioop.rms(pcm, 2)) / 32767)


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, object]:
    folder = tmp_path_factory.mktemp("talk")
    write_wav(folder / "talk.wav", dialogue())
    return folder / "talk.wav", folder / "talk.webm", compress(folder / "talk.wav", folder / "talk.webm")


def test_it_is_small_and_nothing_of_it_is_lost(talk) -> None:  # type: ignore[no-untyped-def]
    source, target, stored = talk
    assert stored.size == target.stat().st_size < source.stat().st_size / 6
    before, after = heard(source), heard(target)
    assert len(before) == len(after) == 2
    for was, is_ in zip(before, after, strict=True):
        assert abs(len(was) - len(is_)) <= 2 * 0.1 * RATE
        assert abs(dbfs(was) - dbfs(is_)) < 1
    assert abs(stored.seconds - len(before[0]) / 2 / RATE) < 0.001


def test_nobody_is_heard_in_the_other_channel(talk) -> None:  # type: ignore[no-untyped-def]
    _source, target, _stored = talk
    caller, manager = heard(target)
    spoken = len(speech("speech.en.wav"))
    assert dbfs(caller[:spoken]) > -26 and dbfs(manager[: spoken - RATE]) < -60
    assert dbfs(manager[spoken + RATE :]) > -26 and dbfs(caller[spoken + 2 * RATE :]) < -60


def test_each_speech_is_where_it_was(talk) -> None:  # type: ignore[no-untyped-def]
    """Quarter seconds are loud and quiet in the same places before and after."""
    source, target, _stored = talk
    step = RATE // 2
    for was, is_ in zip(heard(source), heard(target), strict=True):
        loud = [audioop.rms(was[at : at + step], 2) for at in range(0, len(was) - step, step)]
        loud_after = [audioop.rms(is_[at : at + step], 2) for at in range(0, min(len(was), len(is_)) - step, step)]
        for before, after in zip(loud, loud_after, strict=False):
            assert after < 300 if before < 30 else 0.5 < after / before < 2 or before < 300


def test_the_picture_and_the_levels(talk) -> None:  # type: ignore[no-untyped-def]
    _source, _target, stored = talk
    caller, manager = stored.peaks
    assert len(caller) == len(manager) == SLICES
    assert all(0 <= percent <= 100 for percent in (*caller, *manager))
    border = round(SLICES * len(speech("speech.en.wav")) / len(dialogue()) * 2)
    assert max(caller[:border]) > 50 and max(caller[border + 2 :]) <= 1
    assert max(manager[border:]) > 50 and max(manager[: border - 2]) <= 1
    for level in stored.levels:
        assert level.rms is not None and -26 < level.rms < -12
        assert level.peak is not None and -4 < level.peak <= 0
    assert 0.4 < stored.levels[0].speech < 0.7 and 0.1 < stored.levels[1].speech < 0.4


def test_a_quiet_manager_has_a_low_level(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", dialogue(louder=0.1))
    caller, manager = compress(tmp_path / "a.wav", tmp_path / "a.webm").levels
    assert caller.rms and manager.rms and caller.rms - manager.rms > 12


def test_one_channel_and_a_silent_one(tmp_path: Path) -> None:
    write_wav(tmp_path / "message.wav", speech("speech.ru.wav"), channels=1)
    stored = compress(tmp_path / "message.wav", tmp_path / "message.webm")
    assert len(stored.peaks) == len(stored.levels) == len(heard(tmp_path / "message.webm")) == 1
    write_wav(tmp_path / "silent.wav", bytes(4 * RATE * 3))
    stored = compress(tmp_path / "silent.wav", tmp_path / "silent.webm")
    assert [level.rms for level in stored.levels] == [None, None] and stored.seconds == 3


def test_a_recording_cut_off_by_a_crash_is_stored_as_far_as_it_goes(tmp_path: Path) -> None:
    write_wav(tmp_path / "cut.wav", dialogue())
    whole = (tmp_path / "cut.wav").read_bytes()
    (tmp_path / "cut.wav").write_bytes(whole[: 44 + 4 * RATE * 5])
    assert abs(compress(tmp_path / "cut.wav", tmp_path / "cut.webm").seconds - 5) < 0.01


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"RIFF\0\0\0\0WAVEfmt ", b"no sound at all" * 50, "many", "fast", "none"]
)
def test_what_is_no_recording_is_refused(tmp_path: Path, content: bytes | str) -> None:
    path = tmp_path / "bad.wav"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content == "none":
        write_wav(path, b"")
    else:
        write_wav(path, bytes(600), channels=3 if content == "many" else 2)
        if content == "fast":
            data = bytearray(path.read_bytes())
            data[24:28] = (192_001).to_bytes(4, "little")
            path.write_bytes(data)
    with pytest.raises(Unreadable):
        compress(path, tmp_path / "bad.webm")


def test_a_disk_that_is_full_is_no_verdict_on_the_recording(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("LEFT OUT: no /dev/full here")
    write_wav(tmp_path / "a.wav", dialogue())
    with pytest.raises(OSError):
        compress(tmp_path / "a.wav", full)
