#!/usr/bin/python3
"""Writes tests/train/golden_loss.h: PyTorch's losses (torch 1.13, float64) on the logits of test_loss.c."""
import sys

import torch
from torch.nn import functional as F

N, C = 6, 5
z = torch.tensor([((i * 37 + 11) % 23 - 11) / 6 for i in range(N * C)]).double().reshape(N, C)
z = z.float().double()
a, b = torch.tensor([0, 3, 4, 1, 2, 2]), torch.tensor([1, 3, 0, 2, 2, 0])
lam = torch.tensor([.7, 1, .25, .5, .9, 1]).double().reshape(-1, 1)
lam = lam.float().double()
w = torch.tensor([1, .5, 2, 1.5, 3]).double()
one = F.one_hot(a, C).double()
mixed = lam * one + (1 - lam) * F.one_hot(b, C).double()
rows = [
    ("cross_entropy", "{}", "&hard", "NULL", F.cross_entropy(z, a)),
    ("cross_entropy", "{smoothing: 0.1}", "&hard", "NULL", F.cross_entropy(z, a, label_smoothing=.1)),
    ("cross_entropy", "{}", "&hard", "weight", F.cross_entropy(z, a, w)),
    ("cross_entropy", "{smoothing: 0.2}", "&hard", "weight", F.cross_entropy(z, a, w, label_smoothing=.2)),
    ("cross_entropy", "{}", "&soft", "NULL", F.cross_entropy(z, mixed)),
    ("cross_entropy", "{smoothing: 0.1}", "&soft", "NULL", F.cross_entropy(z, mixed, label_smoothing=.1)),
    ("bce", "{}", "&hard", "NULL", F.binary_cross_entropy_with_logits(z, one)),
    ("bce", "{}", "&soft", "NULL", F.binary_cross_entropy_with_logits(z, mixed)),
    ("bce", "{sum: true}", "&soft", "NULL", F.binary_cross_entropy_with_logits(z, mixed, reduction="sum") / N),
    ("mse", "{}", "&soft", "NULL", F.mse_loss(z, mixed)),
    ("focal", "{gamma: 0}", "&hard", "NULL", F.cross_entropy(z, a)),
]
p = z.softmax(1).gather(1, a[:, None])
rows.append(("focal", "{gamma: 2}", "&hard", "NULL", (-(1 - p) ** 2 * p.log()).mean()))
# AugMix's consistency over three views in a row, as in its authors' code.
q = z.softmax(1).reshape(N // 3, 3, C)
m = q.mean(1).clamp(1e-7, 1).log()
jsd = sum(F.kl_div(m, q[:, k], reduction="batchmean") for k in range(3)) / 3
rows.append(("jsd", "{}", "&hard", "NULL", F.cross_entropy(z[::3], a[::3]) + 12 * jsd))
path = sys.argv[1] if len(sys.argv) > 1 else "tests/train/golden_loss.h"
with open(path, "w") as f:
    f.write("/* Made by tests/golden/loss.py with torch %s; included inside a list. */\n" % torch.__version__)
    for name, yaml, t, weight, v in rows:
        f.write(f'{{"{name}", "{yaml}", {t}, {weight}, {v.item():.12g}}},\n')
