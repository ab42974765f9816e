#!/bin/sh
# The model that comes with imtools (im-predict uses it where no other is named), made again from its data, and judged.
#
#   sh examples/bundled-model/make.sh TRAIN_NPZ AUDIO_DIRECTORY [OUTPUT_DIRECTORY]
#
# TRAIN_NPZ holds the mel spectrograms of the IRMAS training set; AUDIO_DIRECTORY a manifest.jsonl whose lines have
# "path", "labels", "source" and "kind", which is "notes" or "phrases". Phrases only judge. EPOCHS and WIDTH may be set
# in the environment. A training that was interrupted goes on if the script is started again. What it leaves in
# OUTPUT_DIRECTORY/model, but for run.json, is what lies in src/imtools/models/bundled.
set -eu

archive=$1
audio=$2
out=${3:-bundled-out}
here=$(dirname "$0")
mkdir -p "$out"

# Recordings of music, single notes, and sounds without any instrument, as the net sees them: 3 seconds, decibels below
# the loudest cell. Of all, 15 % of the recordings are held out for the figures; of the others a tenth (fold 7) is not
# trained on: its music and its silence calibrate, and choose the thresholds.
im-index --force -o "$out/mel" "$archive" > "$out/irmas.jsonl"
im-index "$audio" > "$out/audio.jsonl"
im-segment --where kind=notes --length 3 --hop 1.5 --tail pad "$out/audio.jsonl" \
    | im-features --preset irmas-mel --force -o "$out/notes" > "$out/notes.jsonl"
python "$here/nothing.py" "$out/nothing"
im-index "$out/nothing" | im-features --preset irmas-mel --force -o "$out/nothing-mel" > "$out/nothing.jsonl"
im-split --holdout 0.15 --folds 10 --seed 1 "$out/irmas.jsonl" "$out/notes.jsonl" "$out/nothing.jsonl" \
    > "$out/split.jsonl"

# Each clip of IRMAS names one predominant instrument only: the others count as absent.
im-train --model imtools2026 --width "${WIDTH:-1}" --epochs "${EPOCHS:-46}" --warm-up 1 --ema 0.998 --listwise 2 \
    --mix 0.3 --voices 3 --crop 0.5 --shift --equalize 2 --roll 2 --mask 0.1 --unlisted absent --folds 7 --hop 1.5 \
    --aggregation top-quarter --seed 1 --name imtools --resume -o "$out/trained" \
    "$out/split.jsonl" > "$out/validation.jsonl"

judge() { # MODEL
    for dataset in irmas nothing; do
        im-predict --model "$1" --where fold=7 --where source.dataset=$dataset "$out/split.jsonl"
    done
}
judge "$out/trained" > "$out/raw.jsonl"
im-calibrate --model "$out/trained" --unlisted absent --force -o "$out/model" "$out/raw.jsonl" > "$out/calibration.json"
judge "$out/model" > "$out/calibrated.jsonl"
im-threshold --unlisted absent --into "$out/model" "$out/calibrated.jsonl" > "$out/thresholds.json"

# The figures, on recordings that decided nothing.
im-segment --where kind=phrases --length 3 --hop 3 --tail pad "$out/audio.jsonl" > "$out/segments.jsonl"
im-mix --limit 10 --seed 1 "$out/segments.jsonl" > "$out/duos.jsonl"
im-mix --voices 3 --limit 3 --seed 1 "$out/segments.jsonl" > "$out/trios.jsonl"
for dataset in irmas nothing; do
    im-predict --model "$out/model" --where split=test --where source.dataset=$dataset "$out/split.jsonl" \
        > "$out/$dataset-test.jsonl"
done
im-predict --model "$out/model" --where kind=phrases "$out/audio.jsonl" > "$out/phrases.jsonl"
for mixes in duos trios; do
    im-predict --model "$out/model" "$out/$mixes.jsonl" > "$out/$mixes-predicted.jsonl"
done
im-plot reliability --unlisted absent --width single --dpi 150 --force -o "$out/model/reliability.png" \
    "$out/irmas-test.jsonl" > "$out/picture.jsonl"

score() { # NAME PREDICTIONS [OPTION...]
    name=$1
    shift
    im-score --unlisted absent --seed 1 --format jsonl "$@" > "$out/scores-$name.jsonl"
}
score irmas-test "$out/irmas-test.jsonl"
score medley --where source.dataset=medleysolos "$out/phrases.jsonl"
score phrases "$out/phrases.jsonl"
score duos "$out/duos-predicted.jsonl"
score trios "$out/trios-predicted.jsonl"
python "$here/card.py" "$out" "$here/CARD.md"
sed -n '/^## Results/,/^## Training data/p' "$out/model/README.md"
none=$(grep -vc '"present":true' "$out/nothing-test.jsonl" || true)
echo "$none of $(wc -l < "$out/nothing-test.jsonl") held-out sounds without any instrument are said to have none"
