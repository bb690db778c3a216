#!/usr/bin/python3
"""Writes tests/train/golden_stepper.h: 200 steps of PyTorch's clip_grad_norm_ and clip_grad_value_, of
parameter groups, lookahead (Zhang et al. 2019) and adaptive clipping (Brock et al. 2021), in float64.

Run with Debian's /usr/bin/python3 (torch 1.13). A layer of N weights and N biases; the gradients are a
formula that the C test repeats. Lookahead and adaptive clipping are not in torch: written here."""
import sys

import torch

N, STEPS, AT = 12, 200, (1, 2, 10, 50, 200)


def grad(t, i):
    return ((t * 37 + i * 101 + t * i * 3) % 257 - 120) / 128.0


def start(i):
    return (i * 5 % 13 - 5.5) / 4.0


def norm_of(w, b):
    return torch.cat([w.grad, b.grad]).norm().item()


def agc(clip):
    def run(w, b):
        units = [(w.grad[i:i + 1], w.data[i:i + 1]) for i in range(N)] + [(b.grad, b.data)]
        for g, p in units:
            most = clip * max(p.norm().item(), 1e-3)
            if g.norm() > most:
                g *= most / g.norm()
    return run


def by_norm(most):
    return lambda w, b: torch.nn.utils.clip_grad_norm_([w, b], most)


def by_value(most):
    return lambda w, b: torch.nn.utils.clip_grad_value_([w, b], most)


def both(value, norm):
    def run(w, b):
        by_value(value)(w, b)
        by_norm(norm)(w, b)
    return run


def sgd(w, b):
    return torch.optim.SGD([w, b], .02, .9)


def adam(w, b):
    return torch.optim.Adam([w, b], .01)


def grouped(w, b):
    return torch.optim.SGD([{"params": [w], "lr": .01, "weight_decay": .1}, {"params": [b]}], .02, .9)


def decayed(w, b):
    return torch.optim.AdamW([{"params": [w], "weight_decay": .1}, {"params": [b], "weight_decay": 0}], .01)


SGD, ADAM = "optim: {name: sgd, lr: 0.02, momentum: 0.9", "optim: {name: adam, lr: 0.01"
CASES = [
    (SGD + "}\\ntrain: {clip_norm: 0.5}", sgd, by_norm(.5), 0),
    (SGD + "}\\ntrain: {clip_norm: 2.9}", sgd, by_norm(2.9), 0),
    (SGD + "}\\ntrain: {clip_value: 0.3}", sgd, by_value(.3), 0),
    (SGD + "}\\ntrain: {clip_value: 0.5, clip_norm: 1.5}", sgd, both(.5, 1.5), 0),
    (ADAM + "}\\ntrain: {clip_norm: 0.01}", adam, by_norm(.01), 0),
    (SGD + "}\\ntrain: {clip_adaptive: 0.1}", sgd, agc(.1), 0),
    (SGD + ", lookahead: 5}\\n", sgd, None, 5),
    (ADAM + ", lookahead: 7, lookahead_alpha: 0.8}\\n", adam, None, (7, .8)),
    # airbench94's: ema.lerp_(net, 1 - decay); net.copy_(ema), decay = 0.95**5 (step / total)**3
    (SGD + ", lookahead: 5, lookahead_alpha: 0.2262190625, lookahead_growth: 3}\\n", sgd, None, (5, 1 - .95**5, 3)),
    (SGD + ", groups: [{match: fc.weight, lr: 0.5, weight_decay: 0.1}]}\\n", grouped, None, 0),
    ("optim: {name: adamw, lr: 0.01, weight_decay: 0.1}\\n", decayed, None, 0),
]

out = [f"/* Made by tests/golden/stepper.py with torch {torch.__version__}. */",
       f"enum {{ N = {N}, STEPS = {STEPS}, MARKS = {len(AT)} }};",
       "static const int golden_at[MARKS] = {" + ", ".join(map(str, AT)) + "};",
       "static const struct {", "    const char *recipe;",
       "    double norm[MARKS], clipped[MARKS]; /* of the gradients, before and after */",
       "    double w[MARKS][2 * N];", "} golden[] = {"]
for recipe, make, clip, look in CASES:
    w, b = [torch.nn.Parameter(torch.tensor([start(k * N + i) for i in range(N)], dtype=torch.float64))
            for k in (0, 1)]
    opt = make(w, b)
    every, alpha, growth = (look + (0,))[:3] if isinstance(look, tuple) else (look, .5, 0)
    slow = [w.detach().clone(), b.detach().clone()]
    rows, norms, clipped = [], [], []
    for t in range(1, STEPS + 1):
        for k, p in enumerate((w, b)):
            p.grad = torch.tensor([grad(t, k * N + i) for i in range(N)], dtype=torch.float64)
        before = norm_of(w, b)
        if clip:
            clip(w, b)
        after = norm_of(w, b)
        opt.step()
        if every and t % every == 0:
            for s, p in zip(slow, (w, b)):
                s += (1 - (1 - alpha) * (t / STEPS) ** growth) * (p.data - s)
                p.data.copy_(s)
        if t in AT:
            rows.append("{" + ", ".join(f"{x:.10g}" for x in w.tolist() + b.tolist()) + "}")
            norms.append(before)
            clipped.append(after)
    three = ["{" + ", ".join(f"{x:.10g}" for x in v) + "}" for v in (norms, clipped)]
    out.append(f'    {{"{recipe}", {three[0]}, {three[1]}, {{{", ".join(rows)}}}}},')
out.append("};")
path = sys.argv[1] if len(sys.argv) > 1 else "tests/train/golden_stepper.h"
open(path, "w").write("\n".join(out) + "\n")
