"""Decoding, streaming, loading and writing audio: exact in samples, and loud about damage."""

from __future__ import annotations

import errno
import os
import random
import resource
import shutil
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from imtools.audio import (
    check_finite,
    close_files,
    load,
    normalize,
    open_audio,
    peak,
    probe,
    rms,
    stream,
    write,
)
from imtools.audio import load as load_function
from imtools.audio.decode import BLOCK
from imtools.audio.ffmpeg import FfmpegDecoder
from imtools.audio.levels import to_mono
from imtools.audio.libsndfile import SndfileDecoder
from imtools.audio.load import probe_to_load
from imtools.errors import AudioError, UsageError
from imtools.manifest import Record
from imtools.units import resampled_length

RATE = 22050
FORMATS = {"wav": "FLOAT", "flac": "PCM_24", "ogg": "VORBIS", "mp3": "MPEG_LAYER_III", "aiff": "PCM_16"}


@pytest.fixture(autouse=True)
def _no_open_files() -> Iterator[None]:
    yield
    close_files()


def noise(seconds: float = 3.0, channels: int = 2, rate: int = RATE, level: float = 0.3) -> np.ndarray:
    rng = np.random.default_rng(1)
    return rng.uniform(-level, level, (round(seconds * rate), channels)).astype(np.float32)


def save(path: Path, frames: np.ndarray, rate: int = RATE) -> Path:
    suffix = path.suffix[1:]
    container = {"ogg": "OGG", "mp3": "MP3", "aiff": "AIFF"}.get(suffix, suffix.upper())
    with sf.SoundFile(
        os.fsencode(path), "w", rate, frames.shape[1], FORMATS[suffix], format=container
    ) as file:
        for start in range(0, len(frames), 20000):
            file.write(frames[start : start + 20000])
    return path


def decoded(path: Path) -> np.ndarray:
    """All samples of a file, read in one go and then never sought."""
    with open_audio(path) as file:
        parts = []
        while len(block := file.read(10007)):
            parts.append(block)
    return np.concatenate(parts)


def record(path: Path, start: float, num_samples: int, rate: int = RATE, **keys: object) -> Record:
    return Record("r", str(path), start, num_samples / rate, rate, num_samples, **keys)  # type: ignore[arg-type]


def clips(shared: Path, suffix: str, count: int) -> list[Path]:
    found = sorted((shared / "audio").rglob(f"*.{suffix}"))
    return random.Random(5).sample(found, count)


# --- what a file holds ---


@pytest.mark.parametrize("suffix", FORMATS)
def test_probe_tells_the_length_that_decoding_gives(tmp_path: Path, suffix: str) -> None:
    path = save(tmp_path / f"a.{suffix}", noise(2.3))
    info = probe(path)
    assert (info.sampling_rate, info.channels) == (RATE, 2)
    assert info.num_samples == len(decoded(path)) == len(noise(2.3))
    assert FORMATS[suffix] in info.format


def without_length_header(path: Path) -> bytes:
    """Take the first frame of an MP3, which holds nothing but the header, away; return what is left."""
    data = path.read_bytes()
    assert b"Xing" in data[:300] or b"Info" in data[:300]
    rest = data[data.index(data[:2], 4) :]
    path.write_bytes(rest)
    return rest


def test_probe_counts_mp3s_whose_header_is_wrong(shared_dir: Path) -> None:
    for path in clips(shared_dir, "mp3", 5):
        info = probe(path)
        assert info.num_samples == len(sf.read(path)[0])
        assert info.num_samples != sf.info(path).frames


@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
def test_only_an_mp3_that_is_as_long_as_its_header_says_is_not_decoded_to_tell_its_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    path = tmp_path / "a.mp3"
    with sf.SoundFile(path, "w", RATE, 2, format="MP3", bitrate_mode=mode) as file:
        file.write(noise(2.0))
    data = path.read_bytes()
    expected = len(noise(2.0))
    count = _count_decoded(monkeypatch)
    tag = b"ID3\x04\x00\x00\x00\x00\x01\x00" + bytes(128)
    for intact in (data, tag + data, data + b"TAG" + bytes(125)):
        path.write_bytes(intact)
        assert probe(path).num_samples == expected
        assert sum(count) == 0
    path.write_bytes(data + data)  # joined by hand: what the header says is of the first part
    probe(path)
    assert sum(count) > 0
    for cut in (1, 100, len(data) // 2):
        path.write_bytes(data[:-cut])
        with pytest.raises(AudioError, match="decoding stops after"):
            probe(path)


def test_an_mp3_of_variable_bit_rate_without_a_length_header_is_decoded_to_its_end(tmp_path: Path) -> None:
    frames = noise(4)
    frames[len(frames) // 4 :] = 0
    path = tmp_path / "a.mp3"
    with sf.SoundFile(path, "w", RATE, 2, format="MP3", bitrate_mode="VARIABLE") as file:
        file.write(frames)
    data = without_length_header(path)
    assert sf.info(path).frames < 0.6 * len(frames)
    assert len(frames) <= probe(path).num_samples <= len(frames) + 4 * 1152
    path.write_bytes(data + b"TAG" + bytes(125))
    assert len(frames) <= probe(path).num_samples <= len(frames) + 4 * 1152


@pytest.mark.parametrize(
    "name", ["a b.wav", "a\nb.wav", "a'\"b.wav", "-i.wav", "pipe:1.wav", "é\udcff.wav", "a%d.wav", "*.wav"]
)
def test_any_file_name_will_do(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    frames = noise(0.1, 1)
    write(name, frames.T, RATE, "wav")
    assert probe(name).num_samples == len(frames)
    assert np.array_equal(load(record(Path(name), 0, len(frames))), frames[:, 0])
    assert [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("share", [0.95, 0.6, 0.2, 0.005])
def test_truncated_files_are_refused(tmp_path: Path, suffix: str, share: float) -> None:
    path = save(tmp_path / f"cut.{suffix}", noise(4))
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(AudioError, match=rf"cut\.{suffix}") as caught:
        probe(path)
    assert caught.value.hint
    with pytest.raises(AudioError, match=rf"cut\.{suffix}"):
        load(record(path, 0, len(noise(4))))
    with pytest.raises(AudioError, match=rf"cut\.{suffix}"):
        list(stream(path))


def test_a_wav_written_to_a_pipe_has_the_length_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    sf.write(path, noise(1), RATE, subtype="PCM_16")
    data = bytearray(path.read_bytes())
    data[40:44] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    assert probe(path).num_samples == RATE


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.wav", b"", "is empty"),
        ("text.wav", b"this is no audio\n" * 50, "cannot"),
        ("text.mp3", b"this is no audio\n" * 50, "cannot"),
        ("zeros.flac", bytes(5000), "cannot"),
    ],
)
def test_what_is_no_audio_is_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(AudioError, match=message) as caught:
        probe(path)
    assert name in caught.value.message
    assert caught.value.hint


def test_missing_files_folders_and_zero_lengths_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"none\.wav: cannot be read \(No such file"):
        probe(tmp_path / "none.wav")
    with pytest.raises(AudioError, match="Is a directory"):
        probe(tmp_path)
    with pytest.raises(AudioError, match="null"):
        probe("a\0b")
    sf.write(tmp_path / "zero.wav", np.zeros((0, 1)), RATE)
    with pytest.raises(AudioError, match=r"zero\.wav: has no samples"):
        probe(tmp_path / "zero.wav")


# --- positions ---


@pytest.mark.parametrize("suffix", FORMATS)
def test_any_order_of_reading_gives_the_same_samples(tmp_path: Path, suffix: str) -> None:
    path = save(tmp_path / f"a.{suffix}", noise(12, 1))
    whole = decoded(path)
    draw = random.Random(2)
    with open_audio(path) as file:
        for _ in range(30):
            start, count = draw.randrange(len(whole)), draw.randrange(1, 20000)
            file.seek(start)
            assert np.array_equal(file.read(count), whole[start : start + count])
        file.seek(len(whole) + 5)
        assert file.read(3).shape == (0, 1)
        file.seek(10)
        assert np.array_equal(file.read(3), whole[10:13])


@pytest.mark.parametrize("suffix", ["ogg", "mp3", "flac"])
def test_any_order_of_reading_gives_the_same_samples_of_real_files(shared_dir: Path, suffix: str) -> None:
    draw = random.Random(3)
    for path in clips(shared_dir, suffix, 8):
        whole = decoded(path)
        with open_audio(path) as file:
            for start in (len(whole) - 500, *(draw.randrange(len(whole)) for _ in range(6))):
                file.seek(start)
                assert np.array_equal(file.read(4000), whole[start : start + 4000])


def test_a_step_back_beyond_the_backlog_starts_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imtools.audio.decode._BACKLOG_BLOCKS", 2)
    path = save(tmp_path / "a.ogg", np.tile(noise(3, 1), (8, 1)))
    whole = decoded(path)
    assert len(whole) > 5 * BLOCK
    with open_audio(path) as file:
        for start in (len(whole) - 10, len(whole) - BLOCK, 3 * BLOCK - 1, 0, 4 * BLOCK + 1):
            file.seek(start)
            assert np.array_equal(file.read(70000), whole[start : start + 70000])


# --- streaming ---


@settings(max_examples=25, deadline=None)
@given(
    count=st.integers(1, 30000),
    rates=st.sampled_from([(44100, 22050), (22050, 44100), (48000, 22050), (44100, 16000), (8000, 8000)]),
    block=st.floats(0.01, 2),
)
def test_blocks_are_the_whole_file_resampled(
    tmp_path_factory: pytest.TempPathFactory, count: int, rates: tuple[int, int], block: float
) -> None:
    own, rate = rates
    frames = noise(1, 2, 30000)[:count]
    path = save(tmp_path_factory.mktemp("s") / "a.wav", frames, own)
    blocks = list(stream(path, rate, mono=False, block_seconds=block))
    joined = np.concatenate(blocks, axis=1) if blocks else np.zeros((2, 0))
    assert joined.shape == (2, resampled_length(count, own, rate))
    assert np.array_equal(joined.T, soxr.resample(frames, own, rate, quality="HQ"))
    mono = list(stream(path, None, block_seconds=block))
    assert np.array_equal(np.concatenate(mono, axis=1)[0], frames.mean(axis=1, dtype=np.float32))


def test_streaming_says_where_a_sample_is_not_a_number(tmp_path: Path) -> None:
    frames = noise(3, 1)
    frames[round(2.5 * RATE)] = np.nan
    path = save(tmp_path / "nan.wav", frames)
    with pytest.raises(AudioError, match=r"nan\.wav: sample at 2\.500 s"):
        list(stream(path, 16000, block_seconds=0.7))
    with pytest.raises(AudioError, match=r"nan\.wav: sample at 2\.500 s"):
        load(record(path, 2, RATE))
    assert len(load(record(path, 0, 2 * RATE))) == 2 * RATE


# --- loading ---


@pytest.mark.parametrize(("own", "rate"), [(44100, 22050), (48000, 22050), (22050, 44100), (44100, 16000)])
def test_a_segment_is_a_slice_of_the_whole_file_resampled(tmp_path: Path, own: int, rate: int) -> None:
    path = save(tmp_path / "a.wav", noise(3, 1, own, 1.0), own)
    whole = np.concatenate(list(stream(path, rate)), axis=1)[0]
    draw = random.Random(4)
    spans = [(0, len(whole)), (0, 1), (len(whole) - 1, 1)]
    spans += [(s := draw.randrange(len(whole)), draw.randrange(1, len(whole) - s + 1)) for _ in range(10)]
    for start, count in spans:
        segment = load(record(path, start / rate, count, rate))
        assert segment.shape == (count,)
        assert segment.dtype == np.float32
        assert np.abs(segment - whole[start : start + count]).max() <= 2e-6


@pytest.mark.parametrize("suffix", ["ogg", "mp3", "flac"])
def test_a_segment_of_a_real_file_is_a_slice_of_it(shared_dir: Path, suffix: str) -> None:
    for path in clips(shared_dir, suffix, 4):
        whole = np.concatenate(list(stream(path, 22050)), axis=1)[0]
        for start in (0, len(whole) // 3, len(whole) - 777):
            segment = load(record(path, start / 22050, 777))
            assert np.abs(segment - whole[start : start + 777]).max() <= 2e-6


def test_loading_selects_channels_pads_and_normalises(tmp_path: Path) -> None:
    frames = noise(1, 3)
    path = save(tmp_path / "a.wav", frames)
    assert np.array_equal(load(record(path, 0, RATE), mono=False), frames.T)
    assert np.array_equal(load(record(path, 0, RATE, channels=[2, 0]), mono=False), frames.T[[2, 0]])
    assert np.array_equal(load(record(path, 0, RATE, channels=[1])), frames[:, 1])
    padded = load(record(path, 0.5, RATE, padding=0.5, channels=[0]))
    assert np.array_equal(padded[: RATE // 2], frames[RATE // 2 :, 0])
    assert not padded[RATE // 2 :].any()
    assert rms(load(record(path, 0, RATE, normalize="rms"))) == pytest.approx(1, abs=1e-6)
    assert peak(load(record(path, 0, RATE, normalize="peak"), mono=False)) == 1
    for channels in ([3], []):
        with pytest.raises(AudioError, match="has 3 channels"):
            load(record(path, 0, RATE, channels=channels))


@pytest.mark.parametrize("rate", [RATE, 16000])
@pytest.mark.parametrize("suffix", FORMATS)
def test_a_record_that_asks_for_more_than_there_is_fails(tmp_path: Path, suffix: str, rate: int) -> None:
    path = save(tmp_path / f"a.{suffix}", noise(1, 1))
    assert len(load(record(path, 0.5, rate // 2, rate))) == rate // 2
    with pytest.raises(AudioError, match=rf"a\.{suffix}: has 22050 samples \(1\.000 s\).*run im-index again"):
        load(record(path, 0.5, rate // 2 + 3, rate))
    with pytest.raises(AudioError, match="has 22050 samples"):
        load(record(path, 7, rate, rate))


def test_records_without_audio_say_why(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="a mix recipe"):
        load(Record("m", None, 0, 1, RATE, RATE, mix={"tracks": []}))
    with pytest.raises(AudioError, match="features only"):
        load(Record("f", None, 0, 1, RATE, RATE))


def test_a_changed_file_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write(path, np.full(100, 0.25), RATE, "wav")
    assert load(record(path, 0, 100))[0] == 0.25
    write(path, np.full(100, 0.5), RATE, "wav")
    assert load(record(path, 0, 100))[0] == 0.5


def _count_decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list to which the frames of each read are added."""
    decoded: list[int] = []
    original = SndfileDecoder.read

    def read(self: SndfileDecoder, frames: int) -> np.ndarray:
        block = original(self, frames)
        decoded.append(len(block))
        return block

    monkeypatch.setattr(SndfileDecoder, "read", read)
    return decoded


def test_what_was_decoded_to_tell_the_length_is_not_decoded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path / "a.mp3", noise(3.0))
    without_length_header(path)
    info = probe(path)
    expected = load(record(path, 0, info.num_samples))
    close_files()
    decoded = _count_decoded(monkeypatch)
    assert probe_to_load(str(path)) == info
    np.testing.assert_array_equal(load(record(path, 0, info.num_samples)), expected)
    assert sum(decoded) == info.num_samples
    shutil.copy(save(tmp_path / "b.mp3", noise(2.0)), path)  # what is held is of another file now
    assert len(load(record(path, 0, probe(path).num_samples))) < info.num_samples


def test_probing_keeps_neither_long_files_nor_broken_ones_open(tmp_path: Path) -> None:
    descriptors = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None
    mp3 = save(tmp_path / "a.mp3", noise(0.5))
    long = save(tmp_path / "long.mp3", noise(17 * BLOCK / 8000, 1, rate=8000), 8000)
    paths = [save(tmp_path / "a.wav", noise(0.5)), save(tmp_path / "a.ogg", noise(0.5)), long]
    for path in paths:
        assert probe_to_load(str(path)) == probe(path)
    torn = tmp_path / "torn.mp3"
    torn.write_bytes(mp3.read_bytes()[:2000])
    with pytest.raises(AudioError):
        probe_to_load(str(torn))
    if descriptors is not None:
        assert len(os.listdir("/proc/self/fd")) == descriptors


def test_threads_load_the_same_samples_and_few_files_stay_open(tmp_path: Path) -> None:
    paths = [save(tmp_path / f"{i}.ogg", noise(2, 1, level=0.1 * i)) for i in range(1, 7)]
    jobs = [record(path, start, RATE // 2) for start in (0, 1.2, 0.4) for path in paths]
    alone = [load(job) for job in jobs]
    descriptors = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(load_function, jobs))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))
    if descriptors is not None:  # those of the ended threads are closed
        assert len(os.listdir("/proc/self/fd")) <= descriptors
        close_files()
        assert len(os.listdir("/proc/self/fd")) == descriptors - 4


# --- ffmpeg ---


def fake_ffmpeg(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "bin" / "ffmpeg"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


@pytest.fixture
def pipe_source(tmp_path: Path) -> Path:
    """What a fake ffmpeg writes: Sun AU with big-endian floats."""
    path = tmp_path / "pipe.au"
    sf.write(path, noise(9), RATE, format="AU", subtype="FLOAT", endian="BIG")
    (tmp_path / "song.m4a").write_bytes(b"\0\0\0\x20ftypM4A ")
    return path


def test_a_pipe_gives_exact_samples_in_any_order(
    tmp_path: Path, pipe_source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_ffmpeg(tmp_path, f"cat '{pipe_source}'", monkeypatch)
    monkeypatch.setattr("imtools.audio.decode._BACKLOG_BLOCKS", 1)
    path, frames = tmp_path / "song.m4a", noise(9)
    info = probe(path)
    assert (info.sampling_rate, info.num_samples, info.channels) == (RATE, len(frames), 2)
    with open_audio(path) as file:
        for start in (150000, 10, 140000, 198000, 0):
            file.seek(start)
            assert np.array_equal(file.read(5000), frames[start : start + 5000])
    assert len(load(record(path, 8, RATE))) == RATE
    with pytest.raises(AudioError, match="has 198450 samples"):
        load(record(path, 8.5, RATE))


def test_the_process_is_gone_when_the_file_is_closed(
    tmp_path: Path, pipe_source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_ffmpeg(tmp_path, f"cat '{pipe_source}'", monkeypatch)
    decoder = FfmpegDecoder(str(tmp_path / "song.m4a"))
    process = decoder._process
    assert process.poll() is None  # blocked: the pipe does not hold 9 s
    decoder.close()
    assert process.returncode is not None
    decoder = FfmpegDecoder(str(tmp_path / "song.m4a"))
    process = decoder._process
    del decoder
    assert process.returncode is not None


def test_what_ffmpeg_says_is_in_the_error(
    tmp_path: Path, pipe_source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_ffmpeg(tmp_path, f"head -c 90000 '{pipe_source}'; echo 'moov gone' >&2; exit 1", monkeypatch)
    with pytest.raises(AudioError, match=r"song\.m4a: ffmpeg cannot decode it \(moov gone\)"):
        probe(tmp_path / "song.m4a")
    with pytest.raises(AudioError, match="moov gone"):
        load(record(tmp_path / "song.m4a", 0, 3 * RATE))


def test_without_ffmpeg_the_error_names_it(
    tmp_path: Path, pipe_source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AudioError, match=r"song\.m4a: cannot be decoded.*install ffmpeg"):
        probe(tmp_path / "song.m4a")


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
@pytest.mark.parametrize("name", ["-v.m4a", "a:b.aac", "é\udcff\n.wma"])
def test_real_ffmpeg(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    time = np.arange(3 * 44100) / 44100
    write("in.wav", 0.5 * np.sin(2 * np.pi * 440 * time), 44100, "wav")
    subprocess.run(["ffmpeg", "-v", "error", "-i", "in.wav", b"file:" + os.fsencode(name)], check=True)
    info = probe(name)
    assert info.sampling_rate == 44100
    assert abs(info.num_samples - 3 * 44100) <= 4096
    whole = decoded(Path(name))
    with open_audio(name) as file:
        file.seek(50000)
        assert np.array_equal(file.read(70000), whole[50000:120000])
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(AudioError, match="ffmpeg cannot decode"):
        probe(name)


# --- levels ---


def test_levels() -> None:
    x = np.array([[3.0, -4.0]], dtype=np.float32)
    assert rms(x) == pytest.approx(np.sqrt(12.5))
    assert peak(x) == 4
    assert rms(x[:, :0]) == peak(x[:, :0]) == 0
    assert np.array_equal(normalize(x, None), x)
    assert np.array_equal(normalize(x, "peak"), x / 4)
    assert rms(normalize(x, "rms")) == pytest.approx(1)
    assert not normalize(np.zeros(5, dtype=np.float32), "rms").any()
    with pytest.raises(UsageError, match="loud"):
        normalize(x, "loud")
    with pytest.raises(AudioError, match=r"here: sample at 1\.200 s"):
        check_finite(np.array([[0.0], [1.0], [-np.inf]], dtype=np.float32), "here", 10, start=10)


# --- writing ---


@pytest.mark.parametrize("fmt", ["flac", "wav"])
def test_what_is_written_is_read_back(tmp_path: Path, fmt: str) -> None:
    x = noise(0.5).T
    path = tmp_path / "new" / f"a.{fmt}"
    write(path, x, RATE, fmt)
    back = load(record(path, 0, x.shape[1]), mono=False)
    assert np.abs(back - x).max() <= (0 if fmt == "wav" else 2**-23)
    first = path.read_bytes()
    write(path, x, RATE, fmt)
    assert path.read_bytes() == first
    write(path, x[0], RATE, fmt)
    assert probe(path).channels == 1
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_bytes_do_not_depend_on_the_time_of_day(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", noise(0.1).T, RATE, "wav")
    assert b"PEAK" not in (tmp_path / "a.wav").read_bytes()[:200]


def test_samples_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    x = np.array([0.0, -2.0, 0.5], dtype=np.float32)
    with pytest.raises(AudioError, match=r"a\.flac: peak 2\.000 exceeds full scale by 6\.02 dB.*`fmt=wav`"):
        write(tmp_path / "a.flac", x, RATE, "flac")
    write(tmp_path / "a.wav", x, RATE, "wav")
    assert np.array_equal(load(record(tmp_path / "a.wav", 0, 3)), x)
    with pytest.raises(AudioError, match="finite"):
        write(tmp_path / "b.wav", np.array([0.0, np.inf]), RATE, "wav")
    with pytest.raises(AudioError, match="no samples"):
        write(tmp_path / "b.wav", x[:0], RATE, "wav")
    with pytest.raises(AudioError, match="FLAC cannot hold 9 channels"):
        write(tmp_path / "b.flac", np.zeros((9, 5)), RATE, "flac")
    with pytest.raises(UsageError, match="mp3"):
        write(tmp_path / "b.mp3", x, RATE, "mp3")
    assert [p.name for p in tmp_path.iterdir()] == ["a.wav"]


@pytest.mark.parametrize("fmt", ["flac", "wav"])
def test_a_disk_that_takes_no_more_is_an_os_error(tmp_path: Path, fmt: str) -> None:
    path = tmp_path / f"a.{fmt}"
    write(path, noise(0.01).T, RATE, fmt)
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20000, hard))
    try:
        with pytest.raises(OSError, match="large") as caught:
            write(str(path), noise(2).T, RATE, fmt)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.errno == errno.EFBIG
    assert caught.value.filename == str(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_open_files_belong_to_their_thread(tmp_path: Path) -> None:
    path = save(tmp_path / "a.wav", noise(1, 1))
    job = record(path, 0.2, 1000)
    load(job)
    closer = threading.Thread(target=close_files)
    closer.start()
    closer.join()
    assert len(load(job)) == 1000


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 8, 11])
def test_mono_is_the_mean_of_the_channels(channels: int) -> None:
    frames = np.random.default_rng(channels).standard_normal((1000, channels)).astype(np.float32)
    mono = to_mono(frames)
    assert (mono.dtype, mono.shape) == (np.float32, (1000, 1))
    np.testing.assert_allclose(mono[:, 0], frames.mean(axis=1, dtype=np.float64), atol=1e-6)
    assert to_mono(frames[:0]).shape == (0, 1)
