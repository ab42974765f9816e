#!/bin/sh
# How far isolated notes carry, and how far a collection of phrases carries to another one.
#
#   sh examples/solo-recordings.sh AUDIO_DIRECTORY [OUTPUT_DIRECTORY]
#
# AUDIO_DIRECTORY holds a manifest.jsonl whose lines have "path", "labels", "source" and "kind", which is
# "notes" or "phrases". EPOCHS and WIDTH may be set in the environment.
set -eu

audio=$1
out=${2:-solo-out}
net="--model kratimenos2020 --width ${WIDTH:-0.25} --schedule onecycle --learning-rate 0.003 --weight-decay 0.01 \
    --epochs ${EPOCHS:-15} --batch 32 --mix 0.3 --roll 1 --mask 0.1 --seed 1"
mkdir -p "$out"

im-index "$audio" > "$out/index.jsonl"

# Trained on notes, scored on phrases: other players, rooms and microphones.
im-segment --where kind=notes --tail pad "$out/index.jsonl" | im-features --force -o "$out/notes" > "$out/notes.jsonl"
im-train $net --force -o "$out/notes-model" "$out/notes" > "$out/notes-validation.jsonl"
im-predict --model "$out/notes-model" --where kind=phrases "$out/index.jsonl" > "$out/notes-to-phrases.jsonl"
echo "Trained on notes, scored on phrases"
im-score "$out/notes-to-phrases.jsonl"

# Phrases, cross-validated by source: no collection is both heard in training and judged.
im-split --where kind=phrases --folds 3 --group-by source.dataset --seed 1 "$out/index.jsonl" > "$out/phrases.jsonl"
im-segment --tail pad "$out/phrases.jsonl" | im-features --force -o "$out/phrases" > "$out/phrase-segments.jsonl"
im-train $net --force -o "$out/phrases-model" "$out/phrases" > "$out/phrases-validation.jsonl"
im-predict --model "$out/phrases-model" --held-out "$out/phrases.jsonl" > "$out/across-sources.jsonl"
echo
echo "Phrases, cross-validated by source"
im-score "$out/across-sources.jsonl"
