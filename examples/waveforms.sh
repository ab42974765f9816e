#!/bin/sh
# The comparison of Kratimenos et al. (2020) and Avramidis et al. (2021) in miniature: nets on waveforms and one on
# the constant-Q transform, trained on single notes alone and with mixes of them, judged on phrases.
#
#   sh examples/waveforms.sh AUDIO_DIRECTORY [OUTPUT_DIRECTORY]
#
# AUDIO_DIRECTORY holds a manifest.jsonl whose lines have "path", "labels", "source" and "kind", which is
# "notes" or "phrases". MODELS ("NAME:WIDTH:EPOCHS:BATCH ..."), SETS, HOP, the seconds from one segment to the next, and
# LIMIT, the mixes of each pair of classes, may be set in the environment. It takes about an hour on two processors,
# most of it for the recurrent nets.
set -eu

audio=$1
out=${2:-waveforms-out}
sets=${SETS:-mono random pitch tempo}
mkdir -p "$out"

# Folds of recordings, made before anything is mixed; fold 0 decides when to stop.
im-index "$audio" > "$out/index.jsonl"
im-split --where kind=notes --folds 5 --seed 1 "$out/index.jsonl" > "$out/notes.jsonl"
im-segment --hop "${HOP:-2}" --tail pad "$out/notes.jsonl" > "$out/mono.jsonl"
limit=${LIMIT:-25}
im-mix --limit "$limit" --seed 1 "$out/mono.jsonl" > "$out/random.jsonl"
# Shifting takes longer than a small net: written to files, it is done once.
im-mix --sync pitch --f0 crepe-tiny --limit "$limit" --seed 1 --force -o "$out/pitch" "$out/mono.jsonl" \
    > "$out/pitch.jsonl"
# A tempo takes three seconds; the mixes are cut afterwards.
im-segment --length 3 --tail pad "$out/notes.jsonl" > "$out/long.jsonl"
im-mix --sync tempo --limit $((limit / 3 + 1)) --seed 1 --force -o "$out/tempo" "$out/long.jsonl" \
    | im-segment > "$out/tempo.jsonl"

# Prints the figures of some predictions in one line.
figures() {
    im-score --unlisted absent --bootstrap 0 --format csv "$2" | awk -F, -v name="$1" '
        $2 == "" && $3 == "" { value[$4] = $5 }
        END {
            printf "%s LRAP %.3f AUC %.3f top-1 %.3f", name, value["lrap"], value["auc"], value["top1"]
            printf " F1 micro %.3f macro %.3f\n", value["f1_micro"], value["f1_macro"]
        }'
}

for model in ${MODELS:-kratimenos2020:0.25:6:64 avramidis2021-fcn:1:8:16 avramidis2021-rfcn:1:8:16 \
    avramidis2021-crnn3:1:3:64 avramidis2021-bigru-128:1:1:64}; do
    IFS=: read -r net width epochs batch <<MODEL
$model
MODEL
    combined=
    for set in $sets; do
        more=
        if [ "$set" != mono ]; then more=$out/$set.jsonl; fi
        im-train --model "$net" --width "$width" --epochs "$epochs" --schedule onecycle --learning-rate 0.003 \
            --batch "$batch" --folds 0 --unlisted absent --seed 1 --force -o "$out/$net-$set" \
            "$out/mono.jsonl" $more > "$out/$net-$set-validation.jsonl"
        judged=$out/$net-$set-phrases.jsonl
        im-predict --model "$out/$net-$set" --where kind=phrases "$out/index.jsonl" > "$judged"
        figures "$net, $set:" "$judged"
        if [ "$set" != random ]; then combined="$combined $judged"; fi
    done
    # The ensemble of Kratimenos et al.: the mean of what the models say, that of random mixes left out.
    im-fuse --rule mean $combined > "$out/$net-ensemble.jsonl"
    figures "$net, ensemble:" "$out/$net-ensemble.jsonl"
done
