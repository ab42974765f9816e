#!/bin/sh
# Kratimenos et al. (2020): a net for polyphonic music from recordings of single instruments, by mixing them.
#
#   sh examples/kratimenos2020.sh [--plan] IRMAS_TRAIN IRMAS_TEST [OUTPUT_DIRECTORY]
#   sh examples/kratimenos2020.sh --mini [OUTPUT_DIRECTORY]
#
# IRMAS_TRAIN and IRMAS_TEST may be any data set or manifest that im-index reads. SETS, OLDER (those of them that the
# older net is trained on as well) and FOLDS may be set in the environment, beside what experiment.sh names. A run that
# was stopped goes on where it was. The last line names the report.
set -eu
. "$(dirname "$0")/experiment.sh"

folds=${FOLDS:-${mini:+2}}
folds=${folds:-5}
OLDER=${OLDER:-}
if [ "$mini" ]; then
    f0=crepe-tiny sets=${SETS:-mono random tempo pitch control} # the bundled recordings have no genre
else
    f0=${F0:-crepe} sets=${SETS:-mono random genre tempo pitch control key trios}
fi
# of SET...: those of them that are to be studied.
of() {
    for set in "$@"; do
        case " $sets " in *" $set "*) echo "$set" ;; esac
    done
}
irmas kratimenos2020 "$@"

# III-A: clips of one predominant instrument, cut into seconds. Five folds of recordings, made before anything is mixed.
if [ "$mini" ]; then
    recordings() { im-index "$here/audio" | im-split --holdout 0.3 --folds "$folds" --seed "$seed"; }
    once recordings.jsonl recordings
    training() { im-segment --where split=train --length 3 --tail pad recordings.jsonl; }
    # Polyphonic tracks to judge on: two or three phrases of the recordings held out.
    testing() {
        im-mix --where split=test --limit 2 --seed "$seed" recordings.jsonl
        im-mix --where split=test --voices 3 --limit 1 --seed "$seed" recordings.jsonl
    }
else
    # Clips of IRMAS have 3 seconds each already; recordings of your own need not.
    recordings() { im-index "$irmas_train" | im-split --folds "$folds" --seed "$seed"; }
    training() { recordings | im-segment --length 3 --tail pad; }
    testing() { im-index "$irmas_test"; }
fi
once clips.jsonl training
once test.jsonl testing
once mono.jsonl im-segment --length 1 clips.jsonl

# III-B: mixes of each pair of classes, as many as the smaller class has segments, none twice; a tempo takes three
# seconds. Named there as future work: one key, and three voices. The control: solos shifted in pitch, as many as mixes.
mix() { im-mix ${limit:+--limit "$limit"} --seed "$seed" --device "$device" "$@"; }
random() { mix mono.jsonl; }
genre() { mix --sync genre mono.jsonl; }
pitch() { mix --sync pitch --f0 "$f0" mono.jsonl; }
tempo() { mix --sync tempo clips.jsonl | im-segment --length 1; }
key() { mix --sync key clips.jsonl | im-segment --length 1; }
trios() { mix --voices 3 mono.jsonl; }
control() { im-augment --pitch -6,-4,-2,2,4,6 --limit "$(wc -l < random.jsonl)" --seed "$seed" mono.jsonl; }
once random.jsonl random
if [ "$plan" ]; then
    for set in $(of genre control); do once "$set.jsonl" "$set"; done
    count clips.jsonl test.jsonl mono.jsonl random.jsonl $(for set in $(of genre control); do echo "$set.jsonl"; done)
    exit
fi

# IV-B and C: on each set one model with a member for each fold; of a track, the mean over its seconds. The net of
# Gururani et al. is there to be compared with: its sets are those of Table II, and of the ensemble in section V.
older=${OLDER:-$(of mono random)}
if [ ! "$mini$OLDER" ]; then older=$(of mono random genre tempo pitch); fi
judged() { im-predict --model "$1" --members --device "$device" test.jsonl; }
study() { # NET SET...
    net=$1
    shift
    for set in "$@"; do
        more=
        if [ "$set" != mono ]; then more=$set.jsonl && once "$more" "$set"; fi
        train "$net-$set" "$net" mono.jsonl $more
        once "$net-$set.judged.jsonl" judged "$net-$set"
    done
}
study kratimenos2020 $sets
study gururani2018 $older

# V: the mean of what the models say, fold by fold: "combined", without random mixes, and every other combination.
fused() { im-fuse --by-fold "$@"; }
combine() { # NAME NET SET...
    name=$1 net=$2
    shift 2
    files=
    for set in "$@"; do files="$files $net-$set.judged.jsonl"; done
    once "$net-$name.judged.jsonl" fused $files
}
parts=$(of mono genre tempo pitch) combined='' older_combined=''
case $(echo $parts) in *' '*) combined=combined ;; esac # one model alone is no ensemble
if [ "$combined" ]; then combine combined kratimenos2020 $parts; fi
if [ "$combined" ] && [ ! "$mini$OLDER" ]; then
    older_combined=combined
    combine combined gururani2018 $parts
fi
combinations=
if [ ! "$mini" ]; then
    # The binary digits of each number say which sets are in.
    for number in $(seq 3 $(((1 << $(of mono random genre tempo pitch | wc -l)) - 1))); do
        chosen=
        for set in $(of mono random genre tempo pitch); do
            if [ $((number % 2)) = 1 ]; then chosen="$chosen $set"; fi
            number=$((number / 2))
        done
        name=$(echo $chosen | tr ' ' +)
        case $name in *+*) combine "$name" kratimenos2020 $chosen && combinations="$combinations $name" ;; esac
    done
fi

# Tables II and III, the text of section V; Figure 1, representations of mixes; Figure 3, F1 by class against solos.
rows=
score() { # NET PREFIX SET...
    net=$1 prefix=$2
    shift 2
    for set in "$@"; do
        compared=
        if [ "$set" != mono ]; then compared="--baseline $net-mono.judged.jsonl"; fi
        figures "$net-$set.scores.jsonl" $compared "$net-$set.judged.jsonl"
        rows="$rows $prefix$set=$net-$set.scores.jsonl"
    done
}
score kratimenos2020 '' $sets $combined
score gururani2018 gururani- $older $older_combined
for name in $combinations; do
    figures "kratimenos2020-$name.scores.jsonl" "kratimenos2020-$name.judged.jsonl"
    rows="$rows $name=kratimenos2020-$name.scores.jsonl"
done
panels() { for set in $(of random tempo pitch); do head -n 1 "$set.jsonl"; done; }
once panels.jsonl panels
im-plot spectrogram --force -o figure1.svg panels.jsonl > figure1.json
set -- --picture "figure1.svg=Figure 1: a random mix, one in tempo, one in pitch."
compared=
for set in $(of genre tempo pitch) $combined; do compared="$compared kratimenos2020-$set.scores.jsonl"; done
if [ "$compared" ]; then
    im-plot difference --force -o figure3.svg $compared > figure3.json
    set -- "$@" --picture "figure3.svg=Figure 3: F1 by class, against solos."
fi
report kratimenos2020 "$@" $rows
