"""The model card: what its users have to know about a model, with figures of this training only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..manifest import Record
from ..models.description import Description
from .examples.data import Examples
from .loop.trained import Trained
from .plan import Plan
from .protocol.config import TrainConfig

_NOT_TRAINED = ("running_mean", "running_var", "num_batches_tracked", "offset")
_OF_SVM = (
    "architecture", "strategy", "features", "classes", "unlisted", "folds", "division", "aggregation",
    "stereo", "hop", "seed", "name",
)  # fmt: skip
"""Settings that mean something to support vectors."""

_NO_LICENSE = (
    "The records do not name the licence of their audio. Weights may be bound by it: find out before you "
    "pass them on."
)


def model_card(description: Description, plan: Plan, trained: Sequence[Trained], examples: Examples) -> str:
    """Return the card as Markdown, with ``{name}`` where `imtools.models.bundle.save` inserts the full name.

    Parameters
    ----------
    description : Description
        Of the whole model.
    plan : Plan
        Of this training.
    trained : sequence of Trained
        The nets of this training.
    examples : Examples
        The examples of this training.

    Returns
    -------
    str
        The text.
    """
    config = plan.config
    parts = [
        "# {name}",
        _what(description, trained[0]),
        "## Use\n\n```sh\nim-predict -m . song.flac\n```",
        "## Training data\n\n" + _before(plan) + _data(description, trained, examples, plan.records),
        "## Training\n\n" + _settings(config),
        "## Validation\n\n" + _validation(config, trained),
        "## Licence\n\n" + _license(description),
    ]
    return "\n\n".join(parts) + "\n"


def _what(description: Description, trained: Trained) -> str:
    bins, frames = description.shape
    members = len(description.members)
    nets = "one net" if members == 1 else f"{members} nets, whose scores are averaged"
    if description.strategy == "one-vs-all":
        nets = f"{members} nets, each for one class"
    parameters = sum(
        tensor.numel() for key, tensor in trained.state.items() if not key.endswith(_NOT_TRAINED)
    )
    windows = {
        "mean": "Scores of windows are averaged.",
        "top-quarter": "Of the scores of windows, the highest quarter of each class is averaged.",
        "logit-mean": "Logits of windows are averaged.",
        "max": "The highest score of any window counts.",
        "s2": "Scores of windows are added up and divided by the largest sum of any class (S2).",
    }
    streams = ""
    if description.stereo:
        streams = " Left, right, middle and side of a recording are scored separately; the maximum counts."
    return (
        f"Recognises {len(description.labels)} classes of instruments "
        f"({', '.join(description.labels)}) in windows of {description.window:g} s: {nets}, of architecture "
        f"`{description.architecture}` at width {description.width:g} ({parameters} parameters each, "
        f"{description.strategy}), on `{description.front_end['kind']}` features of {bins} bins x {frames} "
        f"frames at {description.sampling_rate} Hz. {windows[description.aggregation]}{streams}"
    )


def _before(plan: Plan) -> str:
    if plan.base is None:
        return ""
    name, text = plan.base.name, "The weights that training started from are those of {}."
    if plan.extended is not None:
        text = "Members of {} were taken over as they are; this is about those that were added."
    return text.format(name) + "\n\n"


def _data(
    description: Description, trained: Sequence[Trained], examples: Examples, records: Sequence[Record]
) -> str:
    used = np.unique(np.concatenate([np.r_[one.fold.train, one.fold.validation] for one in trained]))
    sources = sorted({str(records[i].source.get("dataset", "unnamed")) for i in used})
    rows = ["| class | present | known absent |", "|---|---:|---:|"]
    for column, label in enumerate(description.labels):
        present, known = examples.present[used, column], examples.known[used, column]
        rows.append(f"| {label} | {int(present.sum())} | {int((known & ~present).sum())} |")
    head = f"{len(used)} records of: {', '.join(sources)}. Records by class:"
    return head + "\n\n" + "\n".join(rows)


def _settings(config: TrainConfig) -> str:
    rows = ["| setting | value |", "|---|---|"]
    settings = config.to_json()
    if config.strategy == "svm":
        settings = {name: settings[name] for name in _OF_SVM}
    rows += [f"| {name} | {_shown(value)} |" for name, value in settings.items()]
    return "\n".join(rows)


def _shown(value: object) -> str:
    if value is None:
        return "-"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _validation(config: TrainConfig, trained: Sequence[Trained]) -> str:
    names = list(trained[0].best.validation())
    chosen = "its last epoch, on the records that it was not trained on."
    if config.keep == "best":
        chosen = (
            "its best epoch (lowest loss), on the records that it was not trained on. The epoch was chosen "
            "on the same records, so the figures are somewhat too good."
        )
    head = f"Each member after {chosen} Decisions at threshold 0.5; top1 over the records with one label."
    rows = [f"| member | records | epoch | {' | '.join(names)} |", "|---|" + "---:|" * (2 + len(names))]
    for one in trained:
        values = one.best.validation()
        shown = ["-" if (value := values[name]) is None else f"{value:.3f}" for name in names]
        member = one.fold.name if one.label is None else f"{one.fold.name}, {one.label}"
        rows.append(f"| {member} | {len(one.fold.validation)} | {one.best.epoch} | {' | '.join(shown)} |")
    if flagged := [one for one in trained if one.degenerate]:
        which = "It gives"
        if len(flagged) < len(trained):
            which = ", ".join(one.label or one.fold.name for one in flagged) + ":"
        rows.append(f"\n**{which} nearly the same answer for every input: it has learnt nothing of use.**")
    return head + "\n\n" + "\n".join(rows)


def _license(description: Description) -> str:
    licenses = description.training["licenses"]
    if not licenses:
        return _NO_LICENSE
    return f"Trained on audio under {', '.join(licenses)}: the weights may be bound by those terms."
