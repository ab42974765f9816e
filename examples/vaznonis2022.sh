#!/bin/sh
# Vaznonis et al. (2022): a recurrent net on samples, a dense net on the spectrum of the clip, and the support vectors
# of Bosch et al. (2012), plain and with four streams of the stereo sound.
#
#   sh examples/vaznonis2022.sh [--plan] IRMAS_TRAIN IRMAS_TEST [OUTPUT_DIRECTORY]
#   sh examples/vaznonis2022.sh --mini [OUTPUT_DIRECTORY]
#
# What may be set in the environment: see experiment.sh. A run that was stopped goes on where it was.
set -eu
. "$(dirname "$0")/experiment.sh"

irmas vaznonis2022 "$@"

# 3.1: whole clips of 3 seconds. The paper does not say what validates: a tenth of the recordings.
if [ "$mini" ]; then
    recordings() { im-index "$here/audio" | im-split --holdout 0.3 --folds 3 --seed "$seed"; }
    once recordings.jsonl recordings
    training() { im-segment --where split=train --length 3 --tail pad recordings.jsonl; }
    testing() { im-mix --where split=test --limit 2 --seed "$seed" recordings.jsonl; }
else
    training() { im-index "$irmas_train" | im-split --folds 10 --seed "$seed"; }
    testing() { im-index "$irmas_test"; }
fi
once train.jsonl training
once test.jsonl testing
if [ "$plan" ]; then
    count train.jsonl test.jsonl
    exit
fi

# 3 and 4: the two nets. Bosch et al.: the streams are heard apart in prediction, the surest counts.
train lstm vaznonis2022-lstm --folds 0 train.jsonl
train fft vaznonis2022-fft --folds 0 train.jsonl
(scale=1 epochs='' && train bosch bosch2012 --folds 0 train.jsonl) # no net: neither width nor epochs
judged() { im-predict --model "$@" --device "$device" test.jsonl; }
once lstm.judged.jsonl judged lstm
once fft.judged.jsonl judged fft
once bosch.judged.jsonl judged bosch --mono
once bosch-streams.judged.jsonl judged bosch --stereo
rows=
for one in lstm fft bosch bosch-streams; do
    figures "$one.scores.jsonl" "$one.judged.jsonl"
    rows="$rows $one=$one.scores.jsonl"
done
report vaznonis2022 $rows
