#!/usr/bin/env bash
# The figures of docs/early-stopping.md: four rules on 2 000 pictures, 400 of which validate. About a minute.
# usage: tests/bench/early_stopping.sh [DIRECTORY]   SLUICE=build/tools/sluice RECIPE=recipes/fashion-mnist-subset.yaml
set -e
sluice=${SLUICE:-build/tools/sluice}
recipe=${RECIPE:-recipes/fashion-mnist-subset.yaml}
out=${1:-$(mktemp -d)}
export OMP_WAIT_POLICY=passive
mkdir -p "$out"

try() # NAME EARLY_STOP
{
    "$sluice" train "$recipe" -o "$out/$1" --overwrite --threads 1 --set data.limit=2000 --set data.val_fraction=0.2 \
        --set schedule=constant --set train.eval_every=1 --set train.epochs=100 --set "train.early_stop=$2" \
        >"$out/$1.log" 2>&1
    python3 -c 'import json, sys
o = json.load(open(sys.argv[1] + "/summary.json"))
last = o.get("last", {"epoch": o["kept"]["epoch"], "top1": o["test"]["top1"]})
top1, last_top1 = o["test"]["top1"], last["top1"]
print("| `%s` | %s | %d | %d | %.2f | %.2f |"
      % (sys.argv[2], o["reason"], o["kept"]["epoch"], o["epochs"], 100 * top1, 100 * last_top1))' "$out/$1" "$2"
}

echo "| \`train.early_stop\` | says | kept | of | its test top-1 % | last epoch's |"
echo "|---|---|---|---|---|---|"
try patience '{metric: loss, patience: 5}'
try top1 '{metric: top1, patience: 8, min_delta: 0.002}'
try gl '{metric: loss, rule: gl, alpha: 20}'
try pq '{metric: loss, rule: pq, alpha: 0.5}'
try up '{metric: loss, rule: up, strips: 2}'
