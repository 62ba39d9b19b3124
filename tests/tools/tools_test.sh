#!/bin/sh
# SPDX-License-Identifier: MIT
#
# tools_test.sh - the `nflow` command on tiny runs: results, errors, exit codes, JSON
#
#   tools_test.sh PATH/TO/nflow
set -u

case $1 in
/*) nflow=$1 ;;
*) nflow=$PWD/$1 ;;
esac
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

fail() {
    echo "FAILED: $*" >&2
    failures=$((failures + 1))
}

# expect NAME CODE COMMAND...: runs it, keeps out.txt and err.txt
expect() {
    name=$1
    code=$2
    shift 2
    "$@" >out.txt 2>err.txt </dev/null
    got=$?
    if [ "$got" -ne "$code" ]; then
        fail "$name: exit code $got, expected $code"
        sed 's/^/    /' err.txt >&2
    fi
}

says() { # NAME TEXT: stderr holds the text
    grep -q -e "$2" err.txt || { fail "$1: no '$2' on stderr"; sed 's/^/    /' err.txt >&2; }
}

# json NAME EXPRESSION: the last line of out.txt is JSON d for which the Python expression holds
json() {
    command -v python3 >/dev/null 2>&1 || return 0
    tail -n 1 out.txt | python3 -c 'import json, math, sys
d = json.loads(sys.stdin.readline())
sys.exit(0 if eval(sys.argv[1]) else 1)' "$2" || { fail "$1: $2"; tail -n 1 out.txt >&2; }
}

lines() { # NAME FILE COUNT
    [ "$(wc -l <"$2")" -eq "$3" ] || fail "$1: $2 has $(wc -l <"$2") lines, expected $3"
}

small="--layers 4 --hidden 16x2 --epochs 5 --threads 2"

# the command itself
expect usage__without_arguments 2 "$nflow"
expect usage__help 0 "$nflow" --help
expect usage__version 0 "$nflow" --version
expect usage__unknown_command 2 "$nflow" fly
says usage__unknown_command "not a command"
expect usage__nearest_command 2 "$nflow" trian
says usage__nearest_command "did you mean train?"
for c in train score sample interpolate attribute info plot check doctor; do
    expect "usage__help_of_$c" 0 "$nflow" $c --help
done

expect usage__help_command 0 "$nflow" help score
grep -q "usage: nflow score" out.txt || fail "usage__help_command: no usage of score"

# train
# shellcheck disable=SC2086 # options are words
expect train__density 0 "$nflow" train density:moons-sklearn $small -n 600 --seed 1 -o m.safetensors --json
json train__density 'all(isinstance(d[k], (int, float)) for k in "train_nll valid_nll train_nll_standardised valid_nll_standardised entropy entropy_standardised epochs best_epoch seconds skipped params seed threads".split())'
json train__density 'd["epochs"] == 5 and d["seed"] == 1 and d["threads"] == 2 and d["model"] == "m.safetensors" and d["rows_valid"] == 120'
json train__density 'abs((d["valid_nll"] - d["valid_nll_standardised"]) - (d["entropy"] - d["entropy_standardised"])) < 1e-9'
[ -s err.txt ] && fail "train__no_progress_off_a_terminal"
# shellcheck disable=SC2086
expect train__threads_do_not_matter 0 "$nflow" train density:moons-sklearn $small --threads 1 -n 600 --seed 1 -o m1.safetensors --json
"$nflow" score m.safetensors density:moons -n 50 --seed 9 >a.txt
"$nflow" score m1.safetensors density:moons -n 50 --seed 9 >b.txt
cmp -s a.txt b.txt || fail "train__threads_do_not_matter: scores differ"
# shellcheck disable=SC2086
expect train__no_standardise 0 "$nflow" train density:moons-sklearn $small -n 300 --no-standardise -o n.safetensors --json
json train__no_standardise 'd["valid_nll"] == d["valid_nll_standardised"]'
# shellcheck disable=SC2086
expect train__no_validation 0 "$nflow" train density:moons $small -n 300 --val 0 -o n.safetensors --json
json train__no_validation 'd["valid_nll"] is None and d["rows_valid"] == 0'
# shellcheck disable=SC2086
expect train__f64 0 "$nflow" train density:moons $small -n 300 --dtype f64 --optimizer sgd --lr 1e-3 -o d.safetensors --quiet
[ -s out.txt ] && fail "train__quiet prints"
expect train__output_required 2 "$nflow" train density:moons
says train__output_required "-o FILE"
expect train__unknown_option 2 "$nflow" train density:moons -o x --wings 2
says train__unknown_option "wings"
expect train__nearest_option 2 "$nflow" train density:moons -o x --epohcs 2
says train__nearest_option "did you mean --epochs?"
expect train__nearest_choice 2 "$nflow" train density:moons -o x --optimizer adamm
says train__nearest_choice "did you mean adam?"
expect train__nearest_density 2 "$nflow" train density:moonz -o x
says train__nearest_density "did you mean density:moons?"
expect train__density_without_prefix 1 "$nflow" train moons -o x
says train__density_without_prefix "density:moons"
expect train__value_for_a_flag 2 "$nflow" train density:moons -o x --json=2
says train__value_for_a_flag "takes no value"
expect train__nothing_held_out 2 "$nflow" train density:moons -n 20 --val 1% -o x
says train__nothing_held_out "--val 0"
expect train__option_needs_value 2 "$nflow" train density:moons -o
printf '1,2\n3,5\n4,1\n2,2\n6,3\n' >five.csv
expect train__five_rows 2 "$nflow" train five.csv -o x
says train__five_rows "val: 0.1 of 5 rows is none; hold out more, or nothing with --val 0"
expect train__no_names_of_functions 2 "$nflow" train density:moons --arch nsf --bins 1 -o x
says train__no_names_of_functions "^nflow: bins is 1, allowed are 2 to 64"
expect train__bad_number 2 "$nflow" train density:moons -o x --epochs many
says train__bad_number "whole number"
expect train__bad_fraction 2 "$nflow" train density:moons -o x --val 120%
expect train__bad_choice 2 "$nflow" train density:moons -o x --preset fancy
says train__bad_choice "default, book"
expect train__unknown_density 2 "$nflow" train density:nowhere -o x
expect train__unknown_arch 2 "$nflow" train density:moons --arch magic -o x
expect train__missing_file 1 "$nflow" train nowhere.csv -o x
says train__missing_file "nowhere.csv"
# shellcheck disable=SC2086
expect train__unwritable 1 "$nflow" train density:moons $small -n 100 -o nowhere/m.safetensors
says train__unwritable "nowhere"
expect train__output_is_a_folder 1 "$nflow" train density:moons -o .
[ -e x ] && fail "train: a failed run left a file"

# tables
awk 'BEGIN { print "age,share,income"; for (i = 0; i < 400; i++) { u = (i * 0.618034) % 1; v = (i * 0.414214) % 1; print int(90 * u) "," u * v "," exp(3 * v - 1) } }' >people.csv
expect tables__default_is_nsf 0 "$nflow" train people.csv --epochs 3 --seed 1 -o t.safetensors --json
json tables__default_is_nsf 'd["arch"] == "nsf" and d["preset"] == "tables" and isinstance(d["gaussian_valid_nll"], float) and d["beats_gaussian"] == (d["valid_nll"] < d["gaussian_valid_nll"])'
awk 'BEGIN { print "v"; for (i = 0; i < 400; i++) { u = (i * 0.618034) % 1; print i % 2 ? u - 3 : u + 3 } }' >one.csv
expect tables__one_column 0 "$nflow" train one.csv --epochs 40 --seed 1 -o t.safetensors --json
json tables__one_column 'd["arch"] == "nsf" and d["beats_gaussian"] and d["valid_nll"] < d["gaussian_valid_nll"] - 0.3'
expect tables__says_when_it_lost 0 "$nflow" train people.csv --arch nice --layers 1 --epochs 1 --lr 1e-6 --seed 1 -o t.safetensors
grep -q "^a Gaussian, held out " out.txt && grep -q "^NOT better than the full-covariance Gaussian: worse by [0-9.]* nats" out.txt || fail "tables__says_when_it_lost: $(cat out.txt)"
kinds="age:integer(0,90),share:bounded(0,1),2:positive"
expect tables__kinds 0 "$nflow" train people.csv --columns-kind "$kinds" --epochs 3 --seed 1 -o t.safetensors
expect tables__kinds_info 0 "$nflow" info t.safetensors
grep -q "^ *0  columns  *3 " out.txt || fail "tables__kinds_info: no layer columns: $(cat out.txt)"
expect tables__kinds_sample 0 "$nflow" sample t.safetensors -n 200 --seed 1
awk -F '[, ]' '{ if ($1 != int($1) || $1 < 0 || $1 > 90 || $2 < 0 || $2 > 1 || $3 <= 0) bad = 1 } END { exit bad || NR < 200 }' out.txt || fail "tables__kinds_sample: a row is not of its kinds"
"$nflow" score t.safetensors people.csv >a.txt
awk '{ print (NR == 4 ? "3.5,0.5,2" : NR == 202 ? "3,1.5,2" : $0) }' people.csv >outside.csv
expect tables__score_outside 4 "$nflow" score t.safetensors outside.csv
says tables__score_outside "2 of 400 rows have no finite log-density, the first is row 2, from 0"
[ "$(sed -n '3p;201p' out.txt | tr '\n' ' ')" = "-inf -inf " ] || fail "tables__score_outside: $(sed -n '3p;201p' out.txt)"
sed '3d;201d' a.txt >b.txt
sed '3d;201d' out.txt | cmp -s - b.txt || fail "tables__score_outside: other rows changed"
for arch in maf iaf nice; do
    expect "tables__$arch" 0 "$nflow" train people.csv --arch $arch --layers 2 --hidden 8 --epochs 2 --columns-kind "$kinds" -o t.safetensors --json
    json "tables__$arch" "d['arch'] == '$arch'"
done
expect tables__spline 0 "$nflow" train people.csv --arch maf --transform spline --bins 5 --mix random --layers 2 --hidden 8 --epochs 1 -o t.safetensors -q
awk 'BEGIN { for (i = 0; i < 300; i++) print 30000 * exp(0.5 * sin(7 * i)) "," cos(3 * i) }' >incomes.csv
expect tables__incomes 0 "$nflow" train incomes.csv --epochs 3 --seed 1 -o t.safetensors -q
expect tables__incomes_check 0 "$nflow" check t.safetensors incomes.csv
expect tables__no_gaussian 0 "$nflow" train people.csv --val 0 --epochs 1 -o t.safetensors --json
json tables__no_gaussian 'd["gaussian_valid_nll"] is None and d["beats_gaussian"] is None'
expect tables__preset_is_of_realnvp 0 "$nflow" train people.csv --preset default --layers 2 --hidden 8 --epochs 1 -o t.safetensors --json
json tables__preset_is_of_realnvp 'd["arch"] == "realnvp"'
refuse_kind() { # KIND TEXT
    expect "tables__kind_$1" 2 "$nflow" train people.csv --columns-kind "$1" -o x
    says "tables__kind_$1" "$2"
}
expect tables__kinds_with_spaces 0 "$nflow" train people.csv --columns-kind "share : bounded( 0, 1 ), age:integer" --epochs 1 -q -o t.safetensors
refuse_kind "agee:integer" "did you mean age?"
refuse_kind "7:integer" "numbers from 0 to 2"
refuse_kind "age" "not COLUMN:KIND"
refuse_kind "age:whole" "not one of real, positive, bounded(LOW,HIGH), integer, periodic(LOW,HIGH)"
refuse_kind "age:periodic(90)" "is not periodic, for angles from -pi to pi, or periodic(LOW,HIGH)"
refuse_kind "age:periodic(90,0)" "low below high, its period apart"
refuse_kind "share:bounded(0)" "is not bounded(LOW,HIGH)"
refuse_kind "share:bounded(1,0)" "low below high"
refuse_kind "age:integer,0:integer" "stands twice"
awk 'BEGIN { print "hour,load"; for (i = 0; i < 400; i++) { u = (i * 0.618034) % 1; v = (i * 0.414214) % 1; print (22 + 5 * u * v) % 24 "," u + v } }' >hours.csv
expect tables__periodic 0 "$nflow" train hours.csv --columns-kind "hour:periodic(0,24)" --epochs 3 --seed 1 -o t.safetensors --json
json tables__periodic 'd["arch"] == "nsf" and isinstance(d["gaussian_valid_nll"], float)'
expect tables__periodic_sample 0 "$nflow" sample t.safetensors -n 200 --seed 1
awk -F '[, ]' '{ if ($1 < 0 || $1 >= 24) bad = 1 } END { exit bad || NR < 200 }' out.txt || fail "tables__periodic_sample: a row is not on the circle"
awk 'NR > 1 { split($0, r, ","); print int(r[1]) + 24 * (NR % 3 - 1) "," r[2] }' hours.csv >turns.csv
expect tables__periodic_check 0 "$nflow" check t.safetensors turns.csv --json
json tables__periodic_check 'd["passed"] is True and d["round_trip_max"] < 1e-4 and d["log_det_error_max"] < 1e-5'
expect tables__periodic_of_maf 2 "$nflow" train hours.csv --arch maf --columns-kind "hour:periodic(0,24)" -o x
says tables__periodic_of_maf "column 0 is periodic, which --arch maf does not keep; --arch nsf does"
expect tables__periodic_mixed 2 "$nflow" train hours.csv --mix linear --columns-kind "hour:periodic(0,24)" -o x
says tables__periodic_mixed "mix is linear, but kind\[0\] is periodic and would not stay a circle; set mix to 0, random or none"
expect tables__kind_is_kept 1 "$nflow" train people.csv --columns-kind "income:bounded(0,1)" -o x
says tables__kind_is_kept "not in the column's bounds, \[0, 1\]"
awk '{ print (NR == 202 ? "3,1.5,2" : $0) }' people.csv >outside.csv
expect tables__kind_names_the_row_of_the_file 1 "$nflow" train outside.csv --columns-kind "share:bounded(0,1)" -o x
says tables__kind_names_the_row_of_the_file "outside.csv: row 200, column 1 is 1.5, not in the column's bounds, \[0, 1\]; rows from 0"
awk '{ print (NR == 202 ? "3,nan,2" : $0) }' people.csv >gap.csv
expect tables__gap 1 "$nflow" train gap.csv -o x
says tables__gap "gap.csv: row 200, from 0, column 1 \"share\" is NaN or Inf (1 such rows); leave these rows out"
awk '{ print $0 (NR == 1 ? ",rooms,floor" : "," NR % 5 "," NR % 7) }' people.csv >rooms.csv
expect tables__few_values 0 "$nflow" train rooms.csv --epochs 1 -o t.safetensors
says tables__few_values "warning: column 3 \"rooms\" has 5 distinct values, and 1 more columns have few"
expect tables__whole_numbers 0 "$nflow" train rooms.csv --columns-kind "rooms:integer,floor:integer" --epochs 1 -o t.safetensors
[ -s err.txt ] && fail "tables__whole_numbers: a warning"
expect tables__few_values_quiet 0 "$nflow" train rooms.csv --epochs 1 -o t.safetensors -q
[ -s err.txt ] && fail "tables__few_values_quiet: a warning"
expect tables__kind_of_a_condition 2 "$nflow" train rooms.csv --cond 3 --columns-kind "rooms:integer" -o x
says tables__kind_of_a_condition "no column 'rooms'; columns have the header's names, or numbers from 0 to 3, those apart that are dropped or condition"
expect tables__condition_by_name 2 "$nflow" train rooms.csv --cond rooms -o x
says tables__condition_by_name "a list of column numbers, counted from 0"
expect tables__kinds_of_realnvp 2 "$nflow" train people.csv --arch realnvp --columns-kind "$kinds" -o x
says tables__kinds_of_realnvp "columns-kind: not an option of --arch realnvp"
expect tables__bins_of_nice 2 "$nflow" train people.csv --arch nice --bins 5 -o x
says tables__bins_of_nice "bins: not an option of --arch nice"
awk '{ print $0 (NR == 1 ? ",same" : ",3") }' people.csv >constant.csv
expect tables__constant_column 1 "$nflow" train constant.csv -o x
says tables__constant_column "same\|column 3"
[ -e x ] && fail "tables: a refused run left a file"

# continuous flows
flow="--arch ffjord --hidden 8 --epochs 2 --threads 2"
# shellcheck disable=SC2086
expect ffjord__train 0 "$nflow" train density:8gaussians $flow -n 600 --seed 1 -o f.safetensors --json
json ffjord__train 'd["arch"] == "ffjord" and d["preset"] == "toy" and d["valid_nll"] > d["entropy"] and d["epochs"] == 2'
expect ffjord__info 0 "$nflow" info f.safetensors --params --verify
grep -q "^ *1  cnf  *2 " out.txt || fail "ffjord__info: no continuous layer"
grep -q "^layers.1.sqrt_time  *scalar" out.txt || fail "ffjord__info: no end time"
expect ffjord__score 0 "$nflow" score f.safetensors density:8gaussians -n 50 -o s.txt
expect ffjord__check 0 "$nflow" check f.safetensors density:8gaussians -n 50
expect ffjord__sample 0 "$nflow" sample f.safetensors -n 20
lines ffjord__sample out.txt 20
# shellcheck disable=SC2086
expect ffjord__tabular 0 "$nflow" train density:8gaussians $flow -n 300 --preset tabular --blocks 2 --end-time-fixed -o t2.safetensors --json
json ffjord__tabular 'd["preset"] == "tabular"'
expect ffjord__tabular_info 0 "$nflow" info t2.safetensors --params
[ "$(grep -c "sqrt_time.*frozen" out.txt)" = 2 ] || fail "ffjord__tabular_info: two blocks with a fixed end time expected"
# shellcheck disable=SC2086
expect ffjord__fixed_step 0 "$nflow" train density:8gaussians $flow -n 300 --solver rk4 --step 0.125 -o t2.safetensors
# shellcheck disable=SC2086
expect ffjord__needs_a_step 2 "$nflow" train density:8gaussians $flow -n 300 --solver rk4 -o x
says ffjord__needs_a_step "step must be given"
expect ffjord__other_preset 2 "$nflow" train density:moons --arch ffjord --preset book -o x
says ffjord__other_preset "book is not one of --arch ffjord, which has toy, tabular and images"
expect ffjord__preset_of_realnvp 2 "$nflow" train density:moons --preset toy -o x
says ffjord__preset_of_realnvp "toy is not one of --arch realnvp, which has default and book"
expect ffjord__own_options 2 "$nflow" train density:moons --rtol 1e-3 -o x
says ffjord__own_options "rtol: not an option of --arch realnvp"
expect ffjord__other_options 2 "$nflow" train density:moons --arch ffjord --layers 3 -o x
says ffjord__other_options "layers: not an option of --arch ffjord"
[ -e x ] && fail "ffjord: a refused run left a file"

# tables
{
    echo "a;b;c;kind"
    i=0
    while [ $i -lt 80 ]; do
        echo "$((i * 37 % 101)).5;$((i * 53 % 89)).25;$((i * 29 % 71));$((i % 2))"
        i=$((i + 1))
    done
} >table.csv
# shellcheck disable=SC2086
expect table__drop 0 "$nflow" train table.csv --separator ';' --drop 3 $small -o t.safetensors --json
json table__drop 'd["rows_train"] == 72 and d["rows_valid"] == 8 and d["entropy"] is None'
# shellcheck disable=SC2086
expect table__cond 0 "$nflow" train table.csv --separator ';' --cond 3 $small -o c.safetensors --json
expect table__score_cond 0 "$nflow" score c.safetensors table.csv --cond 3 -o s.txt
lines table__score_cond s.txt 80
expect table__score_wrong_columns 1 "$nflow" score c.safetensors table.csv
says table__score_wrong_columns "cond"
expect table__sample_cond 0 "$nflow" sample c.safetensors -n 7 --cond 1
lines table__sample_cond out.txt 7
expect table__sample_without_cond 2 "$nflow" sample c.safetensors -n 7

# conditions are standardised and embedded by the model; what is given stays raw
awk 'BEGIN { for (i = 0; i < 200; i++) { c = i * 37 % 101 / 101; print c * 3 + i * 53 % 89 / 500 ";" i * 29 % 71 / 300 - c ";" 20000 + 500 * c ";7;" i % 2 } }' >far.csv
# shellcheck disable=SC2086
expect condition__standardised 0 "$nflow" train far.csv --separator ';' --drop 3,4 --cond 2 $small -o far.safetensors --json
expect condition__params 0 "$nflow" info far.safetensors --params --json
json condition__params '[p["name"] for p in d["parameters"] if p["name"].startswith("condition")] == ["condition.mean", "condition.sd"] and d["cond_dim"] == 1'
# shellcheck disable=SC2086
expect condition__as_they_are 0 "$nflow" train far.csv --separator ';' --drop 3,4 --cond 2 --no-standardise $small -o raw.safetensors --json
expect condition__raw_params 0 "$nflow" info raw.safetensors --params --json
json condition__raw_params 'not [p for p in d["parameters"] if p["name"].startswith("condition")]'
expect condition__score 0 "$nflow" score far.safetensors far.csv --separator ';' --drop 3,4 --cond 2 -o s.txt --json
json condition__score 'd["rows"] == 200 and d["rows_nonfinite"] == 0 and d["mean_log_prob"] > -10'
expect condition__sample 0 "$nflow" sample far.safetensors -n 5 --cond 20250
lines condition__sample out.txt 5
expect condition__verify 0 "$nflow" info far.safetensors --verify --json
json condition__verify 'd["verified"] is True'
# shellcheck disable=SC2086
expect condition__embedded 0 "$nflow" train far.csv --separator ';' --drop 3 --cond 2,4 --embed 8,4 --embed-dim 3 $small -o e.safetensors --json
expect condition__embedded_params 0 "$nflow" info e.safetensors --params --json
json condition__embedded_params '[p["shape"] for p in d["parameters"] if p["name"].startswith("condition.net") and "weight" in p["name"]] == [[2, 8], [8, 4], [4, 3]]'
expect condition__embedded_text 0 "$nflow" info e.safetensors
grep -q '2, standardised, embedded in 3' out.txt || fail "condition__embedded_text: info does not tell the stage"
expect condition__embedded_sample 0 "$nflow" sample e.safetensors -n 5 --cond 20250,1
expect condition__embedded_check 0 "$nflow" check e.safetensors far.csv --separator ';' --drop 3 --cond 2,4
# shellcheck disable=SC2086
expect condition__embed_alone 0 "$nflow" train far.csv --separator ';' --drop 3,4 --cond 2 --embed 0 --arch maf --layers 2 --hidden 8 --epochs 2 -o e8.safetensors
expect condition__embed_alone_params 0 "$nflow" info e8.safetensors --params --json
json condition__embed_alone_params '[p["shape"] for p in d["parameters"] if p["name"].startswith("condition.net")] == [[1, 8], [8]]'
# shellcheck disable=SC2086
expect condition__constant 0 "$nflow" train far.csv --separator ';' --drop 4 --cond 2,3 $small -o k.safetensors --json
says condition__constant "warning: conditioning column 1 does not vary (every value is 7)"
# shellcheck disable=SC2086
expect condition__robust 0 "$nflow" train far.csv --separator ';' --drop 3,4 --cond 2 --robust $small -o k.safetensors --json
# shellcheck disable=SC2086
expect condition__standardise_all 0 "$nflow" train far.csv --separator ';' --drop 3,4 --cond 2 --standardise-all $small -o k.safetensors --json
awk 'BEGIN { for (i = 0; i < 200; i++) print i % 3 }' >classes.csv
# shellcheck disable=SC2086
expect condition__labels 0 "$nflow" train far.csv --separator ';' --drop 2,3,4 --labels classes.csv $small -o k.safetensors --json
expect condition__labels_stay 0 "$nflow" info k.safetensors --params --json
json condition__labels_stay 'd["cond_dim"] == 3 and not [p for p in d["parameters"] if p["name"].startswith("condition")]'
# shellcheck disable=SC2086
expect condition__label_numbers 0 "$nflow" train far.csv --separator ';' --drop 2,3,4 --labels classes.csv --label-kind number $small -o k.safetensors --json
expect condition__label_numbers_do_not 0 "$nflow" info k.safetensors --params --json
json condition__label_numbers_do_not 'd["cond_dim"] == 1 and [p for p in d["parameters"] if p["name"] == "condition.sd"]'
expect condition__nothing_to_embed 2 "$nflow" train density:moons --embed 8 -o k.safetensors
says condition__nothing_to_embed "no conditioning columns to embed"
printf '1,2\n3,x\n' >bad.csv
expect table__bad_number 1 "$nflow" score m.safetensors bad.csv
says table__bad_number "line 2"
printf '0.5,0.25\nnan,1\n0.1,-0.2\n' >gap.csv
expect table__row_not_finite 4 "$nflow" score m.safetensors gap.csv
lines table__row_not_finite out.txt 3
printf '1,5\n2,5\n3,5\n4,5\n5,5\n6,5\n7,5\n8,5\n' >flat.csv
# shellcheck disable=SC2086
expect table__constant_column 1 "$nflow" train flat.csv $small -o x

# sample and score
expect sample__csv 0 "$nflow" sample m.safetensors -n 20 --seed 3 -o s.csv --json
lines sample__csv s.csv 20
json sample__csv 'd["rows"] == 20 and d["columns"] == 2'
expect sample__npy 0 "$nflow" sample m.safetensors -n 20 --seed 3 -o s.npy
expect sample__tail 0 "$nflow" sample m.safetensors -n 5 --first 15 --seed 3
tail -n 5 s.csv | cmp -s - out.txt || fail "sample__first: rows 15 to 19 differ"
expect score__csv 0 "$nflow" score m.safetensors s.csv -o a.txt
expect score__npy 0 "$nflow" score m.safetensors s.npy -o b.txt
cmp -s a.txt b.txt || fail "score: CSV and NPY differ"
"$nflow" sample m.safetensors -n 20 --seed 3 | "$nflow" score m.safetensors - >b.txt || fail "score: a pipe fails"
cmp -s a.txt b.txt || fail "score: a pipe differs"
"$nflow" score m.safetensors - <s.npy >b.txt || fail "score: NPY from stdin fails"
cmp -s a.txt b.txt || fail "score: NPY from stdin differs"
expect score__npy_out 0 "$nflow" score m.safetensors s.csv -o a.npy --json
expect score__summary 0 "$nflow" score m.safetensors s.csv -o a.txt
grep -q "mean log-density" out.txt || fail "score__summary: no mean"
expect score__quiet 0 "$nflow" score m.safetensors s.csv -o a.txt --quiet
[ -s out.txt ] && fail "score__quiet prints"
expect score__npy_out 0 "$nflow" score m.safetensors s.csv -o a.npy --json
json score__npy_out 'd["rows"] == 20 and d["rows_nonfinite"] == 0'
expect sample__temperature 2 "$nflow" sample m.safetensors --temperature -1
if [ -c /dev/full ]; then
    "$nflow" sample m.safetensors -n 100000 >/dev/full 2>err.txt
    [ $? -eq 1 ] || fail "sample: a full disk goes unnoticed"
fi
ls ./*.tmp >/dev/null 2>&1 && fail "a temporary file is left"

# interpolate
printf '0.5,0.25\n0.1,-0.2\n1.5,0.75\n' >ends.csv
expect interpolate__csv 0 "$nflow" interpolate m.safetensors ends.csv --pairs 0:2,2:1 --steps 5 -o w.csv --json
lines interpolate__csv w.csv 10
json interpolate__csv 'd["pairs"] == 2 and d["steps"] == 5 and d["columns"] == 2 and d["path"] == "linear"'
sed -n '1p;5p;6p;10p' w.csv >a.txt
# the ends are the rows, in this order: 0, 2, 2, 1
awk -F, 'NR == FNR { x[NR] = $1; y[NR] = $2; next }
    { split("1 3 3 2", order, " "); k = order[FNR]; d = $1 - x[k]; e = $2 - y[k]; if (d * d + e * e > 1e-8) exit 1 }' ends.csv a.txt ||
    fail "interpolate__csv: the ends are not the rows"
expect interpolate__reverse 0 "$nflow" interpolate m.safetensors ends.csv --pairs 1:2 --steps 5
expect interpolate__spherical 0 "$nflow" interpolate m.safetensors ends.csv --pairs 0:2 --steps 5 --path spherical -o b.txt
head -n 5 w.csv | cmp -s - b.txt && fail "interpolate__spherical: is linear"
expect interpolate__f64_npy 0 "$nflow" interpolate d.safetensors ends.csv -o w.npy
expect interpolate__npy_reads 0 "$nflow" score d.safetensors w.npy -o a.txt
lines interpolate__npy_reads a.txt 8
expect interpolate__cond 0 "$nflow" interpolate c.safetensors table.csv --cond 3 --pairs 0:1
lines interpolate__cond out.txt 8
expect interpolate__no_such_row 2 "$nflow" interpolate m.safetensors ends.csv --pairs 0:3
says interpolate__no_such_row "has no row 3, its rows are 0 to 2"
for pairs in 0 0:1, 0:1:2 a:b -1:0 "0:1;1:2" ""; do
    expect "interpolate__pairs_$pairs" 2 "$nflow" interpolate m.safetensors ends.csv "--pairs=$pairs"
    says "interpolate__pairs_$pairs" "is not a list of pairs such as 0:1,5:9"
done
expect interpolate__one_step 2 "$nflow" interpolate m.safetensors ends.csv --steps 1
expect interpolate__row_not_finite 4 "$nflow" interpolate m.safetensors gap.csv --pairs 0:1
expect interpolate__wrong_columns 1 "$nflow" interpolate c.safetensors ends.csv
expect interpolate__needs_data 2 "$nflow" interpolate m.safetensors

# attribute: the column kind of table.csv is the label, rows 0 and 2 have 0
expect attribute__csv 0 "$nflow" attribute t.safetensors table.csv --cond 3 --with-label 1 --pick 0,2 --amounts 0,1 -o w.csv --json
json attribute__csv 'd["rows_with"] == 40 and d["rows_without"] == 40 and d["rows_moved"] == 2 and d["columns"] == 3'
lines attribute__csv w.csv 4
# amount 0 gives the rows themselves, 1 others
awk -F, 'NR == 1 && ($1 - 0.5) ^ 2 + ($2 - 0.25) ^ 2 + $3 ^ 2 > 1e-4 || NR == 3 && ($1 - 74.5) ^ 2 + ($2 - 17.25) ^ 2 + ($3 - 58) ^ 2 > 1e-4 { exit 1 }
    NR == 2 && ($1 - 0.5) ^ 2 + ($2 - 0.25) ^ 2 + $3 ^ 2 < 1e-4 { exit 1 }' w.csv || fail "attribute__csv: $(cat w.csv)"
expect attribute__backwards 0 "$nflow" attribute t.safetensors table.csv --cond 3 --with-label 0 --without-label 1 --pick 0,2 --amounts=0,-1 -o v.csv
awk -F, 'NR == FNR { a[NR] = $1; b[NR] = $2; next } ($1 - a[FNR]) ^ 2 + ($2 - b[FNR]) ^ 2 > 1e-4 { exit 1 }' w.csv v.csv ||
    fail "attribute__backwards: the other direction by -1 is not this one by 1"
expect attribute__conditional_model 0 "$nflow" attribute c.safetensors table.csv --cond 3 --with-label 1
lines attribute__conditional_model out.txt 5
expect attribute__no_such_label 2 "$nflow" attribute t.safetensors table.csv --cond 3 --with-label 7
says attribute__no_such_label "no row has the label 7"
expect attribute__no_other_label 2 "$nflow" attribute t.safetensors table.csv --cond 3 --with-label 1 --without-label 5
says attribute__no_other_label "no row has that label"
expect attribute__no_labels 2 "$nflow" attribute t.safetensors table.csv --drop 3 --with-label 1
says attribute__no_labels "has no labels: --cond names the column"
expect attribute__no_such_row 2 "$nflow" attribute t.safetensors table.csv --cond 3 --with-label 1 --pick 80
says attribute__no_such_row "there is no row 80, rows are 0 to 79"
expect attribute__label_required 2 "$nflow" attribute t.safetensors table.csv --cond 3
expect attribute__wrong_columns 1 "$nflow" attribute m.safetensors table.csv --cond 3 --with-label 1
printf '0.5,0.25,1,0\nnan,1,1,1\n0.1,-0.2,3,1\n' >gap3.csv
expect attribute__row_not_finite 4 "$nflow" attribute t.safetensors gap3.csv --cond 3 --with-label 1
says attribute__row_not_finite "x_with from row 0 on: 1 of 2 rows are not finite"
printf '1,2,3,0,1\n4,5,6,1,0\n7,8,1,0,1\n' >hot.csv
expect attribute__one_hot 0 "$nflow" attribute t.safetensors hot.csv --cond 3,4 --with-label 1 --json
json attribute__one_hot 'd["rows_with"] == 2 and d["rows_without"] == 1'

# images: rows of 12 columns as 2 x 2 x 3 or 4 x 3
i=0
while [ $i -lt 60 ]; do
    echo "$((i * 37 % 256)),$((i * 53 % 256)),$((i * 29 % 256)),$((i * 11 % 200)),$((i * 7 % 190)),$((i * 91 % 256)),$((i * 3 % 256)),$((i * 17 % 256)),$((i * 23 % 256)),$((i * 41 % 256)),$((i * 59 % 256)),$((i * 61 % 256))"
    i=$((i + 1))
done >images.csv
# shellcheck disable=SC2086
expect images__train 0 "$nflow" train images.csv $small --arch realnvp --height 2 --width 2 --channels 3 -o g.safetensors
grep -q "bits/dim" out.txt || fail "images__train: no bits/dim"
# shellcheck disable=SC2086
expect images__train_json 0 "$nflow" train images.csv $small --arch realnvp --height 4 --width 3 -o g.safetensors --json
json images__train_json 'abs(d["train_bits"] - d["train_nll"] / (12 * math.log(2))) < 1e-12 and abs(d["valid_bits"] - d["valid_nll"] / (12 * math.log(2))) < 1e-12'
# shellcheck disable=SC2086
expect images__not_of_tables 0 "$nflow" train images.csv $small -o g.safetensors --json
json images__not_of_tables 'd["train_bits"] is None and d["valid_bits"] is None'
expect images__shape_of_train 2 "$nflow" train images.csv --height 5 --width 2 -o x
says images__shape_of_train "images of 5 x 2 with 1 channels have 10 values, a row has 12 columns"
expect images__half_a_shape 2 "$nflow" train images.csv --height 12 -o x
says images__half_a_shape "belong together"
for arch in glow realnvp_image; do
    expect "images__$arch" 0 "$nflow" train images.csv --arch $arch --height 2 --width 2 --channels 3 --levels 1 --hidden-channels 8 --epochs 1 -o h.safetensors
    grep -q "^$arch of 2 x 2 x 3: [0-9]* parameters$" out.txt || fail "images__$arch: no plan"
    grep -q "^a step of 16 images takes [0-9.]* MiB: weights .* scratch" out.txt || fail "images__$arch: no plan of the memory"
    expect "images__${arch}_json" 0 "$nflow" train images.csv --arch $arch --height 2 --width 2 --channels 3 --levels 1 --hidden-channels 8 --epochs 1 -o h.safetensors --json
    json "images__${arch}_json" "d['arch'] == '$arch' and d['preset'] == 'images' and d['train_nll'] == d['train_nll_standardised'] and d['train_bits'] > 0"
done
moving="--arch ffjord --height 2 --width 2 --channels 3 --hidden 4 --rtol 1e-2 --atol 1e-2 --epochs 1"
expect images__ffjord 0 "$nflow" train images.csv $moving --preset images --blocks 1 --levels 2 -o i.safetensors
grep -q "^ffjord of 2 x 2 x 3: [0-9]* parameters$" out.txt || fail "images__ffjord: no plan"
grep -q "bits/dim" out.txt || fail "images__ffjord: no bits/dim"
"$nflow" info i.safetensors >out.txt
grep -q "^images  *2 x 2 x 3$" out.txt || fail "images__ffjord: no shape"
[ "$(grep -c "^ *[0-9]  cnf " out.txt)" = 3 ] && grep -q " split " out.txt && grep -q " logit " out.txt || fail "images__ffjord: other layers"
expect images__ffjord_score 0 "$nflow" score i.safetensors images.csv -o s.txt --json
json images__ffjord_score 'd["mean_bits"] > 0'
expect images__ffjord_default_preset 0 "$nflow" train images.csv $moving --blocks 1 --levels 1 --bits 5 --alpha 0.1 -o i.safetensors --json
json images__ffjord_default_preset 'd["arch"] == "ffjord" and d["preset"] == "images" and d["train_bits"] > 0'
expect images__ffjord_real_values 0 "$nflow" train images.csv $moving --blocks 1 --bits 17 --alpha 0 -o i.safetensors
"$nflow" info i.safetensors | grep -q "logit\|dequantise" && fail "images__ffjord_real_values: a layer of whole numbers"
expect images__ffjord_without_a_shape 2 "$nflow" train images.csv --arch ffjord --preset images -o x
says images__ffjord_without_a_shape "give --height, --width and --channels"
expect images__ffjord_no_logit 2 "$nflow" train images.csv $moving --alpha 0 -o x
says images__ffjord_no_logit "alpha: 0 is no logit"
expect images__ffjord_levels 1 "$nflow" train images.csv $moving --levels 3 -o x
says images__ffjord_levels "levels is 3; height 2 and width 2 allow 2"
expect images__ffjord_toy 2 "$nflow" train images.csv --arch ffjord --preset toy --alpha 0.1 -o x
says images__ffjord_toy "alpha: not an option of --arch ffjord with --preset toy"
expect images__default_arch 0 "$nflow" train images.csv --height 2 --width 2 --channels 3 --levels 1 --hidden-channels 8 --epochs 1 -o h.safetensors --json
json images__default_arch 'd["arch"] == "glow"'
expect images__arch_without_a_shape 2 "$nflow" train images.csv --arch glow -o x
says images__arch_without_a_shape "give --height, --width and --channels"
expect images__option_of_another_arch 2 "$nflow" train images.csv --arch glow --height 2 --width 2 --channels 3 --layers 3 -o x
says images__option_of_another_arch "layers: not an option of --arch glow"
expect images__option_of_glow 2 "$nflow" train density:moons --steps 3 -o x
says images__option_of_glow "steps: not an option of --arch realnvp"
expect images__no_logit_of_glow 0 "$nflow" train images.csv --arch glow --alpha 0 --height 2 --width 2 --channels 3 --levels 1 --hidden-channels 8 --epochs 1 -o h.safetensors
"$nflow" info h.safetensors | grep -q logit && fail "images__no_logit_of_glow: a logit"
expect images__real_values 0 "$nflow" train images.csv --arch glow --bits 17 --scale exp --height 2 --width 2 --channels 3 --levels 1 --hidden-channels 8 --epochs 8 --lr 0.02 --warmup-steps 1 -o h.safetensors
"$nflow" info h.safetensors | grep -q "logit\|dequantise" && fail "images__real_values: a layer of whole numbers"
expect sample__unbounded_scale 0 "$nflow" train density:moons --preset book --layers 4 --hidden 8x2 --epochs 1 -n 300 --seed 1 --scale exp -o e.safetensors
expect sample__rows_not_finite 4 "$nflow" sample e.safetensors -n 50 --temperature 1e6 -o far.csv --json
says sample__rows_not_finite "of 50 rows are not finite"
lines sample__rows_not_finite far.csv 50
json sample__rows_not_finite 'd["rows"] == 50'
expect images__real_values_of_realnvp 2 "$nflow" train images.csv --arch realnvp_image --bits 17 --height 2 --width 2 --channels 3 -o x
says images__real_values_of_realnvp "bits is 17"
expect images__no_logit_of_realnvp 2 "$nflow" train images.csv --arch realnvp_image --alpha 0 --height 2 --width 2 --channels 3 -o x
says images__no_logit_of_realnvp "alpha: 0 is no logit"
[ -e x ] && fail "images: a refused run left a file"

# picture NAME FILE EXPRESSION: of the PNG's height h, width w, channels c and pixel p(y, x, k)
picture() {
    command -v python3 >/dev/null 2>&1 || return 0
    python3 - "$2" "$3" <<'PNG' || fail "$1: $3"
import struct, sys, zlib
bytes_ = open(sys.argv[1], "rb").read()
assert bytes_[:8] == b"\x89PNG\r\n\x1a\n"
at, packed = 8, b""
while at < len(bytes_):
    n, kind = struct.unpack(">I4s", bytes_[at:at + 8])
    body = bytes_[at + 8:at + 8 + n]
    assert zlib.crc32(kind + body) == struct.unpack(">I", bytes_[at + 8 + n:at + 12 + n])[0]
    if kind == b"IHDR":
        w, h, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", body)
        c = {0: 1, 2: 3}[colour]
        assert depth == 8 and not interlaced
    if kind == b"IDAT":
        packed += body
    at += 12 + n
raw, rows, above = zlib.decompress(packed), [], bytes(w * c)
for y in range(h):
    rule, line = raw[y * (w * c + 1)], bytearray(raw[y * (w * c + 1) + 1:(y + 1) * (w * c + 1)])
    for i in range(w * c):
        a, b, d = line[i - c] if i >= c else 0, above[i], above[i - c] if i >= c else 0
        paeth = min((abs(b - d), 0, a), (abs(a - d), 1, b), (abs(a + b - 2 * d), 2, d))[2]
        line[i] = (line[i] + (0, a, b, (a + b) // 2, paeth)[rule]) % 256
    rows.append(line)
    above = line
p = lambda y, x, k=0: rows[y][x * c + k]
table = [[float(v) for v in line.split(",")] for line in open("rows.csv")]
pixel = lambda v: int(min(max(v, 0), 255) + 0.5)
sys.exit(0 if eval(sys.argv[2]) else 1)
PNG
}

"$nflow" sample g.safetensors -n 6 --seed 3 --temperature 0.5 >rows.csv
"$nflow" sample g.safetensors -n 6 --seed 3 >hot.csv
"$nflow" sample g.safetensors -n 6 --seed 3 --height 4 --width 3 --columns 4 --zoom 2 --temperature 0.5 -o p4.png >out.txt 2>err.txt
code=$?
if grep -q libpng err.txt; then
    [ $code -eq 1 ] || fail "a picture without libpng: exit code $code"
    echo "pictures of images: not tested, this build has no libpng"
else
    [ $code -eq 0 ] || { fail "images__grey: exit code $code"; cat err.txt >&2; }
    # lines of 4 and 2, images of 8 x 6 pixels, margins of 2
    picture images__grey p4.png '(h, w, c) == (2 * 10 + 2, 4 * 8 + 2, 1)'
    picture images__grey p4.png 'all(p(2 + 10 * (i // 4) + y, 2 + 8 * (i % 4) + x) == pixel(table[i][y // 2 * 3 + x // 2]) for i in range(6) for y in range(8) for x in range(6))'
    picture images__grey p4.png 'p(0, 0) == p(1, 5) == p(5, 8) == p(15, 30) == p(21, 33) == 255'
    expect images__colour 0 "$nflow" sample g.safetensors -n 6 --seed 3 --height 2 --width 2 --channels 3 --zoom 1 --columns 6 --temperatures 1,0.5 -o p3.png --json
    json images__colour 'd["temperatures"] == [1, 0.5] and d["output"] == "p3.png"'
    # two blocks of one line, 8 between them; the second is that of temperature 0.5
    picture images__colour p3.png '(h, w, c) == (2 * 4 + 2 + 8, 6 * 4 + 2, 3)'
    picture images__colour p3.png 'all(p(2 + 4 + 8 + y, 2 + 4 * i + x, k) == pixel(table[i][(y * 2 + x) * 3 + k]) for i in range(6) for y in range(2) for x in range(2) for k in range(3))'
    cp hot.csv rows.csv
    picture images__colour p3.png 'all(p(2 + y, 2 + 4 * i + x, k) == pixel(table[i][(y * 2 + x) * 3 + k]) for i in range(6) for y in range(2) for x in range(2) for k in range(3))'
    "$nflow" interpolate g.safetensors images.csv --pairs 0:1,7:3 --steps 4 >rows.csv
    expect images__interpolate 0 "$nflow" interpolate g.safetensors images.csv --pairs 0:1,7:3 --steps 4 --height 4 --width 3 --zoom 1 -o w.png
    picture images__interpolate w.png '(h, w, c) == (2 * 6 + 2, 4 * 5 + 2, 1)'
    picture images__interpolate w.png 'all(p(2 + 6 * (i // 4) + y, 2 + 5 * (i % 4) + x) == pixel(table[i][y * 3 + x]) for i in range(8) for y in range(4) for x in range(3))'
    expect images__number_of_a_picture 0 "$nflow" sample g.safetensors --height 4 --width 3 --zoom 1 -o p.png
    picture images__number_of_a_picture p.png '(h, w) == (8 * 6 + 2, 8 * 5 + 2)'
    expect images__ffjord_picture 0 "$nflow" sample f.safetensors -n 4 -o p.png --zoom 1 --columns 2 --height 2 --width 1
    expect images__without_a_shape 2 "$nflow" sample g.safetensors -o q.png
    says images__without_a_shape "give --height, --width and --channels"
    expect images__two_channels 2 "$nflow" sample g.safetensors -o q.png --height 2 --width 3 --channels 2
    says images__two_channels "a PNG takes 1 or 3"
    expect images__too_many 2 "$nflow" sample g.safetensors -n 1e9 -o q.png --height 4 --width 3
    says images__too_many "1 to 1000000 images"
    expect images__too_large 2 "$nflow" sample g.safetensors -n 1000000 -o q.png --height 4 --width 3 --zoom 64
    says images__too_large "fewer images"
    expect images__none 2 "$nflow" sample g.safetensors -n 0 -o q.png --height 4 --width 3
    expect images__unwritable 1 "$nflow" sample g.safetensors -o nowhere/q.png --height 4 --width 3
    says images__unwritable "nowhere"
    [ -e q.png ] && fail "images: a refused run left a picture"
fi
expect images__info 0 "$nflow" info h.safetensors --json
json images__info '(d["height"], d["width"], d["channels"]) == (2, 2, 3)'
"$nflow" info h.safetensors | grep -q "^images  *2 x 2 x 3$" || fail "images__info: no size"
expect images__score 0 "$nflow" score h.safetensors images.csv -o h.txt --json
json images__score 'abs(d["mean_bits"] + d["mean_log_prob"] / (12 * math.log(2))) < 1e-12'
expect images__score_in_words 0 "$nflow" score h.safetensors images.csv -o h.txt
grep -q "^mean bits/dim" out.txt || fail "images__score_in_words: no bits"
expect score__no_bits_of_tables 0 "$nflow" score m.safetensors density:moons -n 20 -o h.txt --json
json score__no_bits_of_tables 'd["mean_bits"] is None'
expect images__two_temperatures 2 "$nflow" sample g.safetensors -o q.png --temperature 1 --temperatures 1,2
expect images__temperatures_of_a_table 2 "$nflow" sample g.safetensors --temperatures 1,2
says images__temperatures_of_a_table "needs a picture"
expect images__bad_temperatures 2 "$nflow" sample g.safetensors -o q.png --temperatures 1,0
ls ./*.tmp >/dev/null 2>&1 && fail "a temporary file is left by a picture"

# info, verify, check
expect info__text 0 "$nflow" info m.safetensors --params
grep -q coupling_affine out.txt || fail "info: no layers"
expect info__json 0 "$nflow" info m.safetensors --verify --params --json
json info__json 'd["dim"] == 2 and d["verified"] is True and len(d["layers"]) > 4 and sum(l["params"] for l in d["layers"]) <= d["params"]'
expect info__not_a_model 1 "$nflow" info table.csv
head -c 1000 m.safetensors >cut.safetensors
expect info__names_the_file 1 "$nflow" info table.csv
says info__names_the_file "table.csv"
expect info__truncated 1 "$nflow" info cut.safetensors
expect check__passes 0 "$nflow" check m.safetensors density:moons-sklearn -n 200 --json
json check__passes 'd["passed"] is True and d["round_trip_max"] < 1e-3'
expect check__f64 0 "$nflow" check d.safetensors density:moons -n 200
expect check__wrong_columns 1 "$nflow" check m.safetensors table.csv

# plot, where it is built in
"$nflow" plot m.safetensors -o p.png --grid 32 --data density:moons-sklearn >out.txt 2>err.txt
code=$?
if grep -q cairo err.txt; then
    [ $code -eq 1 ] || fail "plot without cairo: exit code $code"
else
    [ $code -eq 0 ] || { fail "plot: exit code $code"; cat err.txt >&2; }
    [ "$(head -c 4 p.png | tail -c 3)" = PNG ] || fail "plot: p.png is no PNG"
    expect plot__svg 0 "$nflow" plot t.safetensors -o p.svg --pair 0,2
    grep -q "<svg" p.svg || fail "plot: p.svg is no SVG"
    # densities of kinds: 0 outside them, of whole numbers at whole numbers
    expect plot__kinds_model 0 "$nflow" train people.csv --drop 1 --columns-kind "age:integer(0,90),income:positive" --epochs 1 -q -o k.safetensors
    expect plot__kinds 0 "$nflow" plot k.safetensors -o p.svg --data people.csv --drop 1 --grid 32 --json
    json plot__kinds 'd["max_density"] > 0 and d["max_density"] != 1'
    expect plot__whole_numbers_model 0 "$nflow" train people.csv --columns 0 --arch maf --columns-kind "age:integer" --epochs 1 -q -o k.safetensors
    expect plot__whole_numbers 0 "$nflow" plot k.safetensors -o p.svg --json
    json plot__whole_numbers '0 < d["max_density"] < 0.1'
    expect plot__ending 2 "$nflow" plot m.safetensors -o p.gif --grid 32
fi
expect plot__pair_of_three 2 "$nflow" plot t.safetensors -o p.svg --pair 0,1,2
expect plot__pair_out_of_range 2 "$nflow" plot m.safetensors -o p.svg --pair 0,2
expect plot__unwritable 1 "$nflow" plot m.safetensors -o nowhere/p.png
says plot__unwritable "nowhere"
expect plot__output_required 2 "$nflow" plot m.safetensors

# doctor
expect doctor__json 0 "$nflow" doctor --json
json doctor__json 'd["ok"] is True and d["threads"] >= 1'

# an interrupted run keeps its best model
"$nflow" train density:moons-sklearn --layers 4 --hidden 16x2 --epochs 1000000 --patience 0 --threads 1 -o i.safetensors --json >out.txt 2>err.txt &
pid=$!
sleep 2
kill -TERM $pid
wait $pid
code=$?
[ $code -eq 130 ] || fail "train: interrupted, exit code $code"
json train__interrupted 'd["epochs"] >= 1 and d["train_nll"] is not None'
expect train__interrupted_model 0 "$nflow" info i.safetensors --verify

# an interrupted sample leaves nothing
"$nflow" sample m.safetensors -n 1e9 -o never.csv 2>err.txt &
pid=$!
sleep 1
kill -TERM $pid
wait $pid
code=$?
[ $code -eq 130 ] || fail "sample: interrupted, exit code $code"
says sample__interrupted "interrupted"
ls never.csv* >/dev/null 2>&1 && fail "sample: an interrupted run left a file"

# a checkpointed run, stopped and resumed, ends in the same bits
# shellcheck disable=SC2086
{
    expect resume__whole 0 "$nflow" train density:moons $small -n 400 --schedule constant --epochs 6 --checkpoint k.ckpt -o r1.safetensors
    expect resume__first 0 "$nflow" train density:moons $small -n 400 --schedule constant --epochs 3 --checkpoint k3.ckpt -o r2.safetensors
    expect resume__second 0 "$nflow" train density:moons $small -n 400 --schedule constant --epochs 6 --resume k3.ckpt -o r2.safetensors
}
"$nflow" score r1.safetensors density:moons -n 40 >a.txt
"$nflow" score r2.safetensors density:moons -n 40 >b.txt
cmp -s a.txt b.txt || fail "resume: the weights differ"

if [ "$failures" -ne 0 ]; then
    echo "$failures failures" >&2
    exit 1
fi
echo "all well"
