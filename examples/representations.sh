#!/bin/sh
# Every representation that the papers use, of the same seconds of audio: one pipe, one record with all.
#
#   sh examples/representations.sh [AUDIO_DIRECTORY] [OUTPUT_DIRECTORY]
#
# Prints what each record then holds. The arrays are OUTPUT_DIRECTORY/PRESET/KIND-00000.npy.
set -eu

audio=${1:-$(dirname "$0")/audio}
out=${2:-representations-out}

im-segment --length 1 "$audio" \
    | im-features --force -o "$out/kratimenos2020" --preset kratimenos2020 \
    | im-features --force -o "$out/lumen2023-mel" --preset lumen2023-mel \
    | im-features --force -o "$out/lumen2023-modgd" --preset lumen2023-modgd \
    | im-features --force -o "$out/lumen2023-chroma" --preset lumen2023-chroma \
    | im-features --force -o "$out/chen2024" --preset chen2024 \
    | im-features --force -o "$out/avramidis2021" --preset avramidis2021 \
    | im-features --force -o "$out/contrast" --kind contrast \
    | im-features --force -o "$out/rolloff" --kind rolloff > "$out.jsonl"

# The paper takes whole clips, up to 20 s, not seconds.
im-index "$audio" | im-features --force -o "$out/vaznonis2022-fft" --preset vaznonis2022-fft > "$out-clips.jsonl"

for manifest in "$out.jsonl" "$out-clips.jsonl"; do
    echo "$manifest: $(wc -l < "$manifest") records, each with"
    head -n 1 "$manifest" | sed 's/"\([a-z]*\)":{"path"/\n  \1 {"path"/g' \
        | sed -n 's/^  \([a-z]*\) .*"shape":\[\([0-9]*\),\([0-9]*\)\].*/  \1: \2 x \3/p'
done
