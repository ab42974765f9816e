"""Pictures: what is drawn is what the data say, it can be read, and the same data give the same bytes."""

from __future__ import annotations

import io
import json
import math
import shlex
import struct
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from imtools.choices import PICTURE_FORMATS
from imtools.cli.plot import KINDS, command
from imtools.errors import ImtoolsError, ManifestError, ModelError, UsageError
from imtools.features import PRESETS
from imtools.manifest import Label, Prediction, Record, read_manifest, write_manifest
from imtools.plot import render_svg, style
from imtools.plot.activity import activity_of, draw_activity
from imtools.plot.bins import Bins, bins_of
from imtools.plot.confusion import against_rest, draw_against_rest, draw_confusion
from imtools.plot.difference import draw_differences
from imtools.plot.envelope import envelope
from imtools.plot.history import read_history
from imtools.plot.polyphony import draw_polyphony, draw_polyphony_by_class
from imtools.plot.render import render
from imtools.plot.spectrogram import Panel, draw_spectrograms
from imtools.plot.threshold import Sweep, draw_thresholds
from imtools.plot.training import draw_training
from imtools.plot.waveform import Span, Wave, draw_waveforms
from imtools.score.grid import count_on_grid
from imtools.score.reading import read_scores
from imtools.score.result import ScoreReport
from imtools.sound.recipe import MixTrack, Recipe
from workspace import RATE, write_note

CLASSES = ["cel", "flu", "vio"]
LONG = [f"instrument number {n} of the orchestra" if n % 3 else f"class{n:02d}" for n in range(24)]


# ----------------------------------------------------------------------------------------------- the inputs


def score_rows(model: str, seed: int, classes: list[str] = CLASSES, baseline: str | None = "mono@0") -> list:
    """A score file as im-score writes it, with made-up numbers."""
    random = np.random.default_rng(seed)

    def counts() -> dict[str, int]:
        return dict(zip(("tp", "fp", "fn", "tn"), random.integers(1, 99, 4).tolist(), strict=True))

    levels = []
    for p in range(11):
        scores = {"iou": round(1 / (p + 1), 3), "emr": round(0.9 ** (5 * p), 3)}
        each = {}
        for name in classes:
            tpr = None if p == 0 else round(random.random(), 3)
            each[name] = {"tpr": tpr, "accuracy": 0.9 - p / 50} | counts()
        levels.append({"polyphony": p, "num_items": 100 + p} | scores | {"classes": each})
    matrix = random.integers(0, 20, (len(classes), len(classes)))
    matrix[-1] = 0
    head = {"schema": "imtools/scores/1", "model": model}
    other = None if baseline is None else {"model": baseline, "num_items": 1100}
    confusion = {"classes": classes, "counts": matrix.astype(float).tolist()}
    rows = [head | {"label": None, "levels": levels, "confusion": confusion, "baseline": other}]
    for place, name in enumerate(classes):
        difference = round(random.uniform(-0.1, 0.15), 4)
        figure = {"value": 0.3 + place / 100, "difference": difference}
        figure |= {"low": difference - 0.05, "high": difference + 0.06}
        rows.append(head | {"label": name, "baseline": other and {"f1": figure, "recall": figure}} | counts())
    return rows


def write_scores(path: Path, *arguments, **more) -> Path:
    rows = score_rows(*arguments, **more)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def write_model(folder: Path, folds: int = 2, epochs: int = 5) -> Path:
    """A model directory, as far as its history goes; fold 1 was stopped an epoch before fold 0."""
    folder.mkdir(parents=True)
    lines, members = [], []
    for fold in range(folds):
        for epoch in range(epochs - (fold == 1)):
            metrics = {"lrap": 0.5 + epoch / 20, "f1_micro": None}
            losses = {"train_loss": 1 / (epoch + 1 + fold), "validation_loss": 1.1 / (epoch + 1 + fold)}
            lines.append({"fold": fold, "label": None, "epoch": epoch} | losses | {"metrics": metrics})
        members.append({"fold": fold, "label": None, "epoch": epochs - 2})
    (folder / "history.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "model.json").write_text(json.dumps({"members": members}))
    return folder


def predicted(model: str = "net@0", windows: bool = False) -> list[Record]:
    random = np.random.default_rng(3)
    records = []
    for number in range(12):
        label = CLASSES[number % 3]
        scores = [round(float(x), 3) for x in random.random(3)]
        predictions = [Prediction(model, name, score) for name, score in zip(CLASSES, scores, strict=True)]
        if windows:
            predictions += [
                Prediction(model, name, 0.1 * k, 0.5 * k, 1.0) for k in range(4) for name in CLASSES
            ]
        labels = [Label(label), Label("cel", start=0.25, duration=1.0)]
        records.append(
            Record(f"r{number}", f"{number}.wav", 0.0, 2.5, RATE, 5 * RATE // 2, labels=labels,
                   labels_complete=True, predictions=predictions)
        )  # fmt: skip
    return records


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Path:
    """All files that the examples of the help name, except those of im-predict."""
    folder = tmp_path_factory.mktemp("plots")
    records = []
    for number, label in enumerate(("cel", "vio")):
        write_note(folder / f"{label}.wav", label, number, 1.0)
        records.append(
            Record(label, str(folder / f"{label}.wav"), 0.0, 1.0, RATE, RATE, labels=[Label(label)])
        )
    mix = Recipe("pitch", 0, [MixTrack.from_record(record) for record in records]).to_json()
    records.append(Record("mix", None, 0.0, 1.0, RATE, RATE, labels=[Label("cel"), Label("vio")], mix=mix))
    write_manifest(folder / "segments.jsonl", records)
    write_note(folder / "song.flac", "cel", 3, 1.0)
    write_manifest(folder / "predictions.jsonl", predicted())
    write_manifest(folder / "windows.jsonl", predicted(windows=True)[:1])
    write_model(folder / "model")
    for seed, name in enumerate(("scores", "pitch-scores", "tempo-scores")):
        write_scores(folder / f"{name}.jsonl", f"{name}@{seed}", seed)
    return folder


INPUTS = {
    "spectrogram": ["segments.jsonl"], "waveform": ["segments.jsonl"], "activity": ["windows.jsonl"],
    "threshold": ["predictions.jsonl"], "reliability": ["predictions.jsonl"], "training": ["model"],
    "difference": ["pitch-scores.jsonl", "tempo-scores.jsonl"], "polyphony": ["scores.jsonl"],
    "confusion": ["scores.jsonl"],
}  # fmt: skip


def call(*arguments: str | Path) -> None:
    """Run im-plot in this process."""
    command.main([str(argument) for argument in arguments], "im-plot", standalone_mode=False)


def drawn(figure: Figure) -> Figure:
    """Lay a figure out, as saving it would."""
    with style.style():
        figure.draw_without_rendering()
    return figure


def assert_nothing_overlaps(figure: Figure) -> None:
    """No two texts on one axis, and none of those beside lines, lie on each other; all are on the paper."""
    drawn(figure)
    page = figure.bbox
    for ax in figure.axes:
        texts = [_shown(ax.xaxis), _shown(ax.yaxis), [text for text in ax.texts if not text.get_clip_on()]]
        for boxes in ([text.get_window_extent() for text in some] for some in texts):
            for one, other in combinations(boxes, 2):
                across = min(one.x1, other.x1) - max(one.x0, other.x0)
                along = min(one.y1, other.y1) - max(one.y0, other.y0)
                assert across < 1.5 or along < 1.5
            for box in boxes:
                assert box.x0 > -1
                assert box.x1 < page.width + 1
                assert box.y0 > -1
                assert box.y1 < page.height + 1


def _shown(axis) -> list:
    """The labels of the ticks that are in view."""
    low, high = sorted(axis.get_view_interval())
    ticks = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    return [tick.label1 for tick in ticks if tick.label1.get_visible() and tick.label1.get_text()]


# ------------------------------------------------------------------------------------------------- the files


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_draws_a_png_of_the_requested_size(kind: str, shop: Path, tmp_path: Path, capfd) -> None:
    target = tmp_path / "new" / "a b.png"
    inputs = [shop / name for name in INPUTS[kind]]
    call(kind, "-o", target, "--width", "single", "--dpi", "100", "--title", "A title", *inputs)
    data = target.read_bytes()
    assert data.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", data[16:24])
    assert width == pytest.approx(8.5 / 2.54 * 100, abs=1)
    line = json.loads(capfd.readouterr().out)
    assert line["picture"] == str(target)
    assert line["kind"] == kind
    assert line["width_cm"] == 8.5
    assert line["height_cm"] == pytest.approx(height / 100 * 2.54, abs=0.05)
    assert line["bytes"] == len(data)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_goes_to_standard_output_as_svg(kind: str, shop: Path, capfdbinary) -> None:
    call(kind, "--format", "svg", "--width", "double", *(shop / name for name in INPUTS[kind]))
    written = capfdbinary.readouterr()
    root = ElementTree.fromstring(written.out)
    assert root.tag.endswith("svg")
    assert float(root.get("width", "").removesuffix("pt")) == pytest.approx(17.5 / 2.54 * 72, abs=0.1)
    assert b"date" not in written.out
    assert b" 0 failed" in written.err


def _examples() -> list[str]:
    lines = [
        line.strip()
        for kind, _ in KINDS.values()
        for line in (kind.epilog or "").partition("Examples:")[2].splitlines()
    ]
    assert len(lines) > 2 * len(KINDS)
    return [line for line in lines if line.startswith("im-plot")]


@pytest.mark.parametrize("line", _examples())
def test_the_examples_of_the_help_work(line: str, shop: Path, tmp_path: Path, monkeypatch, capfd) -> None:
    for path in shop.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    call(*shlex.split(line)[1:])
    picture = json.loads(capfd.readouterr().out)["picture"]
    assert (tmp_path / picture).stat().st_size > 1000


@pytest.mark.slow(3)
@pytest.mark.parametrize("fmt", PICTURE_FORMATS)
def test_other_processes_and_settings_give_the_same_bytes(fmt: str, shop: Path, tmp_path: Path, run) -> None:
    scores = shop / "scores.jsonl"
    (tmp_path / "matplotlibrc").write_text("font.size: 20\naxes.grid: True\nsavefig.dpi: 30\n")
    first, second = (
        run("im-plot", "polyphony", "--format", fmt, scores, env=env, cwd=tmp_path).stdout
        for env in ({"PYTHONHASHSEED": "1"}, {"PYTHONHASHSEED": "2", "MPLCONFIGDIR": str(tmp_path)})
    )
    assert first == second
    assert len(first) > 5000


def test_settings_of_others_come_back() -> None:
    with mpl.rc_context({"font.size": 31.0}):
        before = dict(mpl.rcParams)
        render(draw_polyphony(scores_of("a", 0), width=8.5), "png", 40)
        assert dict(mpl.rcParams) == before


def test_a_picture_that_exists_stays_unless_forced(shop: Path, tmp_path: Path, run) -> None:
    target = tmp_path / "a.svg"
    target.write_text("mine")
    result = run("im-plot", "confusion", "-o", target, shop / "scores.jsonl")
    assert result.returncode == 2
    assert b"--force" in result.stderr
    assert target.read_text() == "mine"
    assert run("im", "plot", "confusion", "--force", "-o", target, shop / "scores.jsonl").returncode == 0
    assert target.read_text().startswith("<?xml")
    assert [path.name for path in tmp_path.iterdir()] == ["a.svg"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "a.gif"], "not a picture format"),
        (["-o", ".", "--format", "png"], "is a directory"),
        (["-o", "a.png", "--width", "wide"], "is not a width"),
        (["-o", "a.png", "--width", "1"], "4 to 100 centimetres"),
    ],
)
def test_wrong_outputs(arguments: list[str], message: str, shop: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=message):
        call("confusion", *arguments, shop / "scores.jsonl")
    assert not list(tmp_path.iterdir())


# -------------------------------------------------------------------------------------------------- the style


def luminance(colour: str) -> float:
    """CIE lightness, 0 to 100: what is left of a colour in grey print."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    y = np.dot(linear, [0.2126, 0.7152, 0.0722])
    return 116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y


@pytest.mark.parametrize("colours", [style.COLOURS, style.FILLS])
def test_neighbours_differ_in_grey(colours: tuple[str, ...]) -> None:
    lights = [luminance(colour) for colour in colours]
    assert all(abs(one - other) >= 6 for one, other in pairwise(lights))
    assert all(abs(one - other) >= 10 for one, other in combinations(lights[:4], 2))
    assert max(lights) < 90  # nothing is lost on white paper


@pytest.mark.parametrize(("name", "rising"), [(style.LEVELS, True), (style.SHARE_COLOURS, False)])
def test_colour_maps_are_monotone_in_grey(name: str, rising: bool) -> None:
    lights = [luminance(mpl.colormaps[name](place)) for place in np.linspace(0, 1, 40)]
    steps = np.diff(lights)
    assert (steps > 0).all() if rising else (steps < 0).all()


def test_no_two_looks_are_alike_even_without_colour() -> None:
    looks = [style.look(number) for number in range(45)]
    assert len({(one.stroke, one.marker) for one in looks}) == 45
    assert len({(one.fill, one.hatch) for one in looks[:7]}) == 7
    assert len({one.hatch for one in looks[:7]}) == 7


@given(st.lists(st.floats(0, 1), max_size=30), st.floats(0.001, 0.2))
def test_labels_are_spread(wanted: list[float], least: float) -> None:
    places = style.spread(wanted, least)
    assert all(b - a >= least * (1 - 1e-9) - 1e-12 for a, b in pairwise(sorted(places)))
    by_wish = [places[k] for k in sorted(range(len(wanted)), key=lambda k: wanted[k])]
    assert by_wish == sorted(places)
    if all(b - a >= least for a, b in pairwise(sorted(wanted))):
        assert places == pytest.approx(wanted)


def test_names_that_are_cut_stay_apart() -> None:
    assert style.short_names(["cel", "flu"], 5) == ["cel", "flu"]
    short = style.short_names(LONG, 12)
    assert len(set(short)) == len(LONG)
    assert max(map(len, short)) <= 12
    assert style.letters(1) == [""]
    assert style.letters(28)[25:] == ["(z) ", "(aa) ", "(ab) "]


# ----------------------------------------------------------------------------------------------- spectrogram


def panel(seed: int, frames: int = 40, bins: int = 96) -> Panel:
    values = np.random.default_rng(seed).normal(-40, 10, (bins, frames)).astype(np.float32)
    return Panel(f"label {seed}", values, 0.01)


CQT = Bins("frequency (Hz)", "level (dB)", [(0.0, "33"), (12.0, "65")], decibels=True)


def test_panels_show_their_values_on_one_scale() -> None:
    panels = [panel(0), panel(1, 60), panel(2)]
    figure = draw_spectrograms(panels, CQT, width=17.5)
    axes = [ax for ax in figure.axes if ax.images]
    assert [ax.get_title("left") for ax in axes] == ["(a) label 0", "(b) label 1", "(c) label 2"]
    assert len({image.get_clim() for ax in axes for image in ax.images}) == 1
    for ax, one in zip(axes, panels, strict=True):
        (image,) = ax.images
        assert np.array_equal(image.get_array(), one.values)
        frames = one.values.shape[1]
        assert image.get_extent() == pytest.approx([-0.005, (frames - 0.5) * 0.01, -0.5, 95.5])
    assert [label.get_text() for label in axes[0].get_yticklabels()] == ["33", "65"]
    assert axes[0].get_ylabel() == "frequency (Hz)"
    assert figure.get_size_inches()[0] == pytest.approx(17.5 / 2.54)


def test_silence_does_not_take_the_colours() -> None:
    silent = Panel("silence", np.full((96, 10), -300, np.float32), 0.01)
    figure = draw_spectrograms([panel(0), silent], CQT, width=17.5)
    low, high = figure.axes[0].images[0].get_clim()
    assert high - low == pytest.approx(80)


@pytest.mark.parametrize("count", range(1, 10))
def test_the_lower_rows_of_panels_are_full(count: int) -> None:
    figure = draw_spectrograms([panel(k, 4, 5) for k in range(count)], CQT, width=17.5)
    spots = [ax.get_subplotspec() for ax in figure.axes if ax.images]
    columns = max(spot.colspan.start for spot in spots) + 1
    last = [spot for spot in spots if spot.is_last_row()]
    assert len(spots) == count
    assert len(last) == columns <= 3


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_has_an_axis(preset: str, shop: Path, capfdbinary) -> None:
    call("spectrogram", "--preset", preset, "--dpi", "50", shop / "segments.jsonl")
    assert capfdbinary.readouterr().out.startswith(b"\x89PNG")


def test_bins_have_the_axis_of_their_front_end() -> None:
    cqt = bins_of({"kind": "cqt", "crop": [12, 84]})
    assert cqt.ticks[:2] == [(0.0, "65"), (12.0, "131")]
    assert cqt.decibels
    stft = {name: place for place, name in bins_of({"kind": "stft", "sampling_rate": 16000}).ticks}
    assert stft["1000"] == pytest.approx(1000 / (16000 / 2048))
    mel = {name: place for place, name in bins_of({"kind": "mel"}).ticks}
    assert mel["1000"] == pytest.approx(37.3, abs=1)  # librosa.mel_frequencies(130)[38] is about 1000 Hz
    assert [name for _, name in bins_of({"kind": "chroma", "n_chroma": 36}).ticks] == list("CDEFGAB")
    assert bins_of({"kind": "rolloff"}).ticks == []


def test_a_tone_lies_at_its_frequency(make_tone) -> None:
    from imtools.features import front_end
    from imtools.stages.plot.records import _panel

    tone = make_tone("a.wav", seconds=1, frequency=440, rate=RATE)
    record = Record("a", str(tone), 0.0, 1.0, RATE, RATE, labels=[Label("flu")])
    shown = _panel(record, front_end())
    assert shown.title == "flu"
    assert shown.values.shape == (96, 87)
    assert int(shown.values.mean(axis=1).argmax()) == 45  # A4 is 45 semitones above C1
    # A long record is pooled: a click between silences is still seen.
    long = _panel(record.replace(duration=1.0), front_end("lumen2023-mel", hop_length=5))
    assert long.values.shape[1] <= 2000
    assert long.seconds * long.values.shape[1] == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    ("panels", "message"),
    [
        ([], "no record"),
        ([panel(0)] * 10, "too many"),
        ([Panel("void", np.zeros((3, 0), np.float32), 1.0)], "void: is empty"),
        ([Panel("odd", np.full((3, 2), np.nan, np.float32), 1.0)], "odd: has values that are not numbers"),
    ],
)
def test_panels_that_cannot_be_drawn(panels: list[Panel], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        draw_spectrograms(panels, CQT, width=17.5)


def test_a_bad_record_fails_alone(shop: Path, tmp_path: Path, run) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"no audio")
    for kind in ("spectrogram", "waveform"):
        result = run("im-plot", kind, "-o", tmp_path / f"{kind}.png", shop / "vio.wav", bad)
        assert result.returncode == 3
        assert b"bad.wav" in result.stderr
        assert (tmp_path / f"{kind}.png").exists()
        alone = run("im-plot", kind, "-o", tmp_path / "none.png", bad)
        assert alone.returncode == 2
        assert not (tmp_path / "none.png").exists()


# -------------------------------------------------------------------------------------------------- waveform


@given(
    arrays(np.float32, st.integers(1, 60), elements=st.floats(-1, 1, width=32)),
    st.integers(1, 80),
    st.integers(1, 20),
)
def test_the_outline_is_that_of_the_signal(signal: np.ndarray, columns: int, block: int) -> None:
    blocks = [signal[k : k + block] for k in range(0, len(signal), block)]
    low, high = envelope(blocks, len(signal), columns)
    count = min(columns, len(signal))
    edges = [k * len(signal) // count for k in range(count + 1)]
    parts = [signal[a:b] for a, b in pairwise(edges)]
    assert low.tolist() == [part.min() for part in parts]
    assert high.tolist() == [part.max() for part in parts]


def test_labels_are_bars_at_their_times() -> None:
    line = np.linspace(-1, 1, 50, dtype=np.float32)
    spans = [Span("cel", 0.0, 2.0), Span("vio", 0.5, 0.25), Span("vio", 1.5, 0.5)]
    figure = draw_waveforms([Wave("one", line, line + 0.1, 2.0, spans)], width=8.5)
    upper, lower = figure.axes
    bars = [(p.get_x(), p.get_width(), round(p.get_y() + p.get_height() / 2)) for p in lower.patches]
    assert bars == [(0.0, 2.0, 0), (0.5, 0.25, 1), (1.5, 0.5, 1)]
    assert [label.get_text() for label in lower.get_yticklabels()] == ["cel", "vio"]
    assert lower.get_xlim() == (0, 2)
    assert upper.get_ylim()[1] == pytest.approx(1.05 * 1.1)
    corners = upper.collections[0].get_paths()[0].vertices
    assert corners[:, 1].max() == pytest.approx(1.1)
    assert_nothing_overlaps(figure)
    with pytest.raises(UsageError, match="no record"):
        draw_waveforms([], width=8.5)


# -------------------------------------------------------------------------------------------------- training


def test_a_training_is_drawn_as_it_went(tmp_path: Path) -> None:
    history = read_history(str(write_model(tmp_path / "net")))
    assert history.name == "net"
    figure = draw_training([history], metric="lrap", width=17.5)
    losses, metric = figure.axes
    thick = [line for line in losses.lines if line.get_linewidth() > 1 and line.get_marker() == "None"]
    validation = [(1.1 / (e + 1) + 1.1 / (e + 2)) / 2 for e in range(4)]  # as long as both were trained
    assert thick[0].get_ydata() == pytest.approx(validation)
    assert thick[0].get_xdata().tolist() == [0, 1, 2, 3]
    assert thick[1].get_ydata() == pytest.approx([x / 1.1 for x in validation])
    assert thick[0].get_linestyle() != thick[1].get_linestyle()
    thin = [line for line in losses.lines if line.get_linewidth() < 1 and line.get_marker() == "None"]
    assert sorted(len(line.get_xdata()) for line in thin) == [4, 4, 5, 5]
    rings = [line for line in losses.lines if line.get_marker() == "o"]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in rings] == [
        (3, pytest.approx(1.1 / 4)),
        (3, pytest.approx(1.1 / 5)),
    ]
    assert metric.get_ylabel() == "LRAP in validation"
    assert metric.lines[-3].get_ydata() == pytest.approx([0.5, 0.55, 0.6, 0.65])
    assert [text.get_text() for text in figure.legends[0].texts] == ["validation", "training", "epoch kept"]


def test_several_trainings_differ_in_line_style(tmp_path: Path) -> None:
    names = ["mono", "pitch", "tempo", "random"]
    histories = [read_history(str(write_model(tmp_path / name, folds=1) / "history.jsonl")) for name in names]
    figure = draw_training(histories, width=17.5)
    assert [ax.get_ylabel() for ax in figure.axes] == ["training loss", "validation loss"]
    strokes = {str(line._unscaled_dash_pattern) for line in figure.axes[0].lines}  # type: ignore[attr-defined]
    assert len(strokes) == 4
    assert [text.get_text() for text in figure.legends[0].texts][:4] == names
    assert_nothing_overlaps(figure)


def test_a_history_alone_has_no_chosen_epoch(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "net", folds=1)
    (folder / "model.json").unlink()
    assert read_history(str(folder)).nets[0].kept is None
    (folder / "model.json").write_text("{")
    with pytest.raises(ModelError, match=r"model\.json: is not a description"):
        read_history(str(folder))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot be read"),
        ("", "holds no epochs"),
        ("{}\n", r"history\.jsonl:1: is not an epoch \(key 'fold'|history\.jsonl:1: .*train_loss"),
        ("\n[1]\n", r"history\.jsonl:2: is not an epoch"),
        ("{", r"history\.jsonl:1: is not an epoch \(Expecting"),
        ('{"epoch": 0, "train_loss": NaN, "validation_loss": 1, "metrics": {}}', "NaN is not JSON"),
    ],
)
def test_wrong_histories_are_named(text: str | None, message: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "history.jsonl").write_text(text)
    with pytest.raises(ModelError, match=message):
        read_history(str(tmp_path))


def test_a_metric_that_is_not_there(tmp_path: Path) -> None:
    history = read_history(str(write_model(tmp_path / "net")))
    with pytest.raises(UsageError, match=r"no metric 'f2'.*f1_micro, lrap"):
        draw_training([history], metric="f2", width=17.5)


# ---------------------------------------------------------------------------------------------- score files


def scores_of(model: str, seed: int, classes: list[str] = CLASSES, **more) -> list[ScoreReport]:
    return ScoreReport.from_rows(("here", row) for row in score_rows(model, seed, classes, **more))


def test_a_score_file_is_read(tmp_path: Path) -> None:
    path = write_scores(tmp_path / "s.jsonl", "net@1", 0)
    path.write_text(path.read_text() * 2)
    one, other = read_scores(str(path))
    rows = score_rows("net@1", 0)
    assert one.to_json() == other.to_json()
    assert one.model == "net@1"
    assert [row.label for row in one.classes] == CLASSES
    assert one.classes[0].tp == rows[1]["tp"]
    assert one.baseline.classes["cel"]["f1"].low == rows[1]["baseline"]["f1"]["low"]
    assert math.isnan(one.levels[0].classes["cel"].tpr)
    assert one.levels[3].iou == 0.25


HEAD = {"schema": "imtools/scores/1", "model": "m", "label": None}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "holds no scores"),
        (["{"], "s.jsonl:1: not valid JSON"),
        (["[]"], "s.jsonl:1: key 'schema' must be an object"),
        (['{"schema": "imtools/segment/1"}'], "s.jsonl:1: is no score"),
        (['{"schema": "imtools/scores/1", "model": "m", "label": "cel"}'], "without the line before it"),
        ([json.dumps(HEAD | {"levels": [{"polyphony": 1.5}]})], r"levels\[0\].polyphony"),
        ([json.dumps(HEAD | {"levels": [{"polyphony": 1, "num_items": 2, "iou": 7}]})], "at most 1"),
        ([json.dumps(HEAD | {"confusion": {"classes": ["a"], "counts": [[1, 2]]}})], "is no square"),
        ([json.dumps(HEAD), json.dumps(HEAD | {"label": "a", "tp": -1})], "s.jsonl:2: key 'tp'"),
    ],
)
def test_wrong_score_files_are_named(lines: list[str], message: str, tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_text("\n".join(lines))
    with pytest.raises(ManifestError, match=message):
        read_scores(str(path))
    with pytest.raises(ManifestError, match="cannot be read"):
        read_scores(str(tmp_path / "gone.jsonl"))


def test_a_score_file_comes_from_standard_input(shop: Path, run) -> None:
    data = (shop / "scores.jsonl").read_bytes()
    for more in ((), ("-",)):
        result = run("im-plot", "confusion", "--dpi", "50", *more, stdin=data)
        assert result.stdout.startswith(b"\x89PNG")
    wrong = run("im-plot", "confusion", shop / "segments.jsonl")
    assert wrong.returncode == 1
    assert b"segments.jsonl:1: is no score" in wrong.stderr
    assert wrong.stdout == b""


# ------------------------------------------------------------------------------------------------ difference


@pytest.mark.parametrize("width", [17.5, 4.0])
def test_bars_are_the_differences(width: float) -> None:
    models = [*scores_of("pitch", 1), *scores_of("tempo", 2)]
    figure = draw_differences(models, width=width)
    (ax,) = figure.axes
    lying = width < 10
    lengths = [bar.get_width() if lying else bar.get_height() for group in ax.containers for bar in group]
    expected = [model.baseline.classes[name]["f1"].difference for model in models for name in CLASSES]
    assert lengths == pytest.approx(expected)
    whiskers = [line for c in ax.collections if isinstance(c, LineCollection) for line in c.get_segments()]
    ends = [tuple(line[:, 0 if lying else 1]) for line in whiskers]
    assert ends == [
        pytest.approx((model.baseline.classes[name]["f1"].low, model.baseline.classes[name]["f1"].high))
        for model in models
        for name in CLASSES
    ]
    ticks = ax.get_yticklabels() if lying else ax.get_xticklabels()
    assert [tick.get_text().split() for tick in ticks] == [
        ["cel", "(0.30)"],
        ["flu", "(0.31)"],
        ["vio", "(0.32)"],
    ]
    label = ax.get_xlabel() if lying else ax.get_ylabel()
    assert label.replace("\n", " ") == "difference in F1 from mono@0"
    assert len({bar[0].get_hatch() for bar in ax.containers}) == 2
    assert_nothing_overlaps(figure)


def test_differences_without_intervals_and_values() -> None:
    rows = score_rows("pitch", 1)
    rows[1]["baseline"]["f1"] = {"value": None, "difference": None, "low": None, "high": None}
    rows[2]["baseline"]["f1"] |= {"low": None, "high": None}
    figure = draw_differences(ScoreReport.from_rows(("here", row) for row in rows), width=17.5)
    (ax,) = figure.axes
    heights = [bar.get_height() for bar in ax.containers[0]]
    assert math.isnan(heights[0])
    assert heights[1] == pytest.approx(rows[2]["baseline"]["f1"]["difference"])
    assert ax.get_xticklabels()[0].get_text() == "cel\n(–)"
    assert render_svg(figure).startswith("<?xml")


def test_differences_that_cannot_be_compared() -> None:
    with pytest.raises(UsageError, match="not compared with a baseline"):
        draw_differences(scores_of("a", 1, baseline=None), width=8.5)
    with pytest.raises(UsageError, match="compared with mono@0, b with mono@1"):
        draw_differences([*scores_of("a", 1), *scores_of("b", 1, baseline="mono@1")], width=8.5)
    with pytest.raises(UsageError, match="no differences of 'auc'"):
        draw_differences(scores_of("a", 1), metric="auc", width=8.5)
    other = scores_of("b", 2, ["flu", "cel", "vio"])  # so that the baseline's figures are others
    with pytest.raises(UsageError, match="different scores for cel, flu"):
        draw_differences([*scores_of("a", 1), *other], width=8.5)


# ------------------------------------------------------------------------------------------------- polyphony


def test_scores_fall_with_polyphony_as_the_file_says() -> None:
    models = [*scores_of("a", 1), *scores_of("b", 2)]
    figure = draw_polyphony(models, width=17.5)
    iou, emr = figure.axes
    assert [list(line.get_ydata()) for line in iou.lines] == [[round(1 / (p + 1), 3) for p in range(11)]] * 2
    assert list(emr.lines[1].get_ydata()) == [round(0.9 ** (5 * p), 3) for p in range(11)]
    assert iou.lines[0].get_marker() != iou.lines[1].get_marker()
    assert [text.get_text() for text in figure.legends[0].texts] == ["a", "b"]
    assert_nothing_overlaps(figure)
    alone = draw_polyphony(models[:1], width=8.5)
    assert drawn(alone).axes[1].get_xticklabels()[0].get_text() == "0\n(100)"
    assert_nothing_overlaps(alone)


@pytest.mark.parametrize("ratio", ["tpr", "accuracy"])
def test_classes_have_a_line_each(ratio: str) -> None:
    (one,) = scores_of("a", 1)
    figure = draw_polyphony_by_class([one], ratio=ratio, width=17.5)
    (ax,) = figure.axes
    for line, name in zip(ax.lines, CLASSES, strict=True):
        expected = [getattr(level.classes[name], ratio) for level in one.levels]
        assert line.get_ydata() == pytest.approx(expected, nan_ok=True)
    assert sorted(text.get_text() for text in ax.texts) == CLASSES
    colours = {text.get_text(): text.get_color() for text in ax.texts}
    assert [colours[name] for name in CLASSES] == [line.get_color() for line in ax.lines]
    assert_nothing_overlaps(figure)


def test_scores_without_levels() -> None:
    (one,) = scores_of("a", 1)
    one.levels.clear()
    for draw in (draw_polyphony, lambda scores, **more: draw_polyphony_by_class(scores, ratio="tpr", **more)):
        with pytest.raises(UsageError, match="no levels of polyphony"):
            draw([one], width=8.5)


# ------------------------------------------------------------------------------------------------- confusion


def test_a_confusion_matrix_has_shares_and_counts() -> None:
    (one,) = scores_of("a", 1)
    counts = np.array(one.confusion.counts)
    figure = draw_confusion(one, width=8.5)
    (image,) = figure.axes[0].images
    with np.errstate(invalid="ignore"):
        shares = counts / counts.sum(axis=1, keepdims=True)
    assert np.asarray(image.get_array())[:2] == pytest.approx(shares[:2])
    assert np.ma.getmaskarray(np.ma.masked_invalid(image.get_array()))[2].all()  # nothing is known of vio
    texts = {text.get_position(): text.get_text() for text in figure.axes[0].texts}
    filled = {(column, row): f"{counts[row, column]:.0f}" for row, column in np.argwhere(counts > 0)}
    assert texts == filled
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == CLASSES


def test_class_against_rest() -> None:
    (one,) = scores_of("a", 1)
    figure = draw_against_rest(against_rest(one, 4), width=17.5)
    assert [ax.get_title() for ax in figure.axes] == CLASSES
    for ax, name in zip(figure.axes, CLASSES, strict=True):
        c = one.levels[4].classes[name]
        assert [text.get_text() for text in ax.texts] == [str(x) for x in (c.tp, c.fn, c.fp, c.tn)]
        rows = [[c.tp / (c.tp + c.fn), c.fn / (c.tp + c.fn)], [c.fp / (c.fp + c.tn), c.tn / (c.fp + c.tn)]]
        assert np.asarray(ax.images[0].get_array()) == pytest.approx(np.array(rows))
    whole = against_rest(one, None)
    assert list(whole) == CLASSES
    assert [whole[row.label].tolist() for row in one.classes] == [
        [[row.tp, row.fn], [row.fp, row.tn]] for row in one.classes
    ]
    with pytest.raises(UsageError, match="no items with 12 instruments; its levels: 0, 1"):
        against_rest(one, 12)


def test_confusion_that_is_not_there(shop: Path) -> None:
    (one,) = scores_of("a", 1)
    with pytest.raises(UsageError, match="no confusion matrix"):
        draw_confusion(replace(one, confusion=None), width=8.5)
    files = [shop / "scores.jsonl", shop / "pitch-scores.jsonl"]
    with pytest.raises(UsageError, match="scores of 2 models"):
        call("confusion", *files)
    with pytest.raises(UsageError, match="no number of instruments"):
        call("confusion", "--level", "two", files[0])


# ------------------------------------------------------------------------------------------------- threshold


def sweep(model: str, seed: int, classes: list[str] = CLASSES) -> Sweep:
    random = np.random.default_rng(seed)
    Y, S = random.random((50, len(classes))) < 0.4, random.random((50, len(classes)))
    return Sweep(model, classes, count_on_grid(Y, np.where(Y, S**0.5, S)))


def test_f1_is_drawn_at_every_threshold() -> None:
    one, other = sweep("a", 1), sweep("b", 2)
    figure = draw_thresholds([one, other], width=17.5)
    assert [ax.get_title("left") for ax in figure.axes] == CLASSES
    for place, ax in enumerate(figure.axes):
        usual, *lines = ax.lines
        assert usual.get_xdata() == [0.5, 0.5]
        f1 = one.counts.f1()[:, place]
        assert lines[0].get_ydata() == pytest.approx(f1)
        best = lines[1].get_xdata()[0]
        assert f1[round(100 * best)] == f1.max() == lines[1].get_ydata()[0]
        assert lines[0].get_linestyle() != lines[2].get_linestyle()
    assert_nothing_overlaps(figure)
    with pytest.raises(UsageError, match="no predictions"):
        draw_thresholds([], width=8.5)


def test_only_the_wanted_models_and_classes(shop: Path, tmp_path: Path, capfd) -> None:
    call("threshold", "-o", tmp_path / "a.png", "--classes", "flu,cel", shop / "predictions.jsonl")
    with pytest.raises(UsageError, match="does not predict tuba"):
        call("threshold", "-o", tmp_path / "b.png", "--classes", "tuba", shop / "predictions.jsonl")
    with pytest.raises(UsageError, match="no predictions of model 'x'"):
        call("threshold", "-o", tmp_path / "b.png", "--model", "x", shop / "predictions.jsonl")
    with pytest.raises(UsageError, match="no record has predictions"):
        call("threshold", "-o", tmp_path / "b.png", shop / "segments.jsonl")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


# -------------------------------------------------------------------------------------------------- activity


def test_overlapping_windows_share_the_time() -> None:
    record = predicted(windows=True)[1]
    shown = activity_of(record)
    assert shown.classes == CLASSES
    assert shown.starts.tolist() == [0, 0.5, 1, 1.5]
    figure = draw_activity(shown, dict.fromkeys(CLASSES, 0.2), width=17.5)
    ax = figure.axes[0]
    mesh = ax.collections[0]
    edges = mesh.get_coordinates()[0, :, 0]
    assert edges.tolist() == [0, 0.75, 1.25, 1.75, 2.5]
    assert np.asarray(mesh.get_array()) == pytest.approx(np.tile([0, 0.1, 0.2, 0.3], (3, 1)))
    outlined = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    boxes = {(p.get_x(), p.get_width(), round(p.get_y() + p.get_height() / 2)) for p in outlined}
    assert boxes == {(0.0, 2.5, 1), (0.25, 1.0, 0)}  # flu throughout, cel for a second
    underlined = {(tuple(line.get_xdata()), round(line.get_ydata()[0])) for line in ax.lines}
    assert underlined == {(ends, row) for ends in ((1.25, 1.75), (1.75, 2.5)) for row in range(3)}
    assert_nothing_overlaps(figure)


def test_time_without_a_window_stays_empty() -> None:
    windows = [Prediction("m", "cel", 0.5, start, 1.0) for start in (0.0, 2.0)]
    record = Record("r", "r.wav", 0.0, 3.0, RATE, 3 * RATE, predictions=windows)
    mesh = draw_activity(activity_of(record), width=8.5).axes[0].collections[0]
    assert mesh.get_coordinates()[0, :, 0].tolist() == [0, 1, 2, 3]
    assert np.ma.getmaskarray(np.ma.masked_invalid(mesh.get_array())).tolist() == [[False, True, False]]


def test_activity_that_is_not_there(shop: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="im-predict with `windows`"):
        activity_of(predicted()[0])
    both = predicted(windows=True)[0]
    both = both.replace(predictions=both.predictions + predicted("other@1", windows=True)[0].predictions)
    with pytest.raises(UsageError, match="2 models: net@0, other@1; choose one of them with `model`"):
        activity_of(both)
    assert activity_of(both, "other@1").model == "other@1"
    with pytest.raises(UsageError, match="no windows of model 'x'"):
        activity_of(both, "x")
    for name, message in (("predictions.jsonl", "12 records to draw"), ("windows.jsonl", "is no threshold")):
        with pytest.raises(UsageError, match=message):
            call("activity", "-t", "2", "-o", tmp_path / "a.png", shop / name)
    with pytest.raises(ImtoolsError, match=r"gone\.json: cannot be read"):
        call("activity", "-t", "gone.json", "-o", tmp_path / "a.png", shop / "windows.jsonl")


def test_thresholds_come_from_a_file(shop: Path, tmp_path: Path, capfd) -> None:
    from imtools.thresholds import Thresholds, ThresholdsFile

    path = tmp_path / "t.json"
    ThresholdsFile({"net@0": Thresholds("net@0", {"cel": 0.1, "flu": 0.2, "vio": 0.3}, "f1", 12)}).save(path)
    call("activity", "-t", path, "-o", tmp_path / "a.svg", shop / "windows.jsonl")
    (record,) = read_manifest(shop / "windows.jsonl")
    limits = {"cel": 0.1, "flu": 0.2, "vio": 0.3}
    expected = draw_activity(activity_of(record), limits, width=17.5)
    assert (tmp_path / "a.svg").read_text() == render_svg(expected)
    with pytest.raises(UsageError, match="no threshold for vio"):
        draw_activity(activity_of(record), {"cel": 0.1, "flu": 0.1}, width=17.5)


# ---------------------------------------------------------------------------------------------- many classes


@pytest.mark.slow(3)
@pytest.mark.parametrize("width", [8.5, 17.5])
def test_many_classes_with_long_names_do_not_collide(width: float) -> None:
    models = [*scores_of("a", 1, LONG), *scores_of("b", 2, LONG), *scores_of("c", 3, LONG)]
    for figure in (
        draw_differences(models, width=width),
        draw_polyphony(models, width=width),
        draw_polyphony_by_class(models[:2], ratio="tpr", width=width),
        draw_confusion(models[0], width=width),
        draw_against_rest(against_rest(models[0], None), width=width),
        draw_thresholds([sweep("a", 1, LONG), sweep("b", 2, LONG)], width=width),
    ):
        assert_nothing_overlaps(figure)
        assert figure.get_size_inches()[1] < 50 / 2.54


def test_names_are_not_taken_for_formulae() -> None:
    names = ["$\\frac$", "a_b^c", "x\ny", "größe", "<&>"]
    (one,) = scores_of("m$1$", 1, names)
    for figure in (draw_confusion(one, width=17.5), draw_differences([one], width=17.5)):
        assert render(figure, "png", 50).startswith(b"\x89PNG")
        ElementTree.parse(io.StringIO(render_svg(figure)))
