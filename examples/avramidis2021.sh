#!/bin/sh
# Avramidis et al. (2021): recurrent and convolutional nets on the samples themselves.
#
#   sh examples/avramidis2021.sh [--plan] IRMAS_TRAIN IRMAS_TEST [OUTPUT_DIRECTORY]
#   sh examples/avramidis2021.sh --mini [OUTPUT_DIRECTORY]
#
# NETS and FOLDS may be set in the environment, beside what experiment.sh names. A run that was stopped goes on.
set -eu
. "$(dirname "$0")/experiment.sh"

folds=${FOLDS:-${mini:+2}}
folds=${folds:-5}
all='bigru-128 bigru-256 bigru-128-64 dcnn fcn rfcn crnn2 crnn3 crnn4 crnn5'
if [ "$mini" ]; then all='fcn rfcn crnn3'; fi # a GRU on every sample takes its time
nets=${NETS:-$all}
irmas avramidis2021 "$@"

# 4.1: clips cut into seconds, five folds of recordings.
if [ "$mini" ]; then
    recordings() { im-index "$here/audio" | im-split --holdout 0.3 --folds "$folds" --seed "$seed"; }
    once recordings.jsonl recordings
    training() { im-segment --where split=train --length 1 --hop 2 recordings.jsonl; }
    testing() { im-mix --where split=test --limit 2 --seed "$seed" recordings.jsonl; }
else
    training() { im-index "$irmas_train" | im-split --folds "$folds" --seed "$seed" | im-segment --length 1; }
    testing() { im-index "$irmas_test"; }
fi
once train.jsonl training
once test.jsonl testing
if [ "$plan" ]; then
    count train.jsonl test.jsonl
    exit
fi

# 3 and 5.1: each net; and the net of Kratimenos et al. on the constant-Q transform, whole and with as many parameters
# as the best of these.
reduced() { echo "$scale" | awk '{ print $1 * 0.36 }'; }
judged() { im-predict --model "$1" --members --device "$device" test.jsonl; }
rows=
for net in kratimenos kratimenos-reduced $nets; do
    case $net in
    kratimenos) train "$net" kratimenos2020 train.jsonl ;;
    kratimenos-reduced) (scale=$(reduced) && train "$net" kratimenos2020 train.jsonl) ;;
    *) train "$net" "avramidis2021-$net" train.jsonl ;;
    esac
    once "$net.judged.jsonl" judged "$net"
    figures "$net.scores.jsonl" "$net.judged.jsonl"
    rows="$rows $net=$net.scores.jsonl"
done

# Figure 4: the best net on samples, class by class, against the constant-Q transform.
figures against.scores.jsonl --baseline kratimenos.judged.jsonl crnn3.judged.jsonl
im-plot difference --force -o figure4.svg against.scores.jsonl > figure4.json
report avramidis2021 \
    --picture "figure4.svg=Figure 4: F1 by class, of CRNN 3 against the net on the constant-Q transform." $rows
