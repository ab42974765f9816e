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
    im-score --unlisted absent --format jsonl "$2" | head -n 1 | python3 -c '
import json, sys
row = json.load(sys.stdin)
ranking = " ".join(f"{name} {row[key]:.3f}" for name, key in (("LRAP", "lrap"), ("AUC", "auc"), ("top-1", "top1")))
micro, macro = (row["decisions"][which]["f1"] for which in ("micro", "macro"))
print(sys.argv[1], ranking, f"F1 micro {micro:.3f} macro {macro:.3f}")
' "$1"
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
    python3 - $combined > "$out/$net-ensemble.jsonl" <<'PYTHON'
import json
import sys

for lines in zip(*(open(name, encoding="utf-8") for name in sys.argv[1:]), strict=True):
    record, *others = map(json.loads, lines)
    for place, one in enumerate(record["predictions"]):
        scores = [one["score"], *(other["predictions"][place]["score"] for other in others)]
        record["predictions"][place] = {"model": "ensemble", "label": one["label"], "score": sum(scores) / len(scores)}
    print(json.dumps(record))
PYTHON
    figures "$net, ensemble:" "$out/$net-ensemble.jsonl"
done
