#!/usr/bin/env bash
# The figures of docs/transfer.md: a net of nine classes learns all ten with its first layers frozen, and what
# a step costs then: processor time of the epochs after the first. About a minute of one core.
# usage: tests/bench/transfer.sh [DIRECTORY]   SLUICE=build/tools/sluice RECIPE=recipes/transfer.yaml
set -e
sluice=${SLUICE:-build/tools/sluice}
recipe=${RECIPE:-recipes/transfer.yaml}
out=${1:-$(mktemp -d)}
export OMP_WAIT_POLICY=passive
mkdir -p "$out"
TIMEFORMAT=%U

train() # NAME ARGUMENT...
{
    local name=$1
    shift
    "$sluice" train "$recipe" -o "$out/$name" --overwrite --threads 1 "$@" >"$out/$name.log" 2>&1
}

row() # NAME WHAT ARGUMENT...
{
    local name=$1 what=$2 once all
    shift 2
    once=$({ time train "$name" "$@" --set train.epochs=1 --set train.eval_every=1; } 2>&1)
    all=$({ time train "$name" "$@"; } 2>&1)
    python3 -c 'import json, sys
o = json.load(open(sys.argv[1] + "/summary.json"))
steps = o["steps"] * (o["epochs"] - 1) / o["epochs"]
print("| %s | %.3f | %.2f |" % (sys.argv[2], 1000 * (float(sys.argv[4]) - float(sys.argv[3])) / steps,
                                100 * o["test"]["top1"]))' "$out/$name" "$what" "$once" "$all"
}

train nine --set 'data.classes=["0","1","2","3","4","5","6","7","8"]' --set 'train.freeze=[]'
from="model.from=$out/nine/model.safetensors"
echo "| ten classes, from the net of nine | ms a step | test top-1 % |"
echo "|---|---|---|"
row frozen "only the last layer learns, the others run once for each picture" --set "$from"
row again "only the last layer learns, the others run in every step" --set "$from" --set train.freeze_cache_mb=0
row full "everything learns" --set "$from" --set 'train.freeze=[]'
row random "for comparison: random first layers, frozen"
