#!/bin/sh
# Nets of four papers on the mel spectrograms of the IRMAS training set, cross-validated by recordings, with and
# without mixing examples on the way into the net.
#
#   sh examples/irmas-models.sh TRAIN_NPZ [OUTPUT_DIRECTORY]
#
# The nets are narrowed and trained for a few epochs, so that all of it takes about two hours on two processors.
# MODELS ("NAME:WIDTH ..."), MIXES ("0 0.5"), FOLDS and EPOCHS may be set in the environment.
set -eu

archive=$1
out=${2:-irmas-models-out}
mkdir -p "$out"

im-index --force -o "$out/mel" "$archive" | im-split --folds "${FOLDS:-5}" --seed 1 > "$out/folds.jsonl"

# Prints mean and deviation over the folds of one figure in lines of JSON.
over_folds() {
    sed -n "s/.*\"$1\": *\([0-9.]*\).*/\1/p" "$2" | awk '
        { sum += $1; squares += $1 * $1; count++ }
        END { mean = sum / count; printf "%.3f +- %.3f", mean, sqrt((squares - count * mean * mean) / (count - 1)) }'
}

echo "model (width), mixing: top-1, LRAP on the folds held out; seconds of training"
for model in ${MODELS:-kratimenos2020:0.25 han2017:0.5 lumen2023-mel:0.5 chen2024:0.25}; do
    net=${model%:*} width=${model#*:}
    rate=0.003 batch=64 negatives=
    case $net in
    han2017 | lumen2023-*) rate=0.001 batch=16 ;; # no batch normalisation: their papers' rate, and more steps
    chen2024) negatives="--negatives 1" ;;
    esac
    for mix in ${MIXES:-0 0.5}; do
        start=$(date +%s)
        # The weights of the last epoch: the held-out folds decide nothing.
        im-train --model "$net" --width "$width" $negatives --mix "$mix" --schedule onecycle \
            --learning-rate "$rate" --epochs "${EPOCHS:-6}" --keep last --batch "$batch" --unlisted absent --seed 1 \
            --force -o "$out/$net-mix$mix" "$out/folds.jsonl" > "$out/$net-mix$mix.jsonl"
        # One-vs-all: a line for each net, then those of all together, which alone have these figures.
        echo "$net ($width), $mix: top-1 $(over_folds top1 "$out/$net-mix$mix.jsonl")," \
            "LRAP $(over_folds lrap "$out/$net-mix$mix.jsonl"); $(($(date +%s) - start)) s"
    done
done
