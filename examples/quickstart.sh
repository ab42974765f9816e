#!/bin/sh
# The whole pipeline on the bundled recordings: from audio files to a table of scores, in about a minute.
#
#   sh examples/quickstart.sh [OUTPUT_DIRECTORY]
set -eu

here=$(cd "$(dirname "$0")" && pwd)
out=${1:-demo-out}
mkdir -p "$out"

# One-second segments of every recording, dealt to three folds that share no recording.
im-segment --length 1 "$here/audio" | im-split --folds 3 --seed 1 > "$out/segments.jsonl"

# Two-instrument mixes inside each fold: recipes, rendered when they are read.
im-mix --limit 12 --seed 1 "$out/segments.jsonl" > "$out/mixes.jsonl"

# The constant-Q transform of both.
im-features --preset kratimenos2020 --force -o "$out/features" \
    "$out/segments.jsonl" "$out/mixes.jsonl" > "$out/features.jsonl"

# A small net, once for each fold: trained on the two others.
im-train --model kratimenos2020 --width 0.125 --schedule onecycle --learning-rate 0.004 --epochs "${EPOCHS:-16}" --batch 32 \
    --seed 1 --force -o "$out/model" "$out/features" > "$out/validation.jsonl"

# Which instruments sound? Each recording is judged by the net that has never heard it.
im-predict --model "$out/model" --held-out "$out/segments.jsonl" > "$out/predictions.jsonl"
im-score "$out/predictions.jsonl"
