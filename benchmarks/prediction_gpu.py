"""Prediction on a GPU: times real time from FLAC and from MP3, and what decoding alone does beside it.

    python -m benchmarks.prediction_gpu [--device cuda] [--files 64] [--seconds 180]

On a machine without a GPU it says so, and measures the CPU if asked to.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import torch

from benchmarks import prediction
from imtools.device import resolve_precision
from imtools.models.bundle import load
from imtools.parallel import default_jobs, ordered_map
from imtools.predict.predictor import PredictSettings
from imtools.predict.recognizer import Recognizer
from imtools.run import Options, Run, execute
from imtools.run.items import read_items
from imtools.stages.predict import PredictStage


def measure(device: torch.device, name: str, files: int, seconds: int) -> str:
    """Return a line of figures for files of one format."""
    with tempfile.TemporaryDirectory() as place:
        library = Path(place, "library")
        library.mkdir()
        prediction.write_library(library, files, seconds, [name])
        model = load(prediction.make_model(Path(place, "model")), device, resolve_precision("auto", device))
        stage = PredictStage(Recognizer([model], PredictSettings(batch_size=1024)), jobs=default_jobs())
        paths, total = sorted(library.iterdir()), files * seconds

        def predict() -> None:
            options = Options(
                inputs=[str(library)],
                quiet=True,
                output=str(Path(place, "out")),
                force=True,
                jobs=default_jobs(),
            )
            with Run("im-predict", "0", options, {}) as run:
                run.writer = lambda records: None
                execute(run, stage, read_items([str(library)]))

        def decode() -> None:
            for _ in ordered_map(prediction.decode_whole, paths, default_jobs(), 4):
                pass

        predict()  # the first time includes what is made once
        ours, alone = prediction.seconds_of(predict), prediction.seconds_of(decode)
    ratio = alone / ours
    return f"{name}: {total / ours:.0f} x real time; decoding alone {total / alone:.0f} x; ratio {ratio:.2f}"


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--files", type=int, default=64)
    parser.add_argument("--seconds", type=int, default=180)
    options = parser.parse_args()
    if options.device.startswith("cuda") and not torch.cuda.is_available():
        print("there is no GPU here: nothing is measured (--device cpu measures the CPU)")
        return 0
    device = torch.device(options.device)
    print(torch.cuda.get_device_name(device) if device.type == "cuda" else "the CPU; no GPU is measured")
    for name in ("flac", "mp3"):
        print(measure(device, name, options.files, options.seconds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
