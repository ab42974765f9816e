"""Training a model from records: the library function behind im-train."""

from __future__ import annotations

import os
from collections.abc import Iterable

import torch

from ..choices import Precision
from ..device import resolve_device, resolve_precision
from ..errors import ModelError
from ..manifest import Record
from ..models.description import Description
from .examples.load import OnFailure, load_rows, split_usable
from .examples.waveforms import choose_front_end, shape_of
from .fit import fit
from .loop.processes import Processes
from .monitor import Monitor
from .plan import Plan, make_plan
from .pretrained import read_base
from .protocol.resolve import default_front_end, resolve_settings
from .protocol.settings import TrainSettings

_Path = str | os.PathLike[str]


def plan_training(
    records: Iterable[Record],
    settings: TrainSettings | None = None,
    *,
    preset: str | None = None,
    protocol: str | None = None,
    on_the_fly: bool = False,
    extend: _Path | None = None,
    init: _Path | None = None,
    folder: _Path | None = None,
) -> Plan:
    """Plan a training, and check what can be checked before anything is loaded, computed or written.

    Parameters
    ----------
    records, settings, preset, protocol, on_the_fly, extend, init
        As for `train_model`. The records are not iterated over before the settings have been checked.
    folder : path, optional
        Where the model will go.

    Returns
    -------
    Plan
        Settings, front end, folds, and the records that can be used.

    Raises
    ------
    UsageError, FeatureError, ModelError
        As for `train_model`.
    """
    base = read_base(extend, init, folder=folder)
    description = None if base is None else base.description
    config = resolve_settings(settings or TrainSettings(), protocol=protocol, base=description)
    every = list(records)
    if not every:
        raise ModelError("there are no records to train on", "give a manifest of labelled records")
    front_end = choose_front_end(
        every, config.features, preset, default_front_end(config.architecture, description)
    )
    if on_the_fly:
        every = [record.replace(features={}) for record in every]
    usable, faulty = split_usable(every, front_end)
    return make_plan(
        usable,
        config,
        front_end,
        shape_of(usable, front_end),
        on_the_fly=on_the_fly,
        base=base,
        faulty=faulty,
    )


def train_model(
    records: Iterable[Record],
    folder: _Path,
    settings: TrainSettings | None = None,
    *,
    preset: str | None = None,
    protocol: str | None = None,
    on_the_fly: bool = False,
    extend: _Path | None = None,
    init: _Path | None = None,
    device: torch.device | str = "auto",
    precision: Precision = "auto",
    jobs: int = 1,
    resume: bool = False,
    on_failure: OnFailure | None = None,
    monitor: Monitor | None = None,
    processes: Processes | None = None,
) -> Description:
    """Train a model on labelled records, and write it to a directory.

    Features that the records have stored are read; those of records with audio or a mix recipe only are
    computed, and kept in memory. Records with folds give one member of the model for each fold, trained on
    the others and validated on it; without folds, the split ``"validation"`` validates; without that, the
    recordings are divided by chance. Records of the split ``"test"`` are left out.

    Parameters
    ----------
    records : iterable of Record
        With labels, and features, audio or mix recipes.
    folder : path
        The model directory, made if it does not exist; a model in it is replaced. An interrupted training
        leaves checkpoints there.
    settings : TrainSettings, optional
        What is left out follows the protocol of the architecture's paper.
    preset : str, optional
        Front end for records without stored features, a key of ``imtools.features.PRESETS``; by default
        that of stored features, of the model that the training builds on, or of the architecture's paper.
    protocol : str, optional
        Train as the paper of this model does; by default the one that is trained.
    on_the_fly : bool
        Keep waveforms, and compute the features of each batch: the setting ``mix`` then mixes waveforms.
    extend : path, optional
        A one-vs-all model to add classes to; its members stay as they are.
    init : path, optional
        A model from whose weights to start (``"bundled"``: the one that comes with imtools).
    device : torch.device or str
        Where to compute: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.
    precision : {"auto", "fp32", "bf16"}
        Arithmetic of the net.
    jobs : int
        Threads that decode audio.
    resume : bool
        Go on from the checkpoints that an interrupted training with the same arguments left in the folder.
    on_failure : callable, optional
        Called with each record that cannot be loaded and the error, and the training goes on without it; by
        default the first such error is raised.
    monitor : Monitor, optional
        Follows the progress.
    processes : Processes, optional
        Which of several processes that train together this is.

    Returns
    -------
    Description
        Of the model in the folder; `imtools.load_model` loads it.

    Raises
    ------
    UsageError
        If settings, records and models do not go together.
    FeatureError
        If the records have features of different front ends or shapes.
    ModelError
        If there are no records, nothing can be learnt from them, or a model cannot be read.
    ImtoolsError
        Without ``on_failure``: what is wrong with the first bad record.

    Warns
    -----
    ImtoolsWarning
        If single classes have no known positives or negatives, or a net gives all records the same scores.

    Examples
    --------
    >>> from imtools.train import TrainSettings, train_model
    >>> settings = TrainSettings(architecture="avramidis2021-fcn", epochs=30, unlisted="absent")
    >>> description = train_model(records, "model", settings)  # doctest: +SKIP
    """
    monitor, processes = monitor or Monitor(), processes or Processes()
    target = resolve_device(device) if isinstance(device, str) else device
    dtype = resolve_precision(precision, target, training=True)
    plan = plan_training(
        records,
        settings,
        preset=preset,
        protocol=protocol,
        on_the_fly=on_the_fly,
        extend=extend,
        init=init,
        folder=folder,
    )
    report_failure = on_failure or _raise
    if on_failure is None and plan.faulty:
        raise plan.faulty[0][1]
    if processes.leads:
        monitor.started()
    processes.wait()
    for record, error in plan.faulty:
        report_failure(record, error)
    good, rows = load_rows(
        plan.records,
        plan.front_end,
        on_the_fly=on_the_fly,
        device=target,
        jobs=jobs,
        on_failure=report_failure,
        monitor=monitor,
    )
    with monitor.clock.measure("training"):
        return fit(
            folder,
            plan.for_records(good),
            rows,
            device=target,
            dtype=dtype,
            processes=processes,
            resume=resume,
            report=monitor.epoch,
        )


def _raise(record: Record, error: Exception) -> None:
    raise error
