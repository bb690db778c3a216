#!/usr/bin/env bash
# The figures of docs/early-stopping.md: rules on 2 000 pictures, 400 of which validate, five seeds each. About four
# minutes of one core.
# usage: tests/bench/early_stopping.sh [DIRECTORY]   SLUICE=build/tools/sluice RECIPE=recipes/fashion-mnist-subset.yaml
set -e
sluice=${SLUICE:-build/tools/sluice}
recipe=${RECIPE:-recipes/fashion-mnist-subset.yaml}
out=${1:-$(mktemp -d)}
export OMP_WAIT_POLICY=passive
mkdir -p "$out"

try() # NAME EARLY_STOP
{
    for seed in 1 2 3 4 5; do
        [ -f "$out/$1$seed/summary.json" ] ||
            "$sluice" train "$recipe" -o "$out/$1$seed" --overwrite --threads 1 --set "seed=$seed" --set data.limit=2000 \
                --set data.val_fraction=0.2 --set schedule=constant --set train.eval_every=1 --set train.epochs=100 \
                --set "train.early_stop=$2" >"$out/$1$seed.log" 2>&1
    done
    python3 -c 'import json, sys
name, rule = sys.argv[1:]
runs = [json.load(open(f"{name}{seed}/summary.json")) for seed in range(1, 6)]
kept = [100 * r["test"]["top1"] for r in runs]
last = [100 * r["last"]["top1"] if "last" in r else k for r, k in zip(runs, kept)]
print("| `%s` | %s | %s | %s | %.2f | %.2f | %d of 5 |"
      % (rule, runs[0]["reason"], ", ".join(str(r["kept"]["epoch"]) for r in runs), ", ".join(str(r["epochs"]) for r in runs),
         sum(kept) / 5, sum(last) / 5, sum(k >= l for k, l in zip(kept, last))))' "$out/$1" "$2"
}

echo "| \`train.early_stop\` | says (seed 1) | kept | of | its test top-1 % | last epoch's | as good or better |"
echo "|---|---|---|---|---|---|---|"
try top1 '{metric: top1, patience: 8, min_delta: 0.002}'
try loss '{metric: loss, patience: 5}'
try gl '{metric: loss, rule: gl, alpha: 20}'
try pq '{metric: loss, rule: pq, alpha: 0.5}'
try up '{metric: loss, rule: up, strips: 2}'
