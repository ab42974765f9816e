"""The Python API on the bundled recordings: a notebook (jupytext), or a script."""

# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # imtools in a notebook
#
# What the commands do, from Python. Every cell runs as it stands, on the recordings in `examples/audio`:
# open this file as a notebook (Jupyter with jupytext), or run it with `python examples/notebook.py`.

# %%
from pathlib import Path

import numpy as np
import soundfile

import imtools

AUDIO = Path(__file__).parent / "audio" if "__file__" in globals() else Path("audio")

# %% [markdown]
# ## Recognize the instruments in a file
#
# `scores` maps each class to its score (0 to 1), `present` lists the classes whose score reaches their
# threshold, and `timeline` says when.

# %%
trumpet = sorted((AUDIO / "tru").glob("*.flac"))[0]
result = imtools.recognize(trumpet, timeline=True)
print(result.present, {label: round(score, 2) for label, score in result.scores.items()})
for span in result.timeline:
    print(f"{span.start:5.2f} to {span.end:5.2f} s  {span.label}  {span.score:.2f}")

# %% [markdown]
# ## Several files, and arrays
#
# A loaded model is used again and again. An array is given with its sampling rate, as (n,) or (channels, n);
# it has the scores of the file that it came from.

# %%
model = imtools.load_model()
print(model)
recordings = sorted(AUDIO.glob("*/*.flac"))[::8]
for recording in model.predict(recordings):
    print(Path(recording.source).parent.name, recording.present)

# %%
samples, sampling_rate = soundfile.read(trumpet, dtype="float32", always_2d=True)
from_array = model.predict((samples.T, sampling_rate))
assert max(abs(from_array.scores[label] - result.scores[label]) for label in model.classes) < 1e-6

# %% [markdown]
# ## Mix recordings, and see what is still recognized
#
# A manifest holds records: pointers to sound, with labels. `mix_records` plans mixes of records of different
# classes. They are recipes, rendered when they are read.

# %%
records = list(imtools.read_manifest(AUDIO / "manifest.jsonl"))
mixes = imtools.mix_records(records, imtools.MixSettings(limit=2), seed=1)
print(len(mixes), "mixes, for instance", mixes[0].id)
predicted = model.predict(mixes)

# %% [markdown]
# ## Scores
#
# `score_records` compares the predictions of records with their labels, as im-score does; `imtools.metrics`
# has the single metrics, with the argument order of scikit-learn.

# %%
report = imtools.score_records(mix.record for mix in predicted)
print(f"LRAP {report.lrap:.3f}, F1 micro {report.decisions.micro.f1:.3f}")

y_true = np.array([[label in mix.present_labels() for label in model.classes] for mix in mixes])
y_score = np.array([list(one.scores.values()) for one in predicted])
print(f"LRAP {imtools.metrics.lrap(y_true, y_score):.3f}")

# %% [markdown]
# ## Features and embeddings

# %%
cqt = imtools.extract_features(trumpet, "kratimenos2020")
print("constant-Q transform:", cqt.shape, cqt.dtype)

embeddings = model.embed(recordings)
similarity = embeddings @ embeddings.T
norms = np.linalg.norm(embeddings, axis=1)
nearest = np.argsort(-(similarity / np.outer(norms, norms))[0])[1]
print("nearest to", recordings[0].name, "is", recordings[nearest].name)
