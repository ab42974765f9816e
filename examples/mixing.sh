#!/bin/sh
# The four mixings of Kratimenos et al. (2020), and the levels of polyphony of Chen et al. (2024), as recipes.
#
#   sh examples/mixing.sh [AUDIO_DIRECTORY] [OUTPUT_DIRECTORY]
#
# LIMIT (mixes of each pair, default 4) and F0 (crepe, the default, or crepe-tiny) may be set in the environment.
set -eu

audio=${1:-$(dirname "$0")/audio}
out=${2:-mixing-out}
limit=${LIMIT:-4}
mkdir -p "$out"

# Folds are made before anything is mixed: a mix never crosses one.
im-index "$audio" | im-split --folds 3 --seed 1 > "$out/recordings.jsonl"
im-segment --length 1 "$out/recordings.jsonl" > "$out/segments.jsonl"

im-mix --limit "$limit" "$out/segments.jsonl" > "$out/random.jsonl"
im-mix --limit "$limit" --sync pitch --f0 "${F0:-crepe}" "$out/segments.jsonl" > "$out/pitch.jsonl"
im-mix --limit "$limit" --within source.dataset "$out/segments.jsonl" > "$out/within.jsonl"

# A second is too short for a tempo: clips of two to three seconds are mixed, and cut afterwards.
im-mix --limit "$limit" --sync tempo --tempo-fold "$out/recordings.jsonl" \
    | im-segment --length 1 > "$out/tempo.jsonl"

# Beyond the paper: one key, and three voices.
im-mix --limit "$limit" --sync key "$out/recordings.jsonl" | im-segment --length 1 > "$out/key.jsonl"
im-mix --limit "$limit" --voices 3 --snr -3:3 "$out/segments.jsonl" > "$out/trios.jsonl"

# Silence, solos, duos, ... of as many classes as a fold has, evenly.
im-mix --polyphony 0-4 --per-level 10 "$out/segments.jsonl" > "$out/levels.jsonl"

# Recipes become sound when something reads them, or once and for all:
im-mix --render --force -o "$out/pitch" "$out/pitch.jsonl" > "$out/rendered.jsonl"

for set in random pitch within tempo key trios levels rendered; do
    echo "$(wc -l < "$out/$set.jsonl") mixes: $out/$set.jsonl"
done
