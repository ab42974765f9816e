#!/bin/sh
# Do mixes help because they are mixes, or because they are more? The control of Kratimenos et al. (2020):
# single instruments, shifted in pitch by 2, 4 and 6 semitones up and down until they are as many.
#
#   sh examples/augment.sh [AUDIO_DIRECTORY] [OUTPUT_DIRECTORY]
#
# Prints the sizes of both sets. Each is a manifest to train on.
set -eu

audio=${1:-$(dirname "$0")/audio}
out=${2:-augment-out}
mkdir -p "$out"

im-segment --length 1 "$audio" | im-split --folds 3 --seed 1 > "$out/segments.jsonl"
im-mix --limit 12 --seed 1 "$out/segments.jsonl" > "$out/mixes.jsonl"

# As many copies as there are mixes, spread evenly over the segments; folds and labels go along.
im-augment --pitch -6,-4,-2,2,4,6 --limit "$(wc -l < "$out/mixes.jsonl")" --seed 1 \
    "$out/segments.jsonl" > "$out/shifted.jsonl"

# Segments amid silence, at another place and level each, as a net for clips of fixed length may need them.
im-augment --pad 3 --gain -12:0 --seed 1 "$out/segments.jsonl" > "$out/padded.jsonl"

for set in mixes shifted padded; do
    echo "$(wc -l < "$out/$set.jsonl") records: $out/$set.jsonl"
done
