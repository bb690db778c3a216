#!/usr/bin/python3
"""Scores against numpy, scipy and scikit-learn, from the logits of two trained models: top-1 and top-k, loss, precision, recall and F1,
confusion, ECE, the temperature and what it changes, McNemar's exact test, the bootstrap interval; AUROC on lists with ties.
usage: metrics.py SLUICE MODEL_A MODEL_B (run directories or model files of one data set whose recipes have a validation set)"""
import ctypes
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
from scipy import optimize, special, stats
from sklearn import metrics

BINS = 15
worst = {}


def sluice(*args):
    return json.loads(subprocess.run([sys.argv[1], *args, "--json", "-q"], check=True, capture_output=True).stdout)


def close(what, ours, theirs, limit=1e-9):
    off = float(np.max(np.abs(np.asarray(ours, float) - np.asarray(theirs, float))))
    worst[what] = max(off, worst.get(what, 0))
    if not off <= limit:
        sys.exit(f"{what}: {ours} and {theirs} differ by {off:g}, limit {limit:g}")


def ece(z, y):
    p = special.softmax(z, axis=1)
    sure, right = p.max(1), p.argmax(1) == y
    place = np.minimum((sure * BINS).astype(int), BINS - 1)
    return sum(abs(right[place == b].mean() - sure[place == b].mean()) * (place == b).mean()
               for b in range(BINS) if (place == b).any())


def answers(model, split="test"):
    o = sluice("eval", model, "--logits", "--split", split)
    names = [c["name"] for c in o["classes"]]
    z = np.array([p["logits"] for p in o["predictions"]], np.float32).astype(float)
    return o, names, z, np.array([names.index(p["label"]) for p in o["predictions"]])


def scores(model):
    o, names, z, y = answers(model)
    said = z.argmax(1)
    close("top1", o["top1"], metrics.accuracy_score(y, said))
    close("topk", o["topk"], metrics.top_k_accuracy_score(y, z, k=o["k"], labels=range(len(names))))
    close("loss", o["loss"], metrics.log_loss(y, special.softmax(z / o["temperature"], axis=1), labels=range(len(names))), 1e-6)
    p, r, f, n = metrics.precision_recall_fscore_support(y, said, labels=range(len(names)), zero_division=0)
    for key, theirs in ("precision", p), ("recall", r), ("f1", f), ("count", n):
        close(key, [c[key] for c in o["classes"]], theirs)
    for key, theirs in ("precision", p), ("recall", r), ("f1", f):
        close("macro " + key, o["macro_" + key], theirs.mean())
    table = metrics.confusion_matrix(y, said, labels=range(len(names)))
    close("confusion", o["confusion"], table, 0)
    off = table - np.diag(np.diag(table))
    close("confused", [c["count"] for c in o["confused"]], np.sort(off[off > 0])[::-1][:len(o["confused"])], 0)
    close("ECE", o["ece"], ece(z / o["temperature"], y), 1e-6)
    return said == y


def calibration(model):
    o = sluice("calibrate", model)
    _, _, z, y = answers(model, "val")
    fit = optimize.minimize_scalar(lambda t: metrics.log_loss(y, special.softmax(z / np.exp(t), axis=1), labels=range(z.shape[1])),
                                   bounds=(-3, 3), method="bounded", options={"xatol": 1e-8})
    close("temperature", o["temperature"], np.exp(fit.x), 1e-3)
    for part, split in ("fit", "val"), ("test", "test"):
        _, _, z, y = answers(model, split)
        close("ECE before", o[part]["ece_before"], ece(z, y), 1e-6)
        # A picture whose confidence lies on a bin's edge may fall to either side.
        close("ECE after", o[part]["ece_after"], ece(z / o["temperature"], y), 1e-4)
    return o


def comparison(a, b):
    o = sluice("compare", *sys.argv[2:4], "--resamples", "20000")
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    close("only", [o["only_a"], o["only_b"]], [only_a, only_b], 0)
    close("McNemar", o["p_value"], stats.binomtest(only_a, only_a + only_b).pvalue)
    gain = b.astype(float) - a
    rng = np.random.default_rng(1)
    # Resampling counts of +1, -1 and 0 is resampling the pictures.
    n = len(gain)
    drawn = rng.multinomial(n, [(gain > 0).mean(), (gain < 0).mean(), (gain == 0).mean()], 20000)
    lo, hi = np.percentile((drawn[:, 0] - drawn[:, 1]) / n, [2.5, 97.5])
    close("bootstrap, in standard errors", np.array([o["lo"], o["hi"]]) / (gain.std() / n**.5), np.array([lo, hi]) / (gain.std() / n**.5), .1)


def auroc():
    lib = ctypes.CDLL(os.environ.get("LIBSLUICE", str(pathlib.Path(__file__).parents[2] / "build/libsluice.so")))
    lib.slc_auroc.restype = ctypes.c_double
    rng = np.random.default_rng(2)
    for low, high in (1, 1), (5, 300), (400, 20):
        x, y = (np.round(rng.normal(m, 1, n), 1) for m, n in ((0, low), (.7, high)))
        theirs = metrics.roc_auc_score(np.r_[np.zeros(low), np.ones(high)], np.r_[x, y])
        point = ctypes.POINTER(ctypes.c_double)
        close("AUROC", lib.slc_auroc(x.ctypes.data_as(point), ctypes.c_size_t(low), y.ctypes.data_as(point), ctypes.c_size_t(high)), theirs)


if len(sys.argv) != 4:
    sys.exit(__doc__)
comparison(scores(sys.argv[2]), scores(sys.argv[3]))
calibrated = calibration(sys.argv[2])
auroc()
for what, off in worst.items():
    print(f"{what:32} agrees within {off:.1e}")
print(f"temperature {calibrated['temperature']:.4f}: test ECE {calibrated['test']['ece_before']:.4f} -> {calibrated['test']['ece_after']:.4f}")
