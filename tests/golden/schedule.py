#!/usr/bin/python3
"""Writes tests/train/golden_schedule.h: PyTorch's schedulers over 200 steps of 20 epochs.

Run with Debian's /usr/bin/python3 (torch 1.13). What PyTorch counts in epochs is stepped
once per epoch of 10 steps; what the C side does per step is stepped per step."""
import sys

import torch

STEPS, PER = 200, 10
o = torch.optim.lr_scheduler


def opt(lr=.1, momentum=.9):
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr, momentum)


CASES = [
    ("constant", "{}", .1, False, lambda p: o.LambdaLR(p, lambda t: 1)),
    ("step", "{size: 3, gamma: 0.5}", .1, True, lambda p: o.StepLR(p, 3, .5)),
    ("step", "{size: 7, gamma: 0.9, by: step}", .1, False, lambda p: o.StepLR(p, 7, .9)),
    ("multistep", "{milestones: [2, 9, 15], gamma: 0.2}", .1, True, lambda p: o.MultiStepLR(p, [2, 9, 15], .2)),
    ("exponential", "{gamma: 0.8}", .1, True, lambda p: o.ExponentialLR(p, .8)),
    ("polynomial", "{power: 1.7}", .1, False, lambda p: o.PolynomialLR(p, STEPS, 1.7)),
    ("linear", "{from: 0.3333333333333333, to: 0.8, epochs: 6}", .1, False,
     lambda p: o.LinearLR(p, 1 / 3, .8, 6 * PER)),
    ("cosine", "{min_lr: 0.001}", .1, False, lambda p: o.CosineAnnealingLR(p, STEPS, .001)),
    ("cosine_restarts", "{first: 2, mult: 2, min_lr: 0.001}", .1, False,
     lambda p: o.CosineAnnealingWarmRestarts(p, 2 * PER, 2, .001)),
    ("one_cycle", "{}", .1, False, lambda p: o.OneCycleLR(p, .1, total_steps=STEPS)),
    ("one_cycle", "{rise: 0.2, div: 10, final_div: 100, anneal: linear}", .1, False,
     lambda p: o.OneCycleLR(p, .1, total_steps=STEPS, pct_start=.2, div_factor=10, final_div_factor=100,
                            anneal_strategy="linear")),
    ("cyclic", "{min_lr: 0.01, up: 17, down: 29, by: step}", .1, False,
     lambda p: o.CyclicLR(p, .01, .1, 17, 29, cycle_momentum=False)),
    ("cyclic", "{min_lr: 0.01, up: 2, mode: triangular2}", .1, False,
     lambda p: o.CyclicLR(p, .01, .1, 2 * PER, mode="triangular2", cycle_momentum=False)),
    ("cyclic", "{min_lr: 0.01, up: 2, mode: exp_range, gamma: 0.99}", .1, False,
     lambda p: o.CyclicLR(p, .01, .1, 2 * PER, mode="exp_range", gamma=.99, cycle_momentum=False)),
]


def metric(epoch):
    return 2 / (1 + epoch) if epoch < 6 else .3 + .01 * (epoch % 4)


PLATEAU = [("{patience: 2, factor: 0.5}", dict(patience=2, factor=.5)),
           ("{patience: 1, cooldown: 2, factor: 0.3, threshold: 0.2, min_lr: 0.002}",
            dict(patience=1, cooldown=2, factor=.3, threshold=.2, min_lr=.002)),
           ("{patience: 1, factor: 0.5, threshold_kind: absolute, threshold: 0.05}",
            dict(patience=1, factor=.5, threshold_mode="abs", threshold=.05))]


def fmt(v):
    return ", ".join(f"{x:.10g}" for x in v)


out = [f"/* Made by tests/golden/schedule.py with torch {torch.__version__}. */",
       f"enum {{ STEPS = {STEPS}, PER = {PER}, EPOCHS = {STEPS // PER} }};",
       "static const struct {", "    const char *name, *settings;",
       "    double lr[STEPS];", "    double momentum[STEPS / PER]; /* each PER steps; 0 = not moved */",
       "} golden[] = {"]
for name, settings, lr, per_epoch, make in CASES:
    p = opt(lr)
    s = make(p)
    lrs, moms = [], []
    for t in range(STEPS):
        lrs.append(p.param_groups[0]["lr"])
        if name == "one_cycle" and t % PER == 0:
            moms.append(p.param_groups[0]["momentum"])
        p.step()
        if not per_epoch or (t + 1) % PER == 0:
            if t + 1 < STEPS:
                s.step()
    out.append(f'    {{"{name}", "{settings}", {{{fmt(lrs)}}}, {{{fmt(moms) or 0}}}}},')
out += ["};", "static const struct {", "    const char *settings;", "    double lr[EPOCHS];", "} plateau[] = {"]
for settings, kw in PLATEAU:
    p = opt()
    s = o.ReduceLROnPlateau(p, **kw)
    lrs = []
    for e in range(STEPS // PER):
        lrs.append(p.param_groups[0]["lr"])
        s.step(metric(e))
    out.append(f'    {{"{settings}", {{{fmt(lrs)}}}}},')
out.append("};")
path = sys.argv[1] if len(sys.argv) > 1 else "tests/train/golden_schedule.h"
open(path, "w").write("\n".join(out) + "\n")
