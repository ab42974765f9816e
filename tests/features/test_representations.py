"""Each kind of front end but the constant-Q transform, against librosa or against its own equations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import librosa
import numpy as np
import pytest
import torch

from imtools.errors import FeatureError, UsageError
from imtools.features import front_end
from imtools.features.dsp.filters import chroma_folding, mel_filters, wavelets
from imtools.features.front_ends.base import FrontEnd
from paths import EXAMPLES
from signals import RATE, SYNTHETIC, assert_close, recordings, signal, transform

Oracle = Callable[[np.ndarray], np.ndarray]


@pytest.fixture(scope="module")
def clips() -> list[np.ndarray]:
    """Real recordings of several instruments."""
    return recordings(EXAMPLES, 6)


@pytest.fixture(scope="module")
def everything(clips: list[np.ndarray]) -> list[np.ndarray]:
    """Real recordings and all synthetic signals."""
    return clips + [signal(name, RATE + number) for number, name in enumerate(SYNTHETIC)]


def plain(kind: str, **parameters: Any) -> FrontEnd:
    return front_end(kind=kind, normalize="none", scale="linear", **parameters)


def compare(model: FrontEnd, oracle: Oracle, signals: list[np.ndarray]) -> None:
    for y in signals:
        ours = transform(model, y)[0]
        assert ours.shape == (model.bins, model.frames(len(y)))
        assert_close(ours, oracle(y).astype(np.float32))


class TestStft:
    @pytest.mark.parametrize("power", [1, 2])
    @pytest.mark.parametrize(("n_fft", "hop"), [(2048, 512), (1000, 300), (511, 100)])
    def test_librosa(self, n_fft: int, hop: int, power: int, everything: list[np.ndarray]) -> None:
        def oracle(y: np.ndarray) -> np.ndarray:
            return np.abs(librosa.stft(y, n_fft=n_fft, hop_length=hop)) ** power

        compare(plain("stft", n_fft=n_fft, hop_length=hop, power=power), oracle, everything)

    def test_chen_counts_decibels_from_the_maximum(self, clips: list[np.ndarray]) -> None:
        model = front_end("chen2024")
        assert (model.sampling_rate, model.bins, model.frames(4 * 16000)) == (16000, 1025, 126)
        for y in clips:
            magnitude = np.abs(librosa.stft(y / np.abs(y).max()))
            oracle = librosa.amplitude_to_db(magnitude, ref=np.max)
            assert np.abs(transform(model, y)[0] - oracle).max() < 0.02  # dB


class TestMel:
    @pytest.mark.parametrize("power", [1, 2])
    @pytest.mark.parametrize(("n_fft", "hop"), [(2048, 512), (1024, 441), (600, 256), (511, 100)])
    def test_librosa(self, n_fft: int, hop: int, power: int) -> None:
        parameters: dict[str, Any] = {"n_fft": n_fft, "hop_length": hop, "n_mels": 40}
        model = front_end(kind="mel", normalize="none", scale="linear", power=power, **parameters)
        for name, samples in [("noise", 22051), ("tone", 22050), ("impulse", 2100), ("dc", 9999)]:
            y = signal(name, samples)
            oracle = librosa.feature.melspectrogram(y=y, sr=RATE, power=power, **parameters)
            ours = transform(model, y)[0]
            assert ours.shape == (40, model.frames(samples))
            assert_close(ours, oracle)

    def test_real_clips_in_db(self, clips: list[np.ndarray]) -> None:
        model, cropped = front_end("librosa-mel"), front_end("irmas-mel")
        for y in clips:
            spectrogram = librosa.feature.melspectrogram(y=y, sr=RATE)
            oracle = librosa.power_to_db(spectrogram, ref=np.max, top_db=80)
            ours = transform(model, y)[0]
            assert np.abs(ours - oracle).max() < 0.01  # dB
            assert np.array_equal(transform(cropped, y)[0], ours[:123])
        assert cropped.bins == 123

    def test_range(self) -> None:
        y = signal("noise", RATE)
        model = front_end("librosa-mel", fmin=100, fmax=4000, scale="linear", n_mels=30)
        assert_close(
            transform(model, y)[0],
            librosa.feature.melspectrogram(y=y, sr=RATE, fmin=100, fmax=4000, n_mels=30),
        )

    def test_long_clips_are_cut_in_time(self) -> None:
        y = np.stack([signal("noise", 3 * RATE, seed) for seed in range(50)])
        model = front_end("librosa-mel", scale="linear", n_mels=8)
        assert 50 * model.frames(3 * RATE) > 2048
        assert_close(transform(model, y)[7], transform(model, y[7])[0])

    def test_han_takes_logarithms_of_magnitudes(self) -> None:
        y = signal("noise", RATE)
        y[: RATE // 4] = 0  # where the floor holds
        spectrogram = librosa.feature.melspectrogram(
            y=y / np.abs(y).max(), sr=RATE, n_fft=1024, hop_length=512, power=1
        )
        ours = transform(front_end("han2017"), y)[0]
        assert ours.shape == (128, 44)
        assert np.abs(ours - np.log(np.maximum(spectrogram, 1e-5))).max() < 1e-3

    def test_range_of_bands_is_checked(self) -> None:
        for fmin, fmax in [(500, 400), (0, 12000), (11025, None), (-1, None)]:
            with pytest.raises(UsageError, match="fm"):
                front_end(kind="mel", fmin=fmin, fmax=fmax)


class TestModifiedGroupDelay:
    """Lumen (2023), equations 1 to 3 and Table 4, written out in double precision."""

    @staticmethod
    def equations(
        y: np.ndarray, length: int, hop: int, n_fft: int, n_ceps: int, alpha: float, gamma: float
    ) -> np.ndarray:
        y = np.pad(y.astype(np.float64), length // 2)
        n = np.arange(length)
        columns = []
        for start in range(0, len(y) - length + 1, hop):
            x = y[start : start + length] * np.hamming(length)
            big_x, big_y = np.fft.fft(x, n_fft), np.fft.fft(n * x, n_fft)
            cepstrum = np.fft.ifft(np.log(np.maximum(np.abs(big_x), 1e-30))).real
            cepstrum[n_ceps : n_fft - n_ceps + 1] = 0
            smooth = np.exp(np.fft.fft(cepstrum).real)
            tau = (big_x.real * big_y.real + big_x.imag * big_y.imag) / smooth ** (2 * gamma)
            columns.append(np.sign(tau) * np.abs(tau) ** alpha)
        return np.transpose(columns)

    def test_defaults(self, everything: list[np.ndarray]) -> None:
        compare(
            front_end(kind="modgd", normalize="none"),
            lambda y: self.equations(y, 1103, 221, 2048, 8, 0.9, 0.5)[:128],
            everything,
        )

    @pytest.mark.parametrize(("length", "n_fft", "n_ceps", "bins"), [(500, 501, 1, 251), (401, 512, 30, 7)])
    def test_parameters(
        self, length: int, n_fft: int, n_ceps: int, bins: int, clips: list[np.ndarray]
    ) -> None:
        sizes: dict[str, Any] = {"frame_length": length, "n_fft": n_fft, "n_bins": bins, "hop_length": 150}
        compare(
            front_end(kind="modgd", normalize="none", n_ceps=n_ceps, alpha=0.4, gamma=0.8, **sizes),
            lambda y: self.equations(y, length, 150, n_fft, n_ceps, 0.4, 0.8)[:bins],
            [y[:RATE] for y in clips[:2]] + [signal("noise", 5000), signal("silence", 5000)],
        )

    def test_a_delay_is_its_group_delay(self) -> None:
        """|X| of an impulse is 1 everywhere, so tau is where it lies, counted from the frame's start."""
        y = np.zeros(2 * 1103, np.float32)
        y[1103 + 40] = 1
        model = front_end(kind="modgd", normalize="none", alpha=1.0)
        frame = transform(model, y)[0][:, 5]  # centred at 5 * 221 = 1105, from 554 on
        place = 1143 - (1105 - 551)
        assert np.allclose(frame, place * np.hamming(1103)[place], rtol=1e-5)

    def test_lumen_has_a_hundred_frames_a_second(self) -> None:
        assert transform(front_end("lumen2023-modgd"), signal("noise", RATE)).shape == (1, 128, 100)
        assert transform(front_end("lumen2023-mel"), signal("noise", RATE)).shape == (1, 128, 100)


class TestChroma:
    @pytest.mark.parametrize(
        "parameters",
        [
            {},
            {"n_chroma": 36},
            {"bins_per_octave": 12, "n_octaves": 6, "hop_length": 256, "tuning": 0.3},
            {"n_chroma": 24, "bins_per_octave": 24, "n_octaves": 5, "fmin": 55.0},
        ],
    )
    def test_sums_are_librosas(self, parameters: dict[str, Any], everything: list[np.ndarray]) -> None:
        def oracle(y: np.ndarray) -> np.ndarray:
            return librosa.feature.chroma_cqt(y=y, sr=RATE, norm=None, **({"tuning": 0.0} | parameters))

        model = front_end(kind="chroma", norm="none", **parameters)
        # What lies outside the bins (a constant) has its rounding carried in: not an equal of the rest.
        compare(model, oracle, [y for y in everything if y.min() < y.max() or not y.any()])

    @pytest.mark.parametrize(("norm", "order"), [("max", np.inf), ("sum", 1), ("energy", 2)])
    def test_normalised_frames(self, norm: str, order: float, clips: list[np.ndarray]) -> None:
        """Within 1e-5 where a frame is at most 40 dB below the loudest; rounding grows as it gets quieter."""
        for y in clips:
            sums = librosa.feature.chroma_cqt(y=y, sr=RATE, tuning=0.0, norm=None)
            oracle = librosa.feature.chroma_cqt(y=y, sr=RATE, tuning=0.0, norm=order)
            ours = transform(front_end(kind="chroma", norm=norm), y)[0]
            loud = sums.max(axis=0) > 0.01 * sums.max()
            assert loud.sum() > 20
            assert_close(ours[:, loud], oracle[:, loud])

    def test_threshold_and_silence(self) -> None:
        y = signal("tone", RATE)
        sums = transform(front_end(kind="chroma", norm="none"), y)
        kept = transform(front_end(kind="chroma", norm="none", threshold=float(sums.max()) / 2), y)
        assert np.array_equal(kept, np.where(sums >= sums.max() / 2, sums, 0))
        assert not transform(front_end(kind="chroma"), signal("silence", RATE)).any()

    def test_a_is_the_tenth_class(self) -> None:
        chroma = transform(front_end(kind="chroma"), signal("tone", RATE))[0]
        assert (chroma[:, 5:-5].argmax(axis=0) == 9).all()  # 110 Hz

    def test_lumen(self) -> None:
        assert transform(front_end("lumen2023-chroma"), signal("noise", RATE)).shape == (1, 36, 100)

    def test_bins_that_cannot_be_merged(self) -> None:
        with pytest.raises(UsageError, match="multiple of n_chroma"):
            front_end(kind="chroma", n_chroma=24)
        with pytest.raises(UsageError, match=r"chroma.*n_bins must end the bins below 11025 Hz"):
            front_end(kind="chroma", n_octaves=9)


class TestWholeClip:
    def test_fft(self, everything: list[np.ndarray]) -> None:
        def oracle(y: np.ndarray) -> np.ndarray:
            return np.abs(np.fft.rfft(y.astype(np.float64), 80000))[:40000, None]

        compare(plain("fft", n_fft=80000, sampling_rate=RATE), oracle, everything)

    def test_place_of_the_zeros_does_not_matter(self) -> None:
        y = signal("noise", 30000)
        model = plain("fft", n_fft=44000)
        assert_close(transform(model, np.pad(y, (9000, 0))), transform(model, y))

    def test_vaznonis(self) -> None:
        model = front_end("vaznonis2022-fft")
        assert (model.sampling_rate, model.bins, model.frames(1)) == (44100, 442_000, 1)
        with pytest.raises(FeatureError, match=r"884001 samples is too long .*at most 884000"):
            model(torch.zeros(1, 884_001))

    def test_waveform(self, clips: list[np.ndarray]) -> None:
        model = front_end("avramidis2021")
        ours = transform(model, clips[0])
        assert ours.shape == (1, 1, len(clips[0]))
        assert np.sqrt(np.mean(np.square(ours))) == pytest.approx(1, abs=1e-5)
        assert_close(ours[0, 0], clips[0] / np.sqrt(np.mean(np.square(clips[0]))))
        assert np.array_equal(transform(plain_waveform(), clips[1])[0, 0], clips[1])


def plain_waveform() -> FrontEnd:
    return front_end(kind="waveform", normalize="none")


class TestContrast:
    @pytest.mark.parametrize(
        "parameters", [{}, {"n_bands": 3, "fmin": 100.0}, {"n_fft": 1000, "hop_length": 333, "quantile": 0.2}]
    )
    def test_peaks_over_valleys_are_librosas(
        self, parameters: dict[str, Any], everything: list[np.ndarray]
    ) -> None:
        model = front_end(kind="contrast", **parameters)
        for y in everything:
            oracle = librosa.feature.spectral_contrast(y=y, sr=RATE, linear=True, **parameters)
            with torch.inference_mode():
                over, under = model.transform(torch.from_numpy(y[None])).chunk(2, dim=1)
            loudest = np.abs(librosa.stft(y)).max()
            assert np.abs((over - under)[0].numpy() - oracle).max() <= 1e-5 * loudest

    def test_decibels(self, clips: list[np.ndarray]) -> None:
        for y in [*clips, signal("noise", RATE)]:
            y = y + signal("noise", len(y)) / 1000  # no valley that is only rounding
            ours = transform(front_end(kind="contrast"), y)[0]
            assert np.abs(ours - librosa.feature.spectral_contrast(y=y, sr=RATE)).max() < 0.01

    def test_range_below_the_loudest_is_bounded(self) -> None:
        y = signal("tone", RATE)
        y[RATE // 2 :] = 0
        ours = transform(front_end(kind="contrast"), y)[0]
        oracle = librosa.feature.spectral_contrast(y=y, sr=RATE)
        assert np.allclose(ours[:, -1], oracle[:, -1], atol=1e-3)

    def test_bands_too_narrow_or_too_high(self) -> None:
        with pytest.raises(UsageError, match="fmin must be at least 86"):
            front_end(kind="contrast", fmin=50.0, n_fft=512)
        with pytest.raises(UsageError, match="n_bands"):
            front_end(kind="contrast", n_bands=9)


class TestRollOff:
    @pytest.mark.parametrize("parameters", [{}, {"roll_percent": 0.5, "n_fft": 1024, "hop_length": 200}])
    def test_librosa(self, parameters: dict[str, Any], everything: list[np.ndarray]) -> None:
        model = front_end(kind="rolloff", **parameters)
        for y in everything:
            ours = transform(model, y)
            # In double precision, so that sums on the edge of the share fall the same way.
            oracle = librosa.feature.spectral_rolloff(y=y.astype(np.float64), sr=RATE, **parameters)
            assert ours.shape == (1, *oracle.shape)
            assert np.isclose(ours[0], oracle, rtol=1e-6).mean() > 0.99

    def test_silence_rolls_off_at_nothing(self) -> None:
        assert not transform(front_end(kind="rolloff"), signal("silence", RATE)).any()


class TestFilters:
    @pytest.mark.parametrize(
        ("rate", "n_fft", "n_mels", "fmin", "fmax"),
        [(22050, 2048, 128, 0.0, None), (16000, 511, 20, 90.0, 4000.0)],
    )
    def test_mel(self, rate: int, n_fft: int, n_mels: int, fmin: float, fmax: float | None) -> None:
        oracle = librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=n_mels, fmin=fmin, fmax=fmax)
        assert_close(mel_filters(rate, n_fft, n_mels, fmin, fmax), oracle, 2e-7)

    @pytest.mark.parametrize(
        ("per_octave", "fmin", "rate"), [(12, 32.7, 22050), (36, 2093.0, 22050), (24, 55.0, 44100)]
    )
    def test_wavelets(self, per_octave: int, fmin: float, rate: int) -> None:
        frequencies = fmin * 2.0 ** (np.arange(per_octave) / per_octave)
        ratio = 2.0 ** (2.0 / per_octave)
        alpha = (ratio - 1) / (ratio + 1)
        tones, lengths = wavelets(frequencies, rate, alpha)
        oracle, expected = librosa.filters.wavelet(freqs=frequencies, sr=rate, alpha=alpha)
        assert np.allclose(lengths, expected, rtol=1e-15)
        assert tones.shape == oracle.shape
        assert np.abs(tones - oracle).max() <= 1e-7 * np.abs(oracle).max()

    @pytest.mark.parametrize(
        ("bins", "per_octave", "classes", "fmin"),
        [(252, 36, 12, 32.7032), (252, 36, 36, 33.3), (50, 24, 12, 55.0)],
    )
    def test_chroma_folding(self, bins: int, per_octave: int, classes: int, fmin: float) -> None:
        oracle = librosa.filters.cq_to_chroma(bins, bins_per_octave=per_octave, n_chroma=classes, fmin=fmin)
        assert np.array_equal(chroma_folding(bins, per_octave, classes, fmin), oracle)
