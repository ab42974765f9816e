"""What is written about the Python API runs: the notebook, docs/python.md and the README."""

from __future__ import annotations

import re
import runpy
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

import imtools
from imtools.models.locate import locate
from paths import EXAMPLES, ROOT


def blocks(document: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", document.read_text(), flags=re.MULTILINE | re.DOTALL)


def test_the_notebook_runs(capsys: pytest.CaptureFixture[str]) -> None:
    namespace = runpy.run_path(str(ROOT / "examples" / "notebook.py"))
    assert namespace["result"].present == ["tru"]
    printed = capsys.readouterr().out
    assert "LRAP" in printed
    assert "nearest to" in printed


@pytest.mark.parametrize("document", ["README.md", "docs/python.md"])
def test_examples_in_documents_run(
    document: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    recordings = sorted(EXAMPLES.glob("*/*.flac"))[:3]
    (tmp_path / "music").mkdir()
    for name, recording in zip(("song.mp3", "b.ogg", "a.flac"), recordings, strict=True):
        samples, rate = soundfile.read(recording)
        soundfile.write(name, samples, rate)
        soundfile.write(Path("music") / f"{name}.wav", samples, rate)
    shutil.copytree(locate("bundled"), "model")
    samples = np.random.default_rng(0).standard_normal((2, 48000)) / 10
    namespace: dict[str, object] = {"samples": samples}
    found = blocks(ROOT / document)
    assert found
    for block in found:
        if "to_frame" in block:
            pytest.importorskip("pandas")
        exec(compile(block, document, "exec"), namespace)
    assert isinstance(namespace["result"], imtools.Recognition)
