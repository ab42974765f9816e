#!/bin/sh
# Chen et al. (2024): a classifier for each family of instruments, trained on single notes, judged on up to ten at once.
#
#   sh examples/chen2024.sh [--plan] NSYNTH [OUTPUT_DIRECTORY]
#   sh examples/chen2024.sh --mini [OUTPUT_DIRECTORY]
#
# NSYNTH holds nsynth-train, nsynth-valid and nsynth-test. PER_LEVEL, the mixes of each number of families, may be set
# in the environment, beside what experiment.sh names. A run that was stopped goes on where it was.
set -eu
. "$(dirname "$0")/experiment.sh"

per_level=${PER_LEVEL:-${mini:+6}}
per_level=${per_level:-100}
if [ "$mini" ]; then
    out=${1:-chen2024-mini}
else
    : "${1:?give NSYNTH, or --mini}"
    nsynth=$(absolute "$1") out=${2:-chen2024-out}
fi
mkdir -p "$out"
cd "$out"

# IV-A: acoustic notes of ten families; the eleventh, synth lead, has none. Single instruments of the bundled recordings
# stand for families.
if [ "$mini" ]; then
    notes() { im-index "$here/audio" | im-split --holdout 0.4 --seed "$seed" | im-segment --length 1; }
    levels=0-3
else
    notes() { im-index --layout nsynth --where instrument_source=acoustic "$nsynth"; }
    levels=0-10
fi
once notes.jsonl notes
solo() { im-segment --where split=test notes.jsonl; }
once solo.jsonl solo

# IV-C: silence, solos, duos, ... of distinct families, as many of each; of notes that no net has heard.
polyphony() {
    im-mix --where split=test --polyphony "$levels" --per-level "$per_level" --seed "$seed" notes.jsonl
}
once polyphony.jsonl polyphony
if [ "$plan" ]; then
    count notes.jsonl solo.jsonl polyphony.jsonl
    exit
fi

# IV-B: a net for each family, which stops at 98 % precision and accuracy; one negative is drawn for each positive.
# What validates are the instruments that the data set keeps for it, not a fifth of the notes.
train families chen2024 --negatives 1 notes.jsonl

# V: Table VI, solos; Figures 6 to 8, by the number of families; Figures 9 to 14, each family against the rest.
judged() { im-predict --model families --device "$device" "$1"; }
for set in solo polyphony; do
    once "$set.judged.jsonl" judged "$set.jsonl"
    figures "$set.scores.jsonl" "$set.judged.jsonl"
done
draw() { # NAME ARGUMENT...: one picture
    target=$1
    shift
    im-plot "$@" --force -o "$target.svg" polyphony.scores.jsonl > "$target.json"
}
draw figure6 polyphony
draw figure7 polyphony --per-class accuracy
draw figure8 polyphony --per-class tpr
set --
for level in 1 2 3 4 5 6; do
    number=$((level + 8))
    if grep -q "\"polyphony\":$level[,}]" polyphony.scores.jsonl; then
        draw "figure$number" confusion --level "$level"
        set -- "$@" --picture "figure$number.svg=Figure $number: each family against the rest, $level at once."
    fi
done
report chen2024 \
    --picture "figure6.svg=Figure 6: intersection over union and exact matches, by the number of families." \
    --picture "figure7.svg=Figure 7: accuracy of each family." --picture "figure8.svg=Figure 8: true positives." \
    "$@" solo=solo.scores.jsonl polyphony=polyphony.scores.jsonl
