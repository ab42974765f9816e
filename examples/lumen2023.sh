#!/bin/sh
# Lumen Data Science (2023): nets on three representations, a threshold for each net and class, and their fusion.
#
#   sh examples/lumen2023.sh [--plan] IRMAS_TRAIN IRMAS_TEST [OUTPUT_DIRECTORY]
#   sh examples/lumen2023.sh --mini [OUTPUT_DIRECTORY]
#
# What may be set in the environment: see experiment.sh. A run that was stopped goes on where it was.
set -eu
. "$(dirname "$0")/experiment.sh"

irmas lumen2023 "$@"

# 3.1: 15 % of the training set validate: fold 0 of seven, whole recordings. Clips are cut into seconds.
if [ "$mini" ]; then
    recordings() { im-index "$here/audio" | im-split --holdout 0.3 --folds 3 --seed "$seed"; }
    once recordings.jsonl recordings
    training() { im-segment --where split=train --length 1 recordings.jsonl; }
    testing() { im-mix --where split=test --limit 2 --seed "$seed" recordings.jsonl; }
else
    training() { im-index "$irmas_train" | im-split --folds 7 --seed "$seed" | im-segment --length 1; }
    testing() { im-index "$irmas_test"; }
fi
once train.jsonl training
once test.jsonl testing
if [ "$plan" ]; then
    count train.jsonl test.jsonl
    exit
fi

# 3.2 and 3.3: three nets. 3.4: thresholds of the best F1, on what validated; the paper may have taken the test set.
validation() { im-predict --model "$1" --held-out --where fold=0 --device "$device" train.jsonl; }
judged() { im-predict --model "$1" --device "$device" test.jsonl; }
for representation in mel modgd chroma; do
    net=lumen2023-$representation
    train "$representation" "$net" --folds 0 train.jsonl
    once "$representation.validation.jsonl" validation "$representation"
    once "$representation.judged.jsonl" judged "$representation"
done
validations='mel.validation.jsonl modgd.validation.jsonl chroma.validation.jsonl'
judgements='mel.judged.jsonl modgd.judged.jsonl chroma.judged.jsonl'
once thresholds.json im-threshold --unlisted absent $validations

# Table 7: present is what passes the thresholds of all; Rajan: the mean of the scores, with thresholds of its own.
once mel-modgd.judged.jsonl im-fuse --rule all --thresholds thresholds.json mel.judged.jsonl modgd.judged.jsonl
once fused.judged.jsonl im-fuse --rule all --thresholds thresholds.json $judgements
once mean.validation.jsonl im-fuse --name mean $validations
once mean.judged.jsonl im-fuse --name mean $judgements
once mean-thresholds.json im-threshold --unlisted absent mean.validation.jsonl

# Tables 8 to 10, Figures 7, 9 and 10; Figure 6: F1 against the threshold.
for one in mel modgd chroma; do
    figures "$one.scores.jsonl" --thresholds thresholds.json "$one.judged.jsonl"
done
figures mean.scores.jsonl --thresholds mean-thresholds.json mean.judged.jsonl
for one in mel-modgd fused; do figures "$one.scores.jsonl" "$one.judged.jsonl"; done
im-fuse --keep --name mean $validations | im-plot threshold --force --unlisted absent -o figure6.svg > figure6.json
rows=
for one in mel modgd chroma mean mel-modgd fused; do rows="$rows $one=$one.scores.jsonl"; done
report lumen2023 \
    --picture "figure6.svg=Figure 6: F1 against the threshold, on what validated." $rows
