#!/bin/sh
# A model for recordings of any kind: imtools2026 on recordings of music and single notes together, judged on music that
# it has not heard, on phrases of other collections, and on mixes of these.
#
#   sh examples/general-model.sh TRAIN_NPZ AUDIO_DIRECTORY [OUTPUT_DIRECTORY]
#
# TRAIN_NPZ holds the mel spectrograms of the IRMAS training set; AUDIO_DIRECTORY a manifest.jsonl whose lines have
# "path", "labels", "source" and "kind", which is "notes" or "phrases". EPOCHS and WIDTH may be set in the environment.
# It takes about half an hour on two processors.
set -eu

archive=$1
audio=$2
out=${3:-general-out}
mkdir -p "$out"

# Recordings of music and single notes, as the net sees them: 3 seconds, decibels below the loudest cell. Of both, 15 %
# of the recordings are held out for the figures, and a tenth of the others for the thresholds.
im-index --force -o "$out/mel" "$archive" > "$out/irmas.jsonl"
im-index "$audio" > "$out/audio.jsonl"
im-segment --where kind=notes --length 3 --hop 1.5 --tail pad "$out/audio.jsonl" \
    | im-features --preset irmas-mel --force -o "$out/notes" > "$out/notes.jsonl"
im-split --holdout 0.15 --folds 10 --seed 1 "$out/irmas.jsonl" "$out/notes.jsonl" > "$out/split.jsonl"

# Each clip of IRMAS names one predominant instrument only: the others count as absent.
im-train --model imtools2026 --width "${WIDTH:-1}" --epochs "${EPOCHS:-28}" --mix 0.3 --voices 3 --shift --equalize 4 \
    --roll 3 --mask 0.12 --unlisted absent --folds 0 --hop 1.5 --seed 1 --name general --force -o "$out/model" \
    "$out/split.jsonl" > "$out/validation.jsonl"
im-predict --model "$out/model" --held-out --where fold=0 "$out/split.jsonl" > "$out/fold0.jsonl"
im-threshold --unlisted absent --into "$out/model" "$out/fold0.jsonl" > "$out/thresholds.json"

echo "IRMAS: recordings held out"
im-predict --model "$out/model" --where split=test --where source.dataset=irmas "$out/split.jsonl" > "$out/irmas-test.jsonl"
im-score --unlisted absent "$out/irmas-test.jsonl"
echo
echo "Phrases of Medley-solos-DB"
im-predict --model "$out/model" --where kind=phrases "$out/audio.jsonl" > "$out/phrases.jsonl"
im-score --unlisted absent --where source.dataset=medleysolos "$out/phrases.jsonl"
echo
echo "All phrases"
im-score --unlisted absent "$out/phrases.jsonl"
echo
echo "Mixes of two phrases"
im-segment --where kind=phrases --length 3 --hop 3 --tail pad "$out/audio.jsonl" \
    | im-mix --limit 10 --seed 1 > "$out/mixes.jsonl"
im-predict --model "$out/model" "$out/mixes.jsonl" > "$out/mixes-predicted.jsonl"
im-score --unlisted absent "$out/mixes-predicted.jsonl"
