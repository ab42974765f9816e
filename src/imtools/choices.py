"""The values of parameters with a choice: defined once, for the library and for the command line.

Each choice is a ``Literal`` for annotations and a tuple for checks and options. Nothing is imported here
besides typing, so that help texts can list the values without loading what implements them; a new choice is
added here and where it is implemented.
"""

from __future__ import annotations

from typing import Literal, get_args

Precision = Literal["auto", "fp32", "bf16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)

AudioFormat = Literal["flac", "wav"]
AUDIO_FORMATS: tuple[AudioFormat, ...] = get_args(AudioFormat)

PictureFormat = Literal["png", "svg", "pdf"]
PICTURE_FORMATS: tuple[PictureFormat, ...] = get_args(PictureFormat)

Stretcher = Literal["rubberband", "signalsmith"]
STRETCHERS: tuple[Stretcher, ...] = get_args(Stretcher)

Renderer = Literal["float", "pydub"]
RENDERERS: tuple[Renderer, ...] = get_args(Renderer)

SyncName = Literal["none", "genre", "pitch", "tempo", "key"]
SYNCS: tuple[SyncName, ...] = get_args(SyncName)

F0Method = Literal["crepe", "crepe-tiny", "crepe-original", "pyin"]
F0_METHODS: tuple[F0Method, ...] = get_args(F0Method)

NoiseColor = Literal["white", "pink", "brown"]
NOISE_COLORS: tuple[NoiseColor, ...] = get_args(NoiseColor)

Tail = Literal["drop", "pad", "keep"]
TAILS: tuple[Tail, ...] = get_args(Tail)

Level = Literal["rms", "peak"]
LEVELS: tuple[Level, ...] = get_args(Level)
"""What waveforms may be divided by."""

ChromaNorm = Literal["max", "sum", "energy", "none"]
CHROMA_NORMS: tuple[ChromaNorm, ...] = get_args(ChromaNorm)

Scale = Literal["db", "log", "linear"]
SCALES: tuple[Scale, ...] = get_args(Scale)

FeatureDtype = Literal["float32", "float16"]
FEATURE_DTYPES: tuple[FeatureDtype, ...] = get_args(FeatureDtype)

Strategy = Literal["multi-label", "single-label", "one-vs-all", "svm"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)

ScheduleKind = Literal["decay", "onecycle", "cosine"]
SCHEDULES: tuple[ScheduleKind, ...] = get_args(ScheduleKind)

Keep = Literal["best", "last"]
KEPT_EPOCHS: tuple[Keep, ...] = get_args(Keep)

Aggregation = Literal["mean", "top-quarter", "logit-mean", "s2", "max"]
AGGREGATIONS: tuple[Aggregation, ...] = get_args(Aggregation)

Unlisted = Literal["unknown", "absent"]
UNLISTED: tuple[Unlisted, ...] = get_args(Unlisted)

Rule = Literal["mean", "logit-mean", "max", "vote", "all"]
RULES: tuple[Rule, ...] = get_args(Rule)

Objective = Literal["f1", "f0.5", "f2", "accuracy", "youden", "prevalence", "precision"]
OBJECTIVES: tuple[Objective, ...] = get_args(Objective)

Origin = Literal["labels", "predictions"]
ORIGINS: tuple[Origin, ...] = get_args(Origin)

ClassMetric = Literal["f1", "auc", "ap", "precision", "recall", "accuracy"]
CLASS_METRICS: tuple[ClassMetric, ...] = get_args(ClassMetric)

ClassRatio = Literal["tpr", "accuracy"]
CLASS_RATIOS: tuple[ClassRatio, ...] = get_args(ClassRatio)

PredictionFormat = Literal["jsonl", "csv", "table"]
PREDICTION_FORMATS: tuple[PredictionFormat, ...] = get_args(PredictionFormat)

ScoreFormat = Literal["table", "jsonl", "csv"]
SCORE_FORMATS: tuple[ScoreFormat, ...] = get_args(ScoreFormat)

Engine = Literal["local", "dask"]
ENGINES: tuple[Engine, ...] = get_args(Engine)
