#!/bin/sh
# A net on the mel spectrograms of the IRMAS training set, judged on recordings that it has never heard.
#
#   sh examples/irmas-mel.sh TRAIN_NPZ [OUTPUT_DIRECTORY]
#
# About ten minutes on two processors. EPOCHS and WIDTH may be set in the environment.
set -eu

archive=$1
out=${2:-irmas-out}
mkdir -p "$out"

# Fifteen percent of the recordings are held out.
im-index --force -o "$out/mel" "$archive" | im-split --holdout 0.15 --seed 1 > "$out/split.jsonl"

# Each clip names one predominant instrument only: as in the papers, the others count as absent.
im-train --model kratimenos2020 --width "${WIDTH:-0.25}" --schedule onecycle --learning-rate 0.003 \
    --epochs "${EPOCHS:-18}" --batch 32 --roll 2 --mask 0.12 --unlisted absent \
    --where split=train --seed 1 --force -o "$out/model" "$out/split.jsonl" > "$out/validation.jsonl"

im-predict --model "$out/model" --where split=test "$out/split.jsonl" > "$out/predictions.jsonl"
im-score --unlisted absent "$out/predictions.jsonl"
