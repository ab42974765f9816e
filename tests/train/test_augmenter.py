"""Changes of training examples: mixing against mixed audio, rolls, masks, mixup."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import beta, kstest

from imtools.errors import UsageError
from imtools.features import KINDS, from_config
from imtools.train import TrainConfig
from imtools.train.protocol.augment import Augmenter, BatchAugmentation, mix_waveforms
from imtools.train.protocol.augment.changes import (
    crop_frames,
    filter_gains,
    mask_bands,
    mixup,
    roll_bins,
    shift_frames,
)
from imtools.train.protocol.augment.mixing import mix_examples, mixing_of, scale_of
from nets import CONFIG, RATE, small_front_end

MEL = CONFIG | {"normalize": "rms"}
CQT = {"kind": "cqt", "sampling_rate": RATE, "hop_length": 256, "n_bins": 48, "fmin": 110.0}
STFT = {"kind": "stft", "sampling_rate": RATE, "n_fft": 256, "hop_length": 128}
FFT = {"kind": "fft", "sampling_rate": RATE, "n_fft": RATE, "normalize": "rms"}
ABSOLUTE = {"scale": "db", "ref": 1.0, "top_db": None}
LOG, LINEAR = {"scale": "log", "amin": 1e-6}, {"scale": "linear"}
SPECTRAL = [
    MEL | ABSOLUTE, MEL | ABSOLUTE | {"power": 1}, MEL | {"ref": "max", "top_db": 60.0},
    MEL | LOG, MEL | LOG | {"power": 1}, MEL | LINEAR, MEL | LINEAR | {"power": 1},
    CQT | ABSOLUTE, CQT | LOG, CQT | LINEAR,
    STFT | ABSOLUTE, STFT | LOG | {"power": 2}, STFT | LINEAR,
    FFT | LINEAR, FFT | LINEAR | {"power": 2}, FFT | LOG,
]  # fmt: skip


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def full(config: dict[str, Any]) -> dict[str, Any]:
    return from_config(config).config


def noises() -> torch.Tensor:
    """Two independent noises of equal RMS: one that fades in, one that fades out."""
    waves = torch.randn(2, RATE, generator=generator())
    waves = waves * torch.stack([torch.linspace(0.1, 1, RATE), torch.linspace(1, 0.1, RATE)])
    return waves / waves.square().mean(dim=1, keepdim=True).sqrt()


def tones() -> torch.Tensor:
    """Two tones far from each other, of equal RMS."""
    time = torch.arange(RATE) / RATE
    return torch.stack([torch.sin(2 * math.pi * f * time) for f in (262.0, 1397.0)]) * 2**0.5


def decibels(config: dict[str, Any], features: torch.Tensor) -> torch.Tensor:
    """Features of any scale as decibels, by the definition of the scales."""
    power = config.get("power", 1)
    if config["scale"] == "db":
        return features
    if config["scale"] == "log":
        return features * 20 / power / math.log(10)
    return 20 / power * features.clamp_min(1e-12).log10()


# Mixing against mixed audio


@pytest.mark.parametrize("config", SPECTRAL, ids=str)
@pytest.mark.parametrize("gain_db", [-6.0, 0.0, 6.0])
def test_mixed_features_are_close_to_those_of_mixed_noises(config: dict[str, Any], gain_db: float) -> None:
    """The approximation that mixing rests on: noises do not interfere on average."""
    front_end = from_config(config)
    first, second = noises()
    both = first + 10 ** (gain_db / 20) * second
    pictures = front_end(torch.stack([first, second, both]))
    mixed = mixing_of(front_end.config)(pictures[:1], pictures[1:2], torch.tensor([gain_db]))[0]
    alone, _, truth = (decibels(front_end.config, picture) for picture in pictures)
    found = decibels(front_end.config, mixed)
    if config["kind"] == "fft":  # one frame for all: the noises differ by the gain alone
        assert (found - truth).mean().abs() < 1.5
        return
    # The mean of a logarithm is lower than the logarithm of the mean, the more so the fewer cells share.
    assert (found - truth).median().abs() < 1.5
    assert (found - truth).abs().median() < 3.0
    early = slice(0, truth.shape[1] // 4)  # where the second sounds almost alone
    assert (found - truth)[:, early].mean().abs() < 1.5
    if config.get("ref") != "max":
        assert (alone - truth)[:, early].mean() < -2.5


@pytest.mark.parametrize("config", SPECTRAL, ids=str)
@pytest.mark.parametrize("gain_db", [-6.0, 0.0, 4.0])
def test_mixed_features_are_those_of_mixed_tones(config: dict[str, Any], gain_db: float) -> None:
    """Where only one of two sounds is, mixing is exact: each tone has its level in the mix."""
    front_end = from_config(config)
    first, second = tones()
    pictures = front_end(torch.stack([first, second, first + 10 ** (gain_db / 20) * second]))
    mixed = mixing_of(front_end.config)(pictures[:1], pictures[1:2], torch.tensor([gain_db]))[0]
    middle = slice(0, 1) if config["kind"] == "fft" else slice(8, -8)
    alone, other, truth, found = (decibels(front_end.config, p)[:, middle] for p in (*pictures, mixed))
    for picture in (alone, other):
        places = picture == picture.amax(dim=0)
        # What 0 dB is the loudest cell of, has lost its level: the tones differ by 1.1 dB in their bands.
        assert (found - truth)[places].abs().max() < (1.2 if config.get("ref") == "max" else 0.1)


def test_mixing_by_hand() -> None:
    """Powers of 0.001 and, 3 dB louder, of 0.1, in every scale."""
    gain = 10**0.3
    mixed = (1e-3 + gain * 1e-1) / (1 + gain)
    scales: list[tuple[dict[str, Any], Callable[[float], float]]] = [
        (ABSOLUTE, lambda p: 10 * math.log10(p)),
        (LOG | {"power": 1}, lambda p: math.log(p) / 2),
        (LOG | {"power": 2}, math.log),
        (LINEAR | {"power": 1}, math.sqrt),
        (LINEAR | {"power": 2}, float),
    ]
    for scale, of_power in scales:
        quiet, loud = (torch.full((1, 2, 2), of_power(power)) for power in (1e-3, 1e-1))
        found = mixing_of(full(MEL | scale))(quiet, loud, torch.tensor([3.0]))
        assert found.flatten().tolist() == pytest.approx([of_power(mixed)] * 4, rel=1e-5)


def test_decibels_below_the_loudest_cell() -> None:
    relative = mixing_of(small_front_end().config)
    mixed = relative(torch.tensor([[[0.0, -80.0]]]), torch.tensor([[[-3.0, -80.0]]]), torch.zeros(1))
    assert mixed[0, 0].tolist() == pytest.approx([0.0, -80 + 10 * np.log10(2 / (1 + 10**-0.3))], abs=1e-4)
    narrow = mixing_of(full(MEL | {"top_db": 20.0, "ref": 1.0}))
    mixed = narrow(torch.tensor([[[0.0, -20.0]]]), torch.tensor([[[0.0, -30.0]]]), torch.zeros(1))
    assert mixed[0, 0].tolist() == pytest.approx([0.0, -20.0], abs=1e-4)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"cqt", "mel", "stft", "fft", "waveform"}))
def test_features_that_do_not_tell_their_mix_are_refused(kind: str) -> None:
    config = {"kind": kind} | KINDS[kind].parameters.defaults()
    with pytest.raises(UsageError, match=f"'{kind}' features cannot be mixed.*change audio: with im-mix or"):
        Augmenter(BatchAugmentation(mix=0.1), config, 0.0, 1.0)
    with pytest.raises(UsageError, match=f"'{kind}' features cannot be"):
        Augmenter(BatchAugmentation(equalize=3), config, 0.0, 1.0)
    Augmenter(BatchAugmentation(mask=0.1, mixup=0.2), config, 0.0, 1.0)


# Waveforms


@pytest.mark.parametrize("normalize", ["rms", "peak", "none"])
def test_mixed_waveform_features_are_those_of_mixed_waveforms(normalize: str) -> None:
    front_end = from_config({"kind": "waveform", "sampling_rate": RATE, "normalize": normalize})
    waves = torch.randn(12, 400, generator=generator()) * torch.logspace(-2, 1, 12)[:, None]
    targets, known = torch.eye(12), torch.ones(12, 12, dtype=torch.bool)
    mixed, *labels = mix_waveforms(waves, targets, known, 0.7, generator(4))
    features, *others = mix_examples(
        front_end(waves), targets, known, 0.7, mixing_of(front_end.config), generator(4)
    )
    assert torch.allclose(features, front_end(mixed), rtol=1e-4, atol=1e-6)
    assert all(torch.equal(a, b) for a, b in zip(labels, others, strict=True))
    changed = (mixed != waves).any(dim=1)
    assert 3 < changed.sum() < 12
    if normalize == "rms":
        assert features.square().mean(dim=(1, 2)).tolist() == pytest.approx([1.0] * 12, rel=1e-4)


def test_waveforms_are_mixed_at_equal_level_but_for_the_gain() -> None:
    """Of orthogonal waveforms each has its part in the mix, whatever its level was."""
    time = torch.arange(1000) * 2 * math.pi / 1000
    shapes = torch.stack([torch.sin((i + 1) * time) for i in range(30)])
    levels = torch.logspace(-3, 3, 30)[:, None]
    mixed, targets, _ = mix_waveforms(
        shapes * levels, torch.eye(30), torch.ones(30, 30, dtype=torch.bool), 1.0, generator(1)
    )
    parts = (mixed @ shapes.T) / 500 / levels
    gains = []
    for row in range(30):
        (partner,) = [c for c in range(30) if targets[row, c] and c != row] or [row]
        if partner == row:
            continue
        own, other = parts[row, row].item(), parts[row, partner].item()
        gains.append(20 * math.log10(other / own))
        assert own**2 + other**2 == pytest.approx(1.0, rel=1e-3)  # the mix has the level of the first
        rest = parts[row].clone()
        rest[[row, partner]] = 0
        assert rest.abs().max() < 1e-3
    assert len(gains) > 25
    assert -6 <= min(gains) < -3
    assert 3 < max(gains) <= 6


def test_silence_adds_nothing_and_takes_nothing_away() -> None:
    tone = torch.sin(torch.arange(100.0))
    waves = torch.stack([tone * 0.3, torch.zeros(100)])
    targets, known = torch.eye(2), torch.ones(2, 2, dtype=torch.bool)
    seeds = [s for s in range(20) if mix_waveforms(waves, targets, known, 1.0, generator(s))[1].all()]
    assert len(seeds) > 5
    for seed in seeds:
        mixed, _, _ = mix_waveforms(waves, targets, known, 1.0, generator(seed))
        assert torch.allclose(mixed, (tone * 0.3).expand(2, -1), atol=1e-6)
    silent = torch.zeros(2, 100)
    mixed, _, _ = mix_waveforms(silent, targets, known, 1.0, generator())
    assert torch.equal(mixed, silent)


# Labels of mixes


def test_mixing_unites_labels() -> None:
    x = torch.randn(40, 3, 4, generator=generator())
    targets, known = torch.eye(40), torch.ones(40, 40, dtype=torch.bool)
    known[::2, 1::2] = False
    known |= targets > 0
    mixing = mixing_of(full(MEL | ABSOLUTE))
    before = x.clone(), targets.clone(), known.clone()
    out, t, k = mix_examples(x, targets, known, 1.0, mixing, generator(1))
    assert set(t.unique().tolist()) == {0.0, 1.0}
    assert set(t.sum(dim=1).tolist()) <= {1, 2}
    assert (t.sum(dim=1) == 2).sum() > 30
    assert (t >= targets).all()
    assert k[t > 0].all()
    for row in (t.sum(dim=1) == 2).nonzero()[:, 0].tolist():
        partner = int((t[row] - targets[row]).argmax())
        assert torch.equal(k[row], (known[row] & known[partner]) | (t[row] > 0))
    assert x.shape == out.shape
    assert all(torch.equal(a, b) for a, b in zip((x, targets, known), before, strict=True))
    same = mix_examples(x, targets, known, 0.0, mixing, generator(1))
    assert all(torch.equal(a, b) for a, b in zip(same, before, strict=True))


def test_a_third_voice_joins_as_often_as_a_second() -> None:
    count = 4000
    x, targets, known = torch.ones(count, 1, 1), torch.eye(count), torch.ones(count, 1, dtype=torch.bool)
    x, targets = x * torch.arange(count)[:, None, None], torch.eye(count)
    known = torch.ones(count, count, dtype=torch.bool)

    def add(first: torch.Tensor, second: torch.Tensor, gain_db: torch.Tensor) -> torch.Tensor:
        return first + second

    out, t, _ = mix_examples(x, targets, known, 0.4, add, generator(2), voices=3)
    parts = [int((t.sum(dim=1) == voices).sum()) / count for voices in (1, 2, 3)]
    assert parts == pytest.approx([0.6**2, 2 * 0.4 * 0.6, 0.4**2], abs=0.03)
    assert torch.equal(out[:, 0, 0], t @ torch.arange(float(count)))  # of single ones, not of mixes


# Filters, shifts, rolls and masks


@pytest.mark.parametrize("config", SPECTRAL, ids=str)
def test_a_filter_raises_each_bin_by_its_gain(config: dict[str, Any]) -> None:
    config = full(config)
    front_end = from_config(config)
    x = front_end(noises())
    bins = x.shape[1]
    gains = filter_gains(2, bins, 6.0, generator(4))
    filtered = scale_of(config).filter(x, gains)
    assert filtered.shape == x.shape
    assert torch.equal(scale_of(config).filter(x, torch.zeros(2, bins)), x)
    if (config["scale"], config.get("ref")) == ("db", "max"):
        assert filtered.amax(dim=(1, 2)).tolist() == [0.0, 0.0]
        filtered = filtered + (x + gains[:, :, None]).amax(dim=(1, 2), keepdim=True)
        kept = filtered > filtered.amin(dim=(1, 2), keepdim=True) + 1e-3
        assert torch.allclose(filtered[kept], (x + gains[:, :, None])[kept], atol=1e-3)
        return
    decibels = {
        "db": lambda y: y,
        "log": lambda y: 20 / config.get("power", 1) / math.log(10) * y,
        "linear": lambda y: 20 / config.get("power", 1) * y.log10(),
    }[config["scale"]]
    raised = decibels(filtered) - decibels(x)
    assert torch.allclose(raised, gains[:, :, None].expand_as(raised), atol=1e-3)


def test_filters_are_smooth_and_as_strong_as_asked_for() -> None:
    gains = filter_gains(3000, 100, 5.0, generator())
    assert float(gains.square().mean().sqrt()) == pytest.approx(5.0, rel=0.05)
    assert float(gains.mean()) == pytest.approx(0, abs=0.2)
    assert float(gains.diff(dim=1).abs().max()) < 0.2 * float(gains.abs().max())


def test_a_shifted_example_begins_anywhere_and_loses_nothing() -> None:
    x = torch.arange(7.0).expand(80, 2, 7)
    shifted = shift_frames(x, generator())
    starts = {int(row[0, 0]) for row in shifted}
    assert starts == set(range(7))
    for row in shifted:
        assert torch.equal(row[0], torch.arange(7.0).roll(-int(row[0, 0])))
        assert torch.equal(row[0], row[1])


def test_a_crop_is_a_stretch_from_anywhere() -> None:
    x = torch.arange(8.0).expand(80, 2, 8)
    cropped = crop_frames(x, 0.6, generator())
    assert cropped.shape == (80, 2, 5)
    assert {int(row[0, 0]) for row in cropped} == {0, 1, 2, 3}
    for row in cropped:
        assert torch.equal(row[0], row[0, 0] + torch.arange(5.0))
        assert torch.equal(row[0], row[1])
    assert crop_frames(x, 0.01, generator()).shape == (80, 2, 1)
    assert torch.equal(crop_frames(x, 1.0, generator()), x)


def test_rolling_shifts_bins_and_repeats_the_edge() -> None:
    x = torch.arange(8.0).reshape(1, 8, 1).expand(50, 8, 3)
    shifts = set()
    for row in roll_bins(x, 2, generator()):
        shift = next(s for s in range(-2, 3) if torch.equal(row[:, 0], (torch.arange(8.0) - s).clamp(0, 7)))
        shifts.add(shift)
    assert shifts == {-2, -1, 0, 1, 2}


def test_a_chromagram_rolls_in_a_circle() -> None:
    x = torch.arange(12.0).reshape(1, 12, 1).expand(60, 12, 3)
    config = {"kind": "chroma"} | KINDS["chroma"].parameters.defaults()
    augment = Augmenter(BatchAugmentation(roll=2), config, 0.0, 1.0)
    rolled, _, _ = augment(x, torch.zeros(60, 1), torch.ones(60, 1, dtype=torch.bool), generator())
    shifts = {
        next(s for s in range(-2, 3) if torch.equal(row[:, 0], torch.arange(12.0).roll(s))) for row in rolled
    }
    assert shifts == {-2, -1, 0, 1, 2}


def test_masks_hide_bands_behind_the_mean() -> None:
    x = torch.ones(200, 30, 40)
    masked = mask_bands(x, 0.2, generator())
    bins = (masked.amax(dim=2) == 0).sum(dim=1)
    frames = (masked.amax(dim=1) == 0).sum(dim=1)
    assert bins.max() <= 12
    assert frames.max() <= 16
    assert bins.max() >= 8
    assert bins.min() <= 2
    assert set(masked.unique().tolist()) == {0.0, 1.0}


def test_masks_of_a_waveform_hide_stretches_alone() -> None:
    masked = mask_bands(torch.ones(200, 1, 1000), 0.3, generator())
    hidden = (masked == 0).float().mean(dim=(1, 2))
    assert 0.4 < hidden.max() <= 0.6
    assert masked.amax(dim=2).min() == 1.0


# Mixup


def test_mixup_blends_examples_and_targets_alike() -> None:
    x, targets = torch.randn(50, 2, 3, generator=generator()), torch.eye(50)
    known = torch.ones(50, 50, dtype=torch.bool)
    known[::2, 1::2] = False
    known |= targets > 0
    blended, t, k = mixup(x, targets, known, 1.0, generator(2))
    assert t.sum(dim=1).tolist() == pytest.approx([1.0] * 50)
    # Targets of all classes say what the blend is made of.
    assert torch.allclose(torch.einsum("ij,jkl->ikl", t, x), blended, atol=1e-5)
    partners = _partners(50, 2)
    assert ((t > 0) == ((targets + targets[partners]) > 0)).all()
    assert torch.equal(k, known & known[partners])
    assert 0.3 < t.diagonal().mean() < 0.7


@pytest.mark.parametrize("alpha", [0.2, 1.0, 8.0])
def test_parts_follow_the_beta_distribution(alpha: float) -> None:
    count = 4000
    x = torch.arange(float(count)).reshape(count, 1, 1)
    blended, t, _ = mixup(x, torch.ones(count, 1), torch.ones(count, 1, dtype=torch.bool), alpha, generator())
    assert (t == 1).all()  # blends of equal targets are these targets exactly
    partners = x[_partners(count), :, :]
    moved = (partners != x)[:, 0, 0]
    parts = ((blended - partners) / (x - partners))[moved, 0, 0]
    assert kstest(parts.double().numpy(), beta(alpha, alpha).cdf).pvalue > 0.01


def _partners(count: int, seed: int = 0) -> torch.Tensor:
    """The partners that a fresh generator gives: drawn after the seed of the parts."""
    chance = generator(seed)
    torch.randint(2**63 - 1, (), generator=chance)
    return torch.randperm(count, generator=chance)


# All of it


def test_without_changes_examples_are_standardised_alone() -> None:
    x, targets = torch.randn(6, 3, 4, generator=generator()), torch.eye(6)
    known = torch.ones(6, 6, dtype=torch.bool)
    state = generator(3)
    out, t, k = Augmenter(BatchAugmentation(), small_front_end().config, 2.0, 0.5)(x, targets, known, state)
    assert torch.equal(out, (x - 2.0) / 0.5)
    assert torch.equal(t, targets)
    assert torch.equal(k, known)
    assert torch.equal(state.get_state(), generator(3).get_state())


def test_steps_follow_one_another() -> None:
    """What changes sounds sees what the front end gave, each first; masks and mixup the standardised."""
    front_end = from_config(MEL | ABSOLUTE)
    x = front_end(torch.randn(8, RATE, generator=generator()))
    targets, known = torch.eye(8), torch.ones(8, 8, dtype=torch.bool)
    change = BatchAugmentation(
        mix=0.8, voices=3, crop=0.5, shift=True, equalize=4.0, roll=2, mask=0.2, mixup=0.4
    )
    found = Augmenter(change, front_end.config, -30.0, 12.0)(x, targets, known, generator(9))
    chance = generator(9)
    out = roll_bins(shift_frames(crop_frames(x, 0.5, chance), chance), 2, chance)
    scale = scale_of(front_end.config)
    out = scale.filter(out, filter_gains(8, x.shape[1], 4.0, chance))
    out, t, k = mix_examples(out, targets, known, 0.8, mixing_of(front_end.config), chance, 3)
    out = (out + 30.0) / 12.0
    expected = mixup(mask_bands(out, 0.2, chance), t, k, 0.4, chance)
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    again = Augmenter(change, front_end.config, -30.0, 12.0)(x, targets, known, generator(9))
    assert all(torch.equal(a, b) for a, b in zip(found, again, strict=True))
    whole = Augmenter(BatchAugmentation(crop=0.5), front_end.config, 0.0, 1.0)(
        x, targets, known, generator(), 0.8
    )
    assert torch.equal(whole[0], x)


def test_augmentation_is_off_by_default_and_checked() -> None:
    assert BatchAugmentation() == BatchAugmentation(0.0, 2, 0.0, False, 0.0, 0, 0.0, 0.0)
    assert (TrainConfig().mix, TrainConfig().roll, TrainConfig().mask) == (0.0, 0, 0.0)
    for wrong in (
        {"mix": 1.5},
        {"voices": 1},
        {"crop": 1.1},
        {"equalize": -1.0},
        {"roll": -1},
        {"mask": 1.0},
        {"mixup": -0.1},
        {"mixup": math.inf},
    ):
        with pytest.raises(UsageError):
            BatchAugmentation(**wrong)  # type: ignore[arg-type]
    waveform = full({"kind": "waveform"})
    with pytest.raises(UsageError, match="single bin"):
        Augmenter(BatchAugmentation(roll=1), waveform, 0.0, 1.0)
    Augmenter(BatchAugmentation(mix=0.5, mask=0.1, mixup=0.2), waveform, 0.0, 1.0)
