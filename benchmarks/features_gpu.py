"""Front ends on a GPU: times real time, the way back to the host apart, and the bandwidth that is reached.

    python -m benchmarks.features_gpu [--device cuda] [--batch 512] [--seconds 1] [--repeat 20]

Bandwidth counts each sample read once and each value written once: what any implementation has to move. On
a processor without a GPU the figures are the processor's, and say so.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch

from imtools.device import resolve_device
from imtools.features import KINDS, PRESETS, front_end
from imtools.features.front_ends.base import FrontEnd

_PAPERS = [name for name in PRESETS if name not in ("librosa-mel", "irmas-mel")]


def _seconds(function: Callable[[], object], device: torch.device, repeat: int) -> float:
    """Return the shortest time of a call: GPU work is waited for."""
    shortest = float("inf")
    for number in range(repeat + 3):
        start = time.perf_counter()
        function()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        if number >= 3:
            shortest = min(shortest, time.perf_counter() - start)
    return shortest


def _line(name: str, model: FrontEnd, batch: int, seconds: float, device: torch.device, repeat: int) -> str:
    waveforms = torch.randn(batch, round(seconds * model.sampling_rate), device=device)
    with torch.inference_mode():
        features = model(waveforms)
        compute = _seconds(lambda: model(waveforms), device, repeat)
        host = torch.empty(features.shape, pin_memory=device.type == "cuda")
        back = _seconds(lambda: host.copy_(features, non_blocking=True), device, repeat)
    moved = waveforms.nbytes + features.nbytes
    return (
        f"  {name:18s} {batch * seconds / compute:12.0f} x {1000 * compute:10.3f} ms"
        f" {moved / compute / 1e9:9.1f} GB/s {1000 * back:10.3f} ms {features.nbytes / back / 1e9:9.1f} GB/s"
    )


def main(arguments: list[str] | None = None) -> None:
    """Print one line for each kind and each paper's preset."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--repeat", type=int, default=20)
    options = parser.parse_args(arguments)
    device = resolve_device(options.device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "the processor (there is no GPU)"
    print(f"torch {torch.__version__} on {name}; batches of {options.batch} x {options.seconds:g} s\n")
    print(f"  {'':18s} {'real time':>14s} {'transform':>13s} {'moved':>14s} {'to host':>13s} {'':>14s}")
    models = {kind: front_end(kind=kind) for kind in KINDS if kind != "fft"}
    models |= {preset: front_end(preset) for preset in _PAPERS}
    for label, model in models.items():
        batch = max(1, options.batch // 16) if model.kind == "fft" else options.batch
        print(_line(label, model.to(device), batch, options.seconds, device, options.repeat), flush=True)


if __name__ == "__main__":
    main()
