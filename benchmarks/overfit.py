"""Whether each net can learn 64 real clips by heart: the least that a net has to be able to do.

    python -m benchmarks.overfit [--width 1] [--minutes 10] [NAME...]

The clips are the first seconds of the bundled recordings, eight classes, through the front end of the net's
paper. For each net: its accuracy on those clips (the class with the highest score, dropout switched off)
when it first got more than 95 % of them right, or when it ran out of steps or time; steps; seconds.
"""

from __future__ import annotations

import argparse
import time
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, one_hot

from benchmarks.chain import AUDIO
from imtools.audio.load import load
from imtools.device import place, tune_malloc
from imtools.features import front_end
from imtools.manifest.stream import read_manifest
from imtools.models import ARCHITECTURES, build
from imtools.segment import segment_record

CLIPS, SECONDS, BATCH = 64, 1.0, 32
ENOUGH = 0.95


class Settings(NamedTuple):
    """How a net is trained here: what the slow learners need is found by trial.

    Attributes
    ----------
    rate : float
        Adam's learning rate.
    clip : float
        Largest norm of the gradient.
    steps : int
        How many at most.
    every : int
        Steps between two looks at the accuracy.
    samples : int or None
        Of waveforms, only so many of the last samples: a second has 22050, one step of a GRU for each three
        of them, and takes hours on a processor.
    """

    rate: float = 1e-3
    clip: float = 1.0
    steps: int = 400
    every: int = 8
    samples: int | None = None


_RECURRENT = Settings(rate=1e-2, steps=600, every=20, samples=600)

SETTINGS: dict[str, Settings] = {
    "avramidis2021-crnn2": Settings(samples=7350),
    "avramidis2021-bigru-128": _RECURRENT,
    "avramidis2021-bigru-256": _RECURRENT,
    "avramidis2021-bigru-128-64": _RECURRENT,
    "vaznonis2022-lstm": Settings(rate=3e-3, steps=600, every=20),
    "vaznonis2022-fft": Settings(rate=1e-4),  # the paper's
}
"""Those that differ from the defaults, by net.

At 0.001 the recurrent nets on bare waveforms get there too slowly.
"""


class Result(NamedTuple):
    """What came of it: accuracy on the clips (0 to 1), steps and seconds of training."""

    accuracy: float
    steps: int
    seconds: float


@cache
def clips(preset: str) -> tuple[Tensor, Tensor]:
    """Return the features (clips, bins, frames) of the first clips, standardised, and their classes.

    Every recording gives its first second, then every recording its second one, until there are enough.
    """
    features = front_end(preset)
    records = list(read_manifest(AUDIO / "manifest.jsonl"))
    cut = [segment_record(record, length=SECONDS, sampling_rate=features.sampling_rate) for record in records]
    chosen = [pieces[0] for pieces in cut] + [pieces[1] for pieces in cut]
    names = sorted({record.labels[0].label for record in records})
    classes = torch.tensor([names.index(record.labels[0].label) for record in chosen[:CLIPS]])
    with torch.inference_mode():
        rows = [features(torch.from_numpy(load(record))[None])[0] for record in chosen[:CLIPS]]
    stacked = torch.stack(rows).clone()
    return (stacked - stacked.mean()) / stacked.std(), classes


def loss_of(name: str, logits: Tensor, classes: Tensor) -> Tensor:
    """Return the paper's loss: categorical cross-entropy, or a binary one for each class."""
    if ARCHITECTURES[name].strategy == "single-label":
        return cross_entropy(logits, classes)
    return binary_cross_entropy_with_logits(logits, one_hot(classes, logits.shape[1]).float())


@torch.inference_mode()
def accuracy(net: nn.Module, features: Tensor, classes: Tensor) -> float:
    """Return the share of clips whose class has the highest score, as the net answers in use."""
    net.eval()
    right = (net(features).argmax(dim=1) == classes).float().mean()
    net.train()
    return float(right)


def overfit(
    name: str,
    features: Tensor,
    classes: Tensor,
    *,
    width: float = 1.0,
    settings: Settings | None = None,
    minutes: float = 10.0,
    seed: int = 0,
) -> Result:
    """Train a net on some clips until it knows them.

    Parameters
    ----------
    name : str
        A key of ``ARCHITECTURES``, of which the strategy is not ``"svm"``.
    features, classes : Tensor, shapes (clips, bins, frames) and (clips,)
        As `clips` gives them.
    width : float
        Of the net.
    settings : Settings, optional
        By default those of ``SETTINGS``.
    minutes : float
        How long at most.
    seed : int
        Of weights, order of clips and dropout.
    """
    settings = settings or SETTINGS.get(name, Settings())
    torch.manual_seed(seed)
    if settings.samples is not None:
        features = features[:, :, -settings.samples :]
    shape = (features.shape[1], features.shape[2])
    net = build(name, num_classes=int(classes.max()) + 1, input_shape=shape, width=width)
    net = place(net, features.device).train()
    optimiser = torch.optim.Adam(net.parameters(), settings.rate)
    begin, reached, order = time.perf_counter(), 0.0, torch.empty(0, dtype=torch.long)
    for step in range(1, settings.steps + 1):
        if len(order) < BATCH:
            order = torch.randperm(len(features))
        batch, order = order[:BATCH], order[BATCH:]
        loss = loss_of(name, net(features[batch]), classes[batch])
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), settings.clip)
        optimiser.step()
        late = time.perf_counter() - begin > 60 * minutes
        if step % settings.every == 0 or step == settings.steps or late:
            reached = accuracy(net, features, classes)
            if reached > ENOUGH or late:
                break
    return Result(reached, step, time.perf_counter() - begin)


def main(arguments: list[str] | None = None) -> None:
    """Print one line for each net."""
    nets = [name for name, architecture in ARCHITECTURES.items() if architecture.strategy != "svm"]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="nets; by default all")
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--minutes", type=float, default=10.0, help="at most, for each net")
    options = parser.parse_args(arguments)
    tune_malloc()
    print(f"{CLIPS} clips of {SECONDS:g} s, width {options.width:g}, {torch.get_num_threads()} threads\n")
    for name in options.names or nets:
        features, classes = clips(ARCHITECTURES[name].front_end)
        result = overfit(name, features, classes, width=options.width, minutes=options.minutes)
        least = SETTINGS.get(name, Settings()).samples
        short = "" if least is None else f"  (the last {least} samples)"
        told = f"{100 * result.accuracy:5.1f} %  {result.steps:5d} steps  {result.seconds:7.1f} s"
        print(f"  {name:27s} {told}{short}", flush=True)


if __name__ == "__main__":
    main()
