#!/bin/sh
# SPDX-License-Identifier: MIT
#
# two_moons.sh - two_moons.c by the command alone: the same data, flow, recipe and seed, so the same numbers and the same model
#
#   two_moons.sh [FOLDER] [--epochs N] [--preset default|book]
#
# Writes two_moons.safetensors and, where the command can draw, two_moons_density.png into FOLDER (default: the current one). The
# command is `nflow` on the path, or $NFLOW.
set -eu
export LC_ALL=C # numbers are printed with a decimal point

nflow=${NFLOW:-nflow}
folder=.
epochs=300
preset=default
while [ $# -gt 0 ]; do
    case "$1" in
    --epochs) epochs=$2 && shift ;;
    --preset) preset=$2 && shift ;;
    -*) echo "usage: two_moons.sh [FOLDER] [--epochs N] [--preset default|book]" >&2 && exit 2 ;;
    *) folder=$1 ;;
    esac
    shift
done

# 3000 points of which the last 600 are held out; columns standardised by all of them, as the book does. --patience 0: all epochs.
result=$("$nflow" train density:moons-sklearn --rows 3000 --noise 0.05 --val 20% --standardise-all --preset "$preset" \
    --epochs "$epochs" --patience 0 --seed 1 --output "$folder/two_moons.safetensors" --json)

# what a name is in the line of JSON
value() { printf '%s\n' "$result" | sed "s/.*\"$1\": \"*\([^\",}]*\).*/\1/"; }

printf 'recipe "%s": %d epochs in %.1f s, %d parameters\n' "$(value preset)" "$(value epochs)" "$(value seconds)" "$(value params)"
printf 'held-out NLL  %.4f nats a point (standardised), best epoch %d\n' "$(value valid_nll_standardised)" "$(value best_epoch)"
printf 'true entropy  %.4f: no model can do better on average\n' "$(value entropy_standardised)"

"$nflow" plot "$folder/two_moons.safetensors" --data density:moons-sklearn --noise 0.05 --seed 1 -o "$folder/two_moons_density.png" \
    >/dev/null || echo "pictures: none" >&2
