#!/usr/bin/python3
"""Writes tests/train/golden_optim.h: 200 steps of PyTorch's optimizers, in float64.

Run with Debian's /usr/bin/python3 (torch 1.13). The gradients are a formula that the C test
repeats, exact in float32, and do not depend on the weights. lion, lamb and muon are not in
torch 1.13 and its NAdam is wrong: these are written here."""
import sys

import torch

N, STEPS, AT = 12, 200, (1, 2, 10, 50, 200)


def grad(t, i):
    return ((t * 37 + i * 101 + t * i * 3) % 257 - 120) / 128.0


def start(i):
    return (i * 5 % 13 - 5.5) / 4.0


class Lion:
    def __init__(self, p, lr, b1=.9, b2=.99, wd=0.):
        self.p, self.lr, self.b1, self.b2, self.wd, self.m = p[0], lr, b1, b2, wd, 0

    def step(self):
        with torch.no_grad():
            g = self.p.grad
            c = torch.sign(self.b1 * self.m + (1 - self.b1) * g)
            self.p -= self.lr * (c + self.wd * self.p)
            self.m = self.b2 * self.m + (1 - self.b2) * g


class Lamb:
    def __init__(self, p, lr, b1=.9, b2=.999, eps=1e-6, wd=.01):
        self.p, self.lr, self.b1, self.b2, self.eps, self.wd = p[0], lr, b1, b2, eps, wd
        self.m = self.v = self.t = 0

    def step(self):
        with torch.no_grad():
            g = self.p.grad
            self.t += 1
            self.m = self.b1 * self.m + (1 - self.b1) * g
            self.v = self.b2 * self.v + (1 - self.b2) * g * g
            mh, vh = self.m / (1 - self.b1 ** self.t), self.v / (1 - self.b2 ** self.t)
            u = mh / (vh.sqrt() + self.eps) + self.wd * self.p
            self.p -= self.lr * self.p.norm() / u.norm() * u


class NAdam:
    """As in PyTorch 2 and in Dozat's paper. torch 1.13 multiplies mu into mu_product_next twice (fixed in 2.0)."""

    def __init__(self, p, lr, eps=1e-8, weight_decay=0., momentum_decay=4e-3):
        self.p, self.lr, self.eps, self.wd, self.md = p[0], lr, eps, weight_decay, momentum_decay
        self.m = self.v = self.t = 0
        self.product = 1.

    def step(self):
        with torch.no_grad():
            self.t += 1
            g = self.p.grad + self.wd * self.p
            mu = .9 * (1 - .5 * .96 ** (self.t * self.md))
            mu_next = .9 * (1 - .5 * .96 ** ((self.t + 1) * self.md))
            self.product *= mu
            self.m = .9 * self.m + .1 * g
            self.v = .999 * self.v + .001 * g * g
            denom = (self.v / (1 - .999 ** self.t)).sqrt() + self.eps
            self.p -= self.lr * (1 - mu) / (1 - self.product) * g / denom
            self.p -= self.lr * mu_next / (1 - self.product * mu_next) * self.m / denom


class Muon:
    """As torch.optim.Muon of 2.9, in float64 (there the iteration is in bfloat16); rows = 0: no matrix, SGD."""

    def __init__(self, p, rows, lr, momentum=.95, nesterov=True, steps=5, adjust="original", normalize=False, wd=0., plain=.9):
        self.p, self.rows, self.lr, self.wd = p[0], rows, lr, wd
        self.mu, self.nesterov, self.steps = momentum if rows else plain, nesterov, steps
        self.adjust, self.normalize, self.b = adjust, normalize, 0

    def step(self):
        with torch.no_grad():
            g = self.p.grad + (0 if self.rows else self.wd * self.p)
            self.b = self.mu * self.b + g
            d = g + self.mu * self.b if self.nesterov else self.b
            if not self.rows:
                self.p -= self.lr * d
                return
            x = d.reshape(self.rows, -1)
            high, wide = x.shape
            x = x / (x.norm() + 1e-7)
            x = x.T if high > wide else x
            for _ in range(self.steps):
                a = x @ x.T
                x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
            x = x.T if high > wide else x
            if self.normalize:
                self.p *= self.rows ** .5 / self.p.norm()
            scale = {"none": 1, "original": max(1, high / wide) ** .5, "match_rms_adamw": .2 * max(high, wide) ** .5}[self.adjust]
            self.p *= 1 - self.lr * self.wd
            self.p -= self.lr * scale * x.reshape(-1)


o = torch.optim
CASES = [
    ("sgd", "{lr: 0.05, momentum: 0}", lambda p: o.SGD(p, .05)),
    ("sgd", "{lr: 0.05, momentum: 0, weight_decay: 0.01}", lambda p: o.SGD(p, .05, weight_decay=.01)),
    ("sgd", "{lr: 0.02, momentum: 0.9, weight_decay: 0.01}", lambda p: o.SGD(p, .02, .9, weight_decay=.01)),
    ("sgd", "{lr: 0.02, momentum: 0.9, dampening: 0.3}", lambda p: o.SGD(p, .02, .9, .3)),
    ("sgd", "{lr: 0.02, momentum: 0.9, nesterov: true, weight_decay: 0.01}",
     lambda p: o.SGD(p, .02, .9, nesterov=True, weight_decay=.01)),
    ("adagrad", "{lr: 0.1}", lambda p: o.Adagrad(p, .1)),
    ("adagrad", "{lr: 0.1, lr_decay: 0.01, weight_decay: 0.01, initial_accumulator: 0.1}",
     lambda p: o.Adagrad(p, .1, .01, .01, .1)),
    ("rmsprop", "{lr: 0.01}", lambda p: o.RMSprop(p, .01)),
    ("rmsprop", "{lr: 0.01, alpha: 0.9, eps: 0.01, weight_decay: 0.01}",
     lambda p: o.RMSprop(p, .01, .9, .01, .01)),
    ("rmsprop", "{lr: 0.002, alpha: 0.95, momentum: 0.9}", lambda p: o.RMSprop(p, .002, .95, momentum=.9)),
    ("rmsprop", "{lr: 0.01, eps: 0.001, centered: true}", lambda p: o.RMSprop(p, .01, eps=.001, centered=True)),
    ("rmsprop", "{lr: 0.002, eps: 0.001, centered: true, momentum: 0.8}",
     lambda p: o.RMSprop(p, .002, eps=.001, centered=True, momentum=.8)),
    ("adam", "{lr: 0.01}", lambda p: o.Adam(p, .01)),
    ("adam", "{lr: 0.01, eps: 0.1, weight_decay: 0.01}", lambda p: o.Adam(p, .01, eps=.1, weight_decay=.01)),
    ("adam", "{lr: 0.01, beta1: 0.8, beta2: 0.99, amsgrad: true}",
     lambda p: o.Adam(p, .01, (.8, .99), amsgrad=True)),
    ("adamw", "{lr: 0.01}", lambda p: o.AdamW(p, .01)),
    ("adamw", "{lr: 0.01, eps: 0.1, weight_decay: 0.1, amsgrad: true}",
     lambda p: o.AdamW(p, .01, eps=.1, weight_decay=.1, amsgrad=True)),
    ("nadam", "{lr: 0.01}", lambda p: NAdam(p, .01)),
    ("nadam", "{lr: 0.01, eps: 0.1, weight_decay: 0.01, momentum_decay: 0.02}",
     lambda p: NAdam(p, .01, eps=.1, weight_decay=.01, momentum_decay=.02)),
    ("lion", "{lr: 0.01, weight_decay: 0.1}", lambda p: Lion(p, .01, wd=.1)),
    ("lamb", "{lr: 0.01}", lambda p: Lamb(p, .01)),
    ("muon", "{lr: 0.02, weight_decay: 0.01, plain_momentum: 0.8}", lambda p: Muon(p, 0, .02, wd=.01, plain=.8)),
    ("muon", "{lr: 0.02, weight_decay: 0.1}", lambda p: Muon(p, 3, .02, wd=.1), 3),
    ("muon", "{lr: 0.02, momentum: 0.6, steps: 3, adjust: none, normalize: true}",
     lambda p: Muon(p, 3, .02, .6, steps=3, adjust="none", normalize=True), 3),
    ("muon", "{lr: 0.01, nesterov: false}", lambda p: Muon(p, 6, .01, nesterov=False), 6),
    ("muon", "{lr: 0.01, adjust: match_rms_adamw}", lambda p: Muon(p, 4, .01, adjust="match_rms_adamw"), 4),
]

out = [f"/* Made by tests/golden/optim.py with torch {torch.__version__}. */",
       f"enum {{ N = {N}, STEPS = {STEPS}, MARKS = {len(AT)} }};",
       "static const int golden_at[MARKS] = {" + ", ".join(map(str, AT)) + "};",
       "static const struct {", "    const char *name, *settings;", "    size_t rows; /* 0 = no matrix */", "    double w[MARKS][N];", "} golden[] = {"]
for name, settings, make, *high in CASES:
    w = torch.nn.Parameter(torch.tensor([start(i) for i in range(N)], dtype=torch.float64))
    opt = make([w])
    rows = []
    for t in range(1, STEPS + 1):
        w.grad = torch.tensor([grad(t, i) for i in range(N)], dtype=torch.float64)
        opt.step()
        if t in AT:
            rows.append("{" + ", ".join(f"{x:.10g}" for x in w.tolist()) + "}")
    out.append(f'    {{"{name}", "{settings}", {high[0] if high else 0}, {{{", ".join(rows)}}}}},')
out.append("};")
path = sys.argv[1] if len(sys.argv) > 1 else "tests/train/golden_optim.h"
open(path, "w").write("\n".join(out) + "\n")
