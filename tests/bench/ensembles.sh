#!/usr/bin/env bash
# The figures of docs/ensembles.md: three seeds of a single run, of snapshots and of SWA, all with
# the same number of steps. About eight minutes of one core.
# usage: tests/bench/ensembles.sh [DIRECTORY]   SLUICE=build/tools/sluice RECIPE=recipes/fashion-mnist-subset.yaml
set -e
sluice=${SLUICE:-build/tools/sluice}
recipe=${RECIPE:-recipes/fashion-mnist-subset.yaml}
out=${1:-$(mktemp -d)}
export OMP_WAIT_POLICY=passive

train() # NAME SEED KEY=VALUE...
{
    local name=$1 seed=$2 sets=()
    shift 2
    for set in "$@"; do sets+=(--set "$set"); done
    [ -f "$out/$name$seed/summary.json" ] ||
        "$sluice" train "$recipe" -o "$out/$name$seed" --overwrite --threads 1 --set "seed=$seed" "${sets[@]}" \
            >"$out/$name$seed.log" 2>&1
}

number() # FILE DOTTED.KEY
{
    python3 -c 'import json, sys
o = json.load(open(sys.argv[1]))
for key in sys.argv[2].split("."): o = o[key]
print(f"{100 * o:.2f}")' "$1" "$2"
}

ensemble() # NAME MEMBER...
{
    local name=$1
    shift
    "$sluice" ensemble "$@" --mode prob --threads 1 --json >"$out/$name.json"
}

mkdir -p "$out"
echo "| seed | single cosine | 5 snapshots | last snapshot | SWA | its last epoch |"
echo "|---|---|---|---|---|---|"
for seed in 1 2 3; do
    train single $seed
    train snap $seed 'schedule={name: cosine_restarts, cycles: 5}' train.snapshots=5
    train swa $seed 'train.swa={start: 0.5, lr: 0.1}'
    ensemble snap$seed "$out"/snap$seed/snapshot-*.safetensors
    echo "| $seed | $(number "$out/single$seed/summary.json" test.top1) | $(number "$out/snap$seed.json" top1)" \
        "| $(number "$out/snap$seed/summary.json" test.top1) | $(number "$out/swa$seed/summary.json" test.top1)" \
        "| $(number "$out/swa$seed/summary.json" last.top1) |"
done
ensemble classic "$out"/single1 "$out"/single2 "$out"/single3
echo
echo "Three single runs as one: $(number "$out/classic.json" top1), best member $(number "$out/classic.json" best_member)," \
    "members disagree on $(number "$out/classic.json" disagreement) %."
