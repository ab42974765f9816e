#!/bin/sh
# Every kind of picture that im-plot draws, of real runs on the bundled recordings: those of docs/gallery.md.
#
#   sh examples/gallery.sh [OUTPUT_DIRECTORY]
#
# EPOCHS, LIMIT (mixes of each pair of classes) and PER_LEVEL (mixes of each number of instruments that are judged)
# may be set in the environment. It takes some four minutes on two processors.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
out=${1:-gallery-out}
pictures=$out/pictures
mkdir -p "$pictures"

# Three sets to train on: the segments alone, with random mixes, and with mixes in one pitch.
im-segment --length 1 "$here/audio" | im-split --folds 3 --seed 1 > "$out/mono.jsonl"
im-mix --limit "${LIMIT:-12}" --seed 1 "$out/mono.jsonl" > "$out/random.jsonl"
im-mix --sync pitch --f0 crepe-tiny --limit "${LIMIT:-12}" --seed 1 --force -o "$out/pitch" "$out/mono.jsonl" > "$out/pitch.jsonl"

# What is judged: mixes of one to four other segments of the recordings that a net has not been trained on.
im-mix --polyphony 1-4 --per-level "${PER_LEVEL:-60}" --seed 2 "$out/mono.jsonl" > "$out/judged.jsonl"

for set in mono random pitch; do
    more=
    if [ "$set" != mono ]; then more=$out/$set.jsonl; fi
    im-train --model kratimenos2020 --width 0.125 --schedule onecycle --learning-rate 0.004 \
        --epochs "${EPOCHS:-16}" --batch 32 --seed 1 --name "$set" --force -o "$out/$set-model" \
        "$out/mono.jsonl" $more > "$out/$set-validation.jsonl"
    im-predict --model "$out/$set-model" --held-out "$out/judged.jsonl" > "$out/$set-judged.jsonl"
done
for set in mono random pitch; do
    against=
    if [ "$set" != mono ]; then against="--baseline $out/mono-judged.jsonl"; fi
    im-score --format jsonl $against "$out/$set-judged.jsonl" > "$out/$set-scores.jsonl"
done

# Two recordings, and their mixes of three kinds.
im-index "$here/audio" > "$out/index.jsonl"
for id in pia/Medley-solos-DB_test-4_0a7fc4ad-23d7-5843-fc36-a27c7aa6638e \
    gel/Medley-solos-DB_training-1_00352223-57bc-5a6e-fbee-4b17e4c499f6; do
    im-index --where id="$id" "$out/index.jsonl"
done > "$out/tracks.jsonl"
for sync in none tempo pitch; do
    im-mix --sync "$sync" --f0 crepe-tiny "$out/tracks.jsonl"
done > "$out/mixes.jsonl"

# Three instruments that come in one after the other, heard in windows by a net that knows none of the recordings.
im-split --folds 3 --seed 1 "$out/index.jsonl" \
    | im-mix --pairs flu+pia+sax --offset 0.4:1.2 --limit 1 --seed 1 > "$out/trio.jsonl"
im-predict --model "$out/random-model" --held-out --windows --hop 0.1 "$out/trio.jsonl" > "$out/trio-windows.jsonl"
im-threshold "$out/random-judged.jsonl" > "$out/thresholds.json"

cd "$out"
im-plot spectrogram --force --dpi 200 -o pictures/spectrogram.png tracks.jsonl mixes.jsonl
im-plot waveform --force --dpi 200 -o pictures/waveform.png trio.jsonl
im-plot activity --force --dpi 200 --threshold thresholds.json -o pictures/activity.png trio-windows.jsonl
im-plot training --force --dpi 200 --metric lrap -o pictures/training.png mono-model random-model pitch-model
im-plot difference --force --dpi 200 -o pictures/difference.png random-scores.jsonl pitch-scores.jsonl
im-plot polyphony --force --dpi 200 -o pictures/polyphony.png mono-scores.jsonl random-scores.jsonl pitch-scores.jsonl
im-plot polyphony --force --dpi 200 --per-class tpr -o pictures/polyphony-classes.png random-scores.jsonl
im-plot confusion --force --dpi 200 --width single -o pictures/confusion.png random-scores.jsonl
im-plot confusion --force --dpi 200 --level 2 -o pictures/confusion-duos.png random-scores.jsonl
im-plot threshold --force --dpi 200 -o pictures/threshold.png random-judged.jsonl
im-plot reliability --force --dpi 200 --width single -o pictures/reliability.png random-judged.jsonl
ls -l pictures
