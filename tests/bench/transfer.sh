#!/usr/bin/env bash
# The figures of docs/transfer.md: a net of nine classes learns the tenth with its first layers frozen,
# and what a step costs then. About two minutes of one core.
# usage: tests/bench/transfer.sh [DIRECTORY]   SLUICE=build/tools/sluice RECIPE=recipes/transfer.yaml
set -e
sluice=${SLUICE:-build/tools/sluice}
recipe=${RECIPE:-recipes/transfer.yaml}
out=${1:-$(mktemp -d)}
export OMP_WAIT_POLICY=passive
mkdir -p "$out"

train() # NAME ARGUMENT...
{
    local name=$1
    shift
    "$sluice" train "$recipe" -o "$out/$name" --overwrite --threads 1 "$@" >"$out/$name.log" 2>&1
}

# Seconds of all steps but the first epoch's (which fills the cache), without evaluation and waiting.
report() # NAME
{
    python3 -c 'import json, sys
run = sys.argv[1]
lines = [json.loads(line) for line in open(run + "/metrics.jsonl")]
steps = lines[-1]["step"] - lines[0]["step"]
spent = sum(line["time"][part] for line in lines[1:] for part in ("wait", "forward", "loss", "backward", "optimizer"))
top1 = json.load(open(run + "/summary.json"))["test"]["top1"]
print(f"| {sys.argv[2]} | {1000 * spent / steps:.3f} | {100 * top1:.2f} |")' "$out/$1" "$2"
}

train nine --set 'data.classes=["0","1","2","3","4","5","6","7","8"]' --set 'train.freeze=[]' --set train.epochs=3
from="model.from=$out/nine/model.safetensors"
train frozen --set "$from"
train again --set "$from" --set train.freeze_cache_mb=0
train full --set "$from" --set 'train.freeze=[]' --set train.epochs=2
train scratch --set 'train.freeze=[conv*, bn*]' --set train.epochs=5
echo "| ten classes, from the net of nine | ms a step | test top-1 % |"
echo "|---|---|---|"
report frozen "first layers frozen, run once for each picture"
report again "first layers frozen, run in every step"
report full "everything learns (2 epochs)"
report scratch "for comparison: random first layers, frozen"
