"""The nets of the papers: their sizes, the shapes that they take and give, and the table of them all."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from typing import get_args

import pytest
import torch
from torch import nn

from imtools.errors import ModelError, UsageError
from imtools.features import PRESETS, front_end
from imtools.models import (
    ARCHITECTURES,
    DEFAULT_ARCHITECTURE,
    Strategy,
    build,
    format_listing,
    listing,
)
from imtools.models.table import count_parameters, input_shape

NETS = [name for name, architecture in ARCHITECTURES.items() if architecture.strategy != "svm"]
WAVEFORM = [name for name in NETS if ARCHITECTURES[name].front_end == "avramidis2021"]
CONVOLUTIONAL = [name for name in WAVEFORM if "bigru" not in name and "lstm" not in name]
PRINTED = [name for name in NETS if ARCHITECTURES[name].printed_parameters]

ODD = {
    "kratimenos2020": (37, 41), "gururani2018": (37, 41), "han2017": (11, 7), "lumen2023-mel": (83, 85),
    "lumen2023-modgd": (83, 85), "lumen2023-chroma": (29, 31), "chen2024": (9, 11),
    "vaznonis2022-fft": (101, 1), "vaznonis2022-lstm": (1, 37), "imtools2026": (33, 41),
} | {f"avramidis2021-bigru-{units}": (1, 37) for units in ("128", "256", "128-64")}  # fmt: skip
"""Small inputs that the pools do not divide; the other nets take 1 x 1357."""

LEAST = {
    "kratimenos2020": (36, 36), "gururani2018": (36, 36), "lumen2023-mel": (81, 81),
    "lumen2023-modgd": (81, 81), "lumen2023-chroma": (27, 27), "chen2024": (8, 8),
} | dict.fromkeys(CONVOLUTIONAL, (1, 675)) | {
    f"avramidis2021-bigru-{units}": (1, 3) for units in ("128", "256", "128-64")
}  # fmt: skip


def small(name: str, classes: int = 3, width: float = 0.15) -> tuple[nn.Module, tuple[int, int]]:
    """A narrow net, and the small input that it is for."""
    torch.manual_seed(5)
    shape = ODD.get(name, (1, 1357))
    return build(name, num_classes=classes, input_shape=shape, width=width), shape


def meta(name: str, classes: int = 11, width: float = 1.0) -> nn.Module:
    """A net for the paper's input, without memory for its weights."""
    with torch.device("meta"):
        return build(name, num_classes=classes, input_shape=input_shape(ARCHITECTURES[name]), width=width)


RECURRENT = {nn.GRU, nn.LSTM}
"""Too slow for the papers' inputs here."""


def kinds(name: str) -> list[type[nn.Module]]:
    """The types of a net's layers, in their order."""
    leaves = [module for module in meta(name).modules() if not list(module.children())]
    return [type(module) for module in leaves if not isinstance(module, nn.ModuleDict)]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_entries(name: str) -> None:
    entry = ARCHITECTURES[name]
    assert entry.front_end in PRESETS
    assert entry.strategy in get_args(Strategy)
    assert "\n" not in entry.summary
    assert entry.printed
    assert name.startswith(entry.module.removeprefix("."))
    assert entry.paper.endswith(name[: len(entry.module) - 1][-4:])  # the year


def test_order_and_default() -> None:
    assert next(iter(ARCHITECTURES)) == DEFAULT_ARCHITECTURE == "kratimenos2020"
    assert len(ARCHITECTURES) == 21


@pytest.mark.parametrize("name", PRINTED)
def test_counts_are_the_printed_ones(name: str) -> None:
    printed = ARCHITECTURES[name].printed_parameters
    assert count_parameters(meta(name)).total == pytest.approx(printed, rel=0.01)


def test_counts_worked_out_by_hand() -> None:
    def gru(size: int, units: int) -> int:
        return 2 * 3 * units * (size + units + 2)  # two directions, three gates, two biases

    def conv(size: int, filters: int, kernel: int) -> int:
        return filters * (size * kernel + 1)

    sizes = [(1, 16, 3), (16, 32, 3), (32, 64, 3), (64, 64, 5), (64, 32, 5)]
    cells = sum(conv(*size) + conv(size[1], size[1], size[2]) + 4 * size[1] for size in sizes)
    fcn = cells + conv(32, 11, 1)
    rfcn = fcn + conv(16, 64, 1) + conv(32, 64, 1)
    recurrent = gru(512, 128) + conv(256, 11, 1)
    expected = {
        "bigru-128": gru(1, 128) + 256 * 11 + 11,
        "bigru-256": gru(1, 256) + 512 * 11 + 11,
        "bigru-128-64": gru(1, 128) + gru(256, 64) + 128 * 11 + 11,
        "dcnn": cells + 32 * 32 * 1024 + 1024 + 1024 * 11 + 11,
        "fcn": fcn,
        "rfcn": rfcn,
        "crnn2": rfcn + gru(32, 256) + recurrent,
        "crnn3": rfcn + gru(64, 256) + recurrent,
        "crnn4": rfcn + gru(64, 256) + recurrent,
        "crnn5": rfcn + gru(32, 256) + recurrent,
    }
    assert {name: count_parameters(meta(f"avramidis2021-{name}")).total for name in expected} == expected
    assert (expected["bigru-128"], expected["fcn"], expected["rfcn"]) == (103_435, 81_787, 84_987)


def test_counts_of_dense_and_global_heads() -> None:
    han = sum(9 * a * b + b for a, b in pairwise([1, 32, 32, 64, 64, 128, 128, 256, 256]))
    assert count_parameters(meta("han2017")).total == han + 256 * 1024 + 1024 + 1024 * 11 + 11
    dense = [442_000, 64, 100_000, 32, 50_000, 11]
    expected = sum(a * b + b for a, b in pairwise(dense))
    assert count_parameters(meta("vaznonis2022-fft")).total == expected
    chen = sum(9 * a * b + b + 4 * b for a, b in [(1, 32), (32, 64), (64, 128)])
    assert count_parameters(meta("chen2024", 1)).total == chen + 128 * 128 * 15 * 128 + 128 + 129


def test_counting_tells_what_is_trained() -> None:
    net = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    assert count_parameters(net) == (8 + 4, 8 + 4 + 4)
    net[0].requires_grad_(False)
    assert count_parameters(net) == (4, 8 + 4 + 4)


@pytest.mark.parametrize("name", NETS)
def test_forward(name: str) -> None:
    net, shape = small(name)
    net.eval()
    x = torch.randn(3, *shape)
    with torch.inference_mode():
        together, alone = net(x), torch.cat([net(row[None]) for row in x])
    assert together.shape == (3, 3)
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)
    assert (together.std(dim=0) > 0).all()  # the answer depends on the input
    assert (together < 0).any() or (together > 1).any() or together.sum(dim=1).sub(1).abs().min() > 1e-3


@pytest.mark.parametrize("name", [name for name in NETS if not RECURRENT & set(kinds(name))])
def test_the_papers_input_gives_one_logit_a_class(name: str) -> None:
    logits = meta(name, width=0.1)(torch.empty(2, *input_shape(ARCHITECTURES[name]), device="meta"))
    assert logits.shape == (2, 11)


@pytest.mark.parametrize("name", NETS)
def test_gradient_reaches_every_parameter(name: str) -> None:
    net, shape = small(name)
    net.eval()  # batch normalisation as in training would take the biases before it out
    net(torch.randn(8, *shape)).square().sum().backward()
    lost = [key for key, p in net.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert lost == []


@pytest.mark.parametrize("name", NETS)
def test_training_on_a_batch_of_one(name: str) -> None:
    net, shape = small(name)
    net.train()
    dense = [one for one in net.modules() if isinstance(one, nn.BatchNorm1d)]
    if dense and name not in WAVEFORM:
        with pytest.raises(ValueError, match="more than 1 value"):
            net(torch.randn(1, *shape))
    else:
        assert net(torch.randn(1, *shape)).shape == (1, 3)


@pytest.mark.parametrize("name", NETS)
def test_width(name: str) -> None:
    counts = [count_parameters(meta(name, width=width)).total for width in (0.5, 1.0, 2.0)]
    assert counts[0] < counts[1] < counts[2]
    tiny, shape = small(name, width=1e-9)
    assert tiny.eval()(torch.randn(1, *shape)).shape == (1, 3)


@pytest.mark.parametrize("name", LEAST)
def test_inputs_that_are_too_small(name: str) -> None:
    bins, frames = LEAST[name]
    net = build(name, num_classes=2, input_shape=(bins, frames), width=0.1).eval()
    assert net(torch.randn(1, bins, frames)).shape == (1, 2)
    with pytest.raises(ModelError, match=f"give at least {bins} x {frames}"):
        build(name, num_classes=2, input_shape=(bins, frames - 1), width=0.1)


def test_han_takes_any_size() -> None:
    net = build("han2017", num_classes=2, input_shape=(1, 1), width=0.1).eval()
    assert net(torch.randn(1, 1, 1)).shape == (1, 2)
    with pytest.raises(ModelError, match="too small"):
        build("han2017", num_classes=2, input_shape=(128, 0), width=0.1)


@pytest.mark.parametrize("name", WAVEFORM)
def test_waveform_nets_take_waveforms_only(name: str) -> None:
    with pytest.raises(ModelError, match="128 bins are no waveforms"):
        build(name, num_classes=2, input_shape=(128, 22050), width=0.1)


@pytest.mark.parametrize(
    "name", ["han2017", "lumen2023-mel", "avramidis2021-rfcn", "vaznonis2022-lstm", "imtools2026"]
)
def test_nets_with_global_pooling_take_longer_inputs(name: str) -> None:
    net, (bins, frames) = small(name)
    assert net.eval()(torch.randn(2, bins, 2 * frames)).shape == (2, 3)


def test_maps_have_the_sizes_that_the_tables_print() -> None:
    def sizes(name: str, shape: tuple[int, int], layer: type[nn.Module]) -> list[tuple[int, ...]]:
        with torch.device("meta"):
            net = build(name, num_classes=11, input_shape=shape)
        seen: list[tuple[int, ...]] = []
        for module in net.modules():
            if isinstance(module, layer):
                module.register_forward_hook(lambda _m, _i, output: seen.append(tuple(output.shape[1:])))
        net(torch.empty(1, *shape, device="meta"))
        return seen

    assert sizes("han2017", (43, 128), nn.Conv2d) == [
        (32, 45, 130), (32, 47, 132), (64, 17, 46), (64, 19, 48),
        (128, 8, 18), (128, 10, 20), (256, 5, 8), (256, 7, 10),
    ]  # fmt: skip
    assert sizes("lumen2023-mel", (128, 100), nn.MaxPool2d) == [
        (16, 42, 33), (32, 14, 11), (128, 4, 3), (512, 1, 1),
    ]  # fmt: skip
    assert sizes("lumen2023-chroma", (36, 100), nn.MaxPool2d) == [(32, 12, 33), (128, 4, 11), (512, 1, 3)]


def test_layers_are_the_papers() -> None:
    assert kinds("chen2024")[:5] == [nn.Conv2d, nn.ReLU, nn.BatchNorm2d, nn.MaxPool2d, nn.Conv2d]
    assert kinds("chen2024")[-5:] == [nn.Flatten, nn.Linear, nn.ReLU, nn.Dropout, nn.Linear]
    cell = [nn.Conv1d, nn.Conv1d, nn.BatchNorm1d, nn.LeakyReLU, nn.MaxPool1d]
    assert kinds("avramidis2021-fcn") == 5 * cell + [nn.Conv1d]
    assert kinds("avramidis2021-bigru-128-64") == [nn.MaxPool1d, nn.GRU, nn.GRU, nn.Dropout, nn.Linear]
    for name in ("han2017", "lumen2023-mel", "lumen2023-chroma"):
        assert nn.BatchNorm2d not in kinds(name)
        assert nn.BatchNorm1d not in kinds(name)


def test_skips_add_what_an_earlier_cell_gave() -> None:
    net = build("avramidis2021-rfcn", num_classes=3, input_shape=(1, 1357), width=0.2).eval()
    plain = build("avramidis2021-fcn", num_classes=3, input_shape=(1, 1357), width=0.2).eval()
    plain.load_state_dict(net.state_dict(), strict=False)
    x = torch.randn(2, 1, 1357)
    outputs, without = net.cells(x), plain.cells(x)
    assert [torch.equal(a, b) for a, b in zip(outputs, without, strict=True)] == [True, True] + [False] * 3
    torch.testing.assert_close(outputs[2], without[2] + net.cells.skips["2"](outputs[0]))


def test_our_net_knows_where_its_bands_lie() -> None:
    torch.manual_seed(3)
    net = build("imtools2026", num_classes=3, input_shape=(449, 64), width=0.3).eval()
    x = torch.zeros(1, 449, 64)
    x[:, 192:200, 8:40] = torch.rand(8, 32)
    moved = x.roll(32, dims=1)  # by whole strides, far from the edges
    with torch.no_grad():
        net.place.fill_(0)
        here, there = (
            net.blocks(torch.stack([y, net.place[None, :, None].expand_as(y)], 1)) for y in (x, moved)
        )
        torch.testing.assert_close(here[:, :, 4:9], there[:, :, 5:10])  # the blocks do not,
        by_move, by_sound = ((net(x) - net(other)).abs().max() for other in (moved, torch.zeros_like(x)))
        assert by_move > 0.2 * by_sound  # the head does


def test_the_recurrent_net_sees_both_ends() -> None:
    net, _ = small("avramidis2021-bigru-128")
    x = torch.randn(1, 1, 31)  # the last sample fills no pool
    changes = []
    for sample in (0, 29, 30):
        changed = x.clone()
        changed[..., sample] += 9
        changes.append(not torch.equal(net.eval()(x), net(changed)))
    assert changes == [True, True, False]


def test_forget_gates_begin_open() -> None:
    net = build("vaznonis2022-lstm", num_classes=3, input_shape=(1, 50))
    gates = (net.lstm.bias_ih_l0 + net.lstm.bias_hh_l0).reshape(4, -1)
    assert gates.mean(dim=1).tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize("name", ["avramidis2021-crnn5", "avramidis2021-bigru-128", "vaznonis2022-lstm"])
def test_recurrent_nets_in_bf16(name: str) -> None:
    net, shape = small(name)
    x = torch.randn(2, *shape)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        logits = net.eval()(x)
    torch.testing.assert_close(logits.float(), net(x), atol=0.05, rtol=0.05)


def test_listing() -> None:
    rows = {row.name: row for row in listing()}
    assert list(rows) == list(ARCHITECTURES)
    assert rows["kratimenos2020"].input == "kratimenos2020 96x87, 1 s"
    assert (rows["kratimenos2020"].parameters, rows["kratimenos2020"].printed_parameters) == ("8.95M", "-")
    assert "24.3M" in rows["kratimenos2020"].note
    assert rows["avramidis2021-fcn"].parameters == rows["avramidis2021-fcn"].printed_parameters == "81.8K"
    assert rows["vaznonis2022-fft"].input == "vaznonis2022-fft 442000x1, 3 s"
    assert rows["bosch2012"].parameters == "-"
    assert rows["chen2024"].parameters == "31.55M"


def test_listing_as_text() -> None:
    lines = format_listing().splitlines()
    assert lines[0].startswith("model ")
    named = [line.split()[0] for line in lines[1:] if not line.startswith(" ")]
    assert named == list(ARCHITECTURES)
    column = lines[0].index("their figures")
    for line in lines[1:]:
        assert line == line.rstrip()
        assert line.startswith("    ") or line[column - 1] == " " != line[column]


def test_importing_the_registry_loads_neither_torch_nor_numpy() -> None:
    code = "import sys, imtools.models; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_shapes_follow_from_the_front_end() -> None:
    for name in NETS:
        entry = ARCHITECTURES[name]
        features = front_end(entry.front_end)
        samples = round(entry.seconds * features.sampling_rate)
        assert input_shape(entry) == (features.bins, features.frames(samples))
    assert input_shape(ARCHITECTURES["lumen2023-chroma"]) == (36, 100)
    assert input_shape(ARCHITECTURES["chen2024"]) == (1025, 126)


def test_unknown_net() -> None:
    with pytest.raises(UsageError, match="avramidis2021-crnn3"):
        build("avramidis2021", num_classes=2, input_shape=(1, 22050))
