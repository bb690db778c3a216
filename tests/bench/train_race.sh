#!/usr/bin/env bash
# Training races against PyTorch, in turns, so that both sides meet the same machine: images/s and peak memory (MB) of
# five rounds, then the medians. In bf16 the peer's pictures are channels-last, which is its faster way.
# usage: [PRECISION=f32|bf16] tests/bench/train_race.sh SLUICE train_torch.py [NET:BATCH...]
set -euo pipefail
sluice=$1 peer=$2 precision=${PRECISION:-f32}
options=()
[ "$precision" = f32 ] || options=(--bf16 --channels-last)
shift 2
[ $# -gt 0 ] || set -- cnn28:128 resnet18-cifar:64

ours() {
    "$sluice" bench train --model "$1" --batch "$2" --precision "$precision" --threads 2 --json |
        python3 -c 'import json, sys; d = json.load(sys.stdin); print(d["images_per_second"], d["peak_rss_bytes"] / 1e6)'
}
theirs() {
    OMP_NUM_THREADS=2 /usr/bin/time -f '%M' /usr/bin/python3 "$peer" --net "$1" "${options[@]}" 2>&1 |
        python3 -c 'import re, sys; t = sys.stdin.read(); print(re.search(r"([\d.]+) img/s", t)[1], int(t.split()[-1]) * 1.024e-3)'
}

for race; do
    net=${race%:*} batch=${race#*:}
    for _ in 1 2 3 4 5; do echo "$net $(ours "$net" "$batch") $(theirs "$net")"; done | tee >(cat >&2) |
        python3 -c '
import statistics, sys
rows = [line.split() for line in sys.stdin]
a, ma, b, mb = (statistics.median(float(r[i]) for r in rows) for i in range(1, 5))
print(f"{rows[0][0]}: {a:.1f} / {b:.1f} images/s = {a / b:.2f} x; peak {ma:.0f} / {mb:.0f} MB = {ma / mb:.2f} x")'
done
