#!/bin/sh
# Kratimenos et al. (2020) in small, where IRMAS is not at hand: does mixing solos help to hear several instruments?
#
#   sh examples/mixing-study.sh AUDIO_DIRECTORY [OUTPUT_DIRECTORY]
#
# AUDIO_DIRECTORY holds a manifest.jsonl whose lines have "path", "labels", "source" and "kind", which is
# "notes" or "phrases". SEEDS and what kratimenos2020.sh takes may be set in the environment. A run that was stopped
# goes on where it was. The last line names the report. A seed takes some 50 minutes of one processor core.
set -eu
. "$(dirname "$0")/experiment.sh"

audio=$(absolute "$1")
mkdir -p "${2:-mixing-study}"
cd "${2:-mixing-study}"

# Half of the recorded phrases are kept for the judgement; the other half, and single notes, are what is trained on.
halves() { im-index --where kind=phrases "$audio" | im-split --holdout 0.5 --seed 1; }
solos() { im-index --where kind=notes "$audio" && im-index --where split=train halves.jsonl; }
once halves.jsonl halves
once solos.jsonl solos

# Judged are these phrases alone, two at once and three at once. They are mixed within ten groups of recordings, so
# that intervals can come from resamples of the groups.
blocks() { im-split --where split=test --folds 10 --seed 1 halves.jsonl; }
tracks() {
    cat blocks.jsonl
    im-mix --limit 6 --seed 1 blocks.jsonl
    im-mix --voices 3 --limit 2 --seed 1 blocks.jsonl
}
once blocks.jsonl blocks
once tracks.jsonl tracks
count solos.jsonl blocks.jsonl tracks.jsonl

# Three times, with other folds, mixes and first weights, at an eighth of the nets' width. Of the five folds, one
# validates: single notes of one collection and instrument count as one recording, so that folds are unequal; without
# this one, every instrument is still trained on. No recording says its genre.
: "${SCALE:=0.125}" "${EPOCHS:=10}" "${LIMIT:=20}" "${F0:=crepe-tiny}"
: "${SETS:=mono random tempo pitch control key trios}" "${OLDER:=mono random}"
: "${TRAINING:=--schedule onecycle --learning-rate 0.003 --batch 32 --keep last --folds 2}"
export SCALE EPOCHS LIMIT F0 SETS OLDER TRAINING
for number in ${SEEDS:-1 2 3}; do
    SEED=$number sh "$here/kratimenos2020.sh" solos.jsonl tracks.jsonl "seed$number"
done

# All runs in one report: of each figure the mean over the seeds, their spread, and what their intervals span.
runs=
for file in seed*/*.scores.jsonl; do
    name=$(basename "$file" .scores.jsonl)
    case $name in
    kratimenos2020-*) runs="$runs ${name#kratimenos2020-}=$file" ;;
    gururani2018-*) runs="$runs gururani-${name#gururani2018-}=$file" ;;
    esac
done
report kratimenos2020 --note "Single notes and phrases, judged by mixes of other phrases: not IRMAS, small nets." $runs
