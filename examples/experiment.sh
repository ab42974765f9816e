# What the scripts of the papers share; they read it. Functions run in subshells: they have no variables of their own
# otherwise. The options of the scripts: --mini runs on the bundled recordings, to see that everything composes; --plan
# stops before anything is computed. In the environment: SCALE, a factor on the nets' width; EPOCHS; LIMIT, the mixes of
# each combination of classes; SEED; DEVICE; TRAINING, more options of im-train.

mini='' plan=''
while [ $# -gt 0 ]; do
    case $1 in
    --mini) mini=1 ;;
    --plan) plan=1 ;;
    -*) echo "$0: no option $1: there are --mini and --plan" >&2 && exit 2 ;;
    *) break ;;
    esac
    shift
done

# absolute PATH: the path from the root.
absolute() {
    case $1 in
    /*) echo "$1" ;;
    *) echo "$PWD/$1" ;;
    esac
}

here=$(absolute "$(dirname "$0")")
scale=${SCALE:-${mini:+0.06}}
scale=${scale:-1}
seed=${SEED:-1}
limit=${LIMIT:-${mini:+1}}
device=${DEVICE:-auto}
epochs=${EPOCHS:-${mini:+1}}

# once FILE COMMAND...: runs a command whose standard output is to be FILE, unless FILE is there. So a script that was
# stopped goes on where it was.
once() {
    (
        target=$1
        shift
        if [ ! -e "$target" ]; then
            "$@" > "$target.part"
            mv "$target.part" "$target"
        fi
    )
}

# count FILE...: says how many records there are, by file.
count() {
    for file in "$@"; do
        printf '%8d  %s\n' "$(wc -l < "$file")" "$(basename "$file" .jsonl)"
    done
}

# train FOLDER MODEL INPUT... [OPTION...]: a net of a paper, as the paper says, or smaller and for fewer epochs.
train() {
    (
        folder=$1 net=$2
        shift 2
        if [ ! -e "$folder/README.md" ]; then
            im-train --model "$net" --width "$scale" ${epochs:+--epochs "$epochs"} --unlisted absent --seed "$seed" \
                --device "$device" --name "$(basename "$folder")" ${TRAINING-} --resume -o "$folder" "$@" > "$folder.log"
        fi
    )
}

# figures FILE PREDICTIONS [OPTION...]: scores, with intervals, as JSON lines.
figures() {
    (
        target=$1
        shift
        once "$target" im-score --unlisted absent --seed "$seed" --format jsonl "$@"
    )
}

# irmas PAPER [ARGUMENT...]: where the data set is that a script was given, and where to write; goes there.
irmas() {
    if [ "$mini" ]; then
        out=${2:-$1-mini}
    else
        : "${2:?give IRMAS_TRAIN and IRMAS_TEST, or --mini}" "${3:?give IRMAS_TEST too}"
        irmas_train=$(absolute "$2") irmas_test=$(absolute "$3") out=${4:-$1-out}
    fi
    mkdir -p "$out"
    cd "$out"
}

# report PAPER [ARGUMENT...]: our figures beside those of the paper.
report() {
    im-report "$@" --force -o report.html \
        ${mini:+--note "The bundled recordings and tiny nets: the pipeline, not its figures."}
}
