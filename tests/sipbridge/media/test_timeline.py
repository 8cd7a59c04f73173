from __future__ import annotations

import array

from hypothesis import given
from hypothesis import strategies as st

from sipbridge.media.g711 import encode
from sipbridge.media.stream import Frame
from sipbridge.media.timeline import Timeline

LATER = 1e6


def frame(number: int, arrived: float, timestamp: int, ssrc: int = 1, size: int = 160) -> Frame:
    """A packet whose every sample is about 100 times `number`."""
    pcm = array.array("h", [100 * number] * size).tobytes()
    return Frame(0, timestamp & 0xFFFFFFFF, arrived, encode(pcm, "PCMU"), ssrc)


def heard(timeline: Timeline) -> tuple[dict[int, int], dict[int, int]]:
    """For both channels, the packets' numbers by the sample at which each begins."""
    first, data = timeline.new(LATER)
    samples = array.array("h", data)
    found: tuple[dict[int, int], dict[int, int]] = ({}, {})
    for channel in (0, 1):
        last = 0
        for position, value in enumerate(samples[channel::2]):
            number = round(value / 100)
            if number != last and number:
                found[channel][first + position] = number
            last = number
    return found


def test_frames_stand_where_their_clock_says_not_where_they_arrived() -> None:
    timeline = Timeline(10.0, 8000)
    for number, late in ((1, 0.0), (2, 0.06), (3, 0.005), (4, 0.3)):
        timeline.place(0, frame(number, 10.5 + 0.02 * (number - 1) + late, 777 + 160 * number))
    assert heard(timeline) == ({4000: 1, 4160: 2, 4320: 3, 4480: 4}, {})


def test_losses_are_gaps_and_reordered_frames_find_their_place() -> None:
    timeline = Timeline(0.0, 8000)
    for number in (1, 4, 3, 7):
        timeline.place(1, frame(number, 1.0 + 0.02 * (number - 1), 160 * number))
    assert heard(timeline) == ({}, {8000: 1, 8320: 3, 8480: 4, 8960: 7})


def test_the_channels_have_clocks_of_their_own() -> None:
    timeline = Timeline(0.0, 8000)
    timeline.place(0, frame(1, 0.1, 4_000_000_000))
    timeline.place(1, frame(2, 0.2, 5))
    assert heard(timeline) == ({800: 1}, {1600: 2})


def test_the_timestamp_wraps_around() -> None:
    timeline = Timeline(0.0, 8000)
    timeline.place(0, frame(1, 0.1, -160))
    timeline.place(0, frame(2, 0.5, 0))
    assert heard(timeline)[0] == {800: 1, 960: 2}


def test_a_new_source_is_anchored_at_its_arrival() -> None:
    timeline = Timeline(0.0, 8000)
    timeline.place(0, frame(1, 0.1, 1_000_000))
    timeline.place(0, frame(2, 0.3, 160, ssrc=2))
    timeline.place(0, frame(3, 0.4, 320, ssrc=2))
    assert heard(timeline)[0] == {800: 1, 2400: 2, 2560: 3}


def test_a_clock_that_jumps_is_anchored_anew() -> None:
    for jump in (500_000, -500_000, 1 << 31):
        timeline = Timeline(0.0, 8000)
        timeline.place(0, frame(1, 0.1, 1_000_000))
        timeline.place(0, frame(2, 0.3, 1_000_000 + jump))
        assert heard(timeline)[0] == {800: 1, 2400: 2}


def test_a_pause_with_a_running_clock_is_a_pause() -> None:
    timeline = Timeline(0.0, 8000)
    timeline.place(0, frame(1, 0.1, 0))
    timeline.forget(25.0)
    timeline.place(0, frame(2, 25.1, 25 * 8000))
    assert heard(timeline)[0] == {800 + 25 * 8000: 2}


def test_a_sender_whose_clock_is_slow_stays_near_the_truth() -> None:
    timeline = Timeline(0.0, 8000)
    for i in range(20_000):  # 400 s at 0.5 % too slow: two seconds behind, were it never anchored anew
        arrived = 0.0201 * i
        timeline.place(0, frame(1 + i % 9, arrived, 160 * i))
        timeline.forget(arrived)
    first, samples = timeline.new(LATER)
    assert 0.0201 * 20_000 - 1 < (first + len(samples) / 4) / 8000 < 0.0201 * 20_000 + 0.3
    assert timeline.late == 0


def test_memory_is_bounded_and_what_comes_too_late_is_counted() -> None:
    timeline = Timeline(0.0, 8000)
    for i in range(5000):
        timeline.place(0, frame(1, 0.02 * i, 160 * i))
        timeline.forget(0.02 * i)
        assert sum(map(len, timeline._channels)) <= 2 * 2 * (8000 + 160)
    timeline.forget(200.0)
    timeline.place(0, frame(2, 100.02, 160 * 5001))
    assert timeline.late == 1


@given(
    st.lists(
        st.tuples(
            st.integers(0, 1),
            st.floats(0, 5),
            st.integers(0, 0xFFFFFFFF),
            st.integers(1, 2),
            st.integers(1, 300),
        ),
        max_size=40,
    )
)
def test_no_clock_however_mad_makes_it_grow_or_fail(frames: list[tuple[int, float, int, int, int]]) -> None:
    timeline = Timeline(0.0, 8000)
    for channel, arrived, timestamp, ssrc, size in sorted(frames, key=lambda item: item[1]):
        timeline.place(channel, frame(3, arrived, timestamp, ssrc, size))
    first, data = timeline.new(LATER)
    assert first == 0
    assert len(data) <= 4 * round(8000 * (5 + 0.2) + 300)


def test_only_what_is_new_is_written_again() -> None:
    timeline = Timeline(0.0, 8000)
    for number in (1, 2, 4):
        timeline.place(0, frame(number, 0.02 * number, 160 * number))
    assert heard_until(timeline, 0.09) == (0, 720)
    assert heard_until(timeline, 0.09) == (720, 720)
    timeline.place(1, frame(5, 0.1, 0))
    assert heard_until(timeline, 0.11) == (720, 880)
    timeline.place(0, frame(3, 0.12, 160 * 3))  # late: it brings back what followed it
    assert heard_until(timeline, 0.13) == (480, 960)


def heard_until(timeline: Timeline, now: float) -> tuple[int, int]:
    """From which sample to which there was something new."""
    first, data = timeline.new(now)
    return first, first + len(data) // 4
