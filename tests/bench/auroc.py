#!/usr/bin/env python3
"""How well uncertainty tells strange pictures from familiar ones: the area under the ROC curve of two
`sluice predict --mc-dropout N --json` outputs. usage: auroc.py FAMILIAR.json STRANGE.json"""
import bisect
import json
import sys


def values(path, key):
    with open(path) as f:
        return [p[key] for p in json.load(f)["predictions"]]


def auroc(low, high):
    """Chance that one of high is above one of low; ties count half."""
    low = sorted(low)
    wins = sum(bisect.bisect_left(low, v) + bisect.bisect_right(low, v) for v in high)
    return wins / (2 * len(low) * len(high))


if len(sys.argv) != 3:
    sys.exit(__doc__)
for key in ("entropy", "mutual_information", "variance"):
    low, high = (values(path, key) for path in sys.argv[1:])
    print(f"{key:19} mean {sum(low) / len(low):.4f} and {sum(high) / len(high):.4f}, AUROC {auroc(low, high):.4f}")
