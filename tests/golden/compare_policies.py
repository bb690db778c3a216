"""The policies against torchvision 0.14 on PIL images: every drawn move is read from the trace,
found in torchvision's own table of magnitudes, and made with its own _apply_op.

usage: /usr/bin/python3 tests/golden/compare_policies.py [ISA] [DRAWS]"""
import math
import sys
from collections import Counter

import numpy as np
import torch
from PIL import Image
from sluice import Policy
from torchvision.transforms import InterpolationMode, autoaugment as aa

isa = sys.argv[1] if len(sys.argv) > 1 else None
draws = int(sys.argv[2]) if len(sys.argv) > 2 else 600
rng = np.random.default_rng(11)
NAMES = {"shear": "Shear", "translate": "Translate", "rotate": "Rotate", "brightness": "Brightness",
         "saturation": "Color", "contrast": "Contrast", "sharpness": "Sharpness", "posterize": "Posterize",
         "solarize": "Solarize", "autocontrast": "AutoContrast", "equalize": "Equalize", "invert": "Invert"}


def move_of(step, text):
    """torchvision's name and magnitude of one traced step."""
    op = step.split("/")[-1]
    values = {k: float(v) for k, v in (pair.split("=") for pair in text.split())}
    name = NAMES[op]
    if op in ("shear", "translate"):
        x, y = values.values()
        name += "Y" if y else "X"
        value = y or x
        return name, math.tan(math.radians(value)) if op == "shear" else value
    value = next(iter(values.values()), 0.0)
    return name, value - 1 if op in ("brightness", "saturation", "contrast", "sharpness") else value


def nearest(table, name, value, whole):
    magnitudes, signed = table[name]
    if magnitudes.ndim == 0:
        return 0.0, 0.0
    choices = [float(m) * sign for m in magnitudes for sign in ((1, -1) if signed else (1,))]
    seen = [math.trunc(c) if whole else c for c in choices]
    best = min(range(len(choices)), key=lambda i: abs(seen[i] - value))
    return choices[best], abs(seen[best] - value)


def check(policy, peer, table_of, counts):
    bad = 0
    for index in range(draws):
        h, w = (int(v) for v in rng.integers(20, 90, 2))
        a = rng.integers(0, 256, (h, w, 3), dtype=np.uint8)
        if index % 2:
            a = np.ascontiguousarray(np.cumsum(a // 60, 1, dtype=np.uint8))
        drawn = []
        got = policy(a, index=index, drawn=drawn)
        want = Image.fromarray(a)
        for step, text in drawn:
            if "/" not in step:
                counts["Identity"] += 1
                continue
            name, value = move_of(step, text)
            magnitude, off = nearest(table_of(h, w), name, value, name.startswith("Translate"))
            assert off < 1e-5 * max(1, abs(value)), (step, text, magnitude, off)
            counts[name] += 1
            want = aa._apply_op(want, name, magnitude, InterpolationMode.NEAREST, None)
        if not (got == np.asarray(want)).all():
            bad += 1
            print(peer, "differs:", drawn, np.abs(got.astype(int) - np.asarray(want)).max())
    print(f"{peer:24} {draws} draws, {bad} differ;", dict(sorted(counts.items())))
    return bad


failed = 0
trivial, rand = aa.TrivialAugmentWide(), aa.RandAugment()
failed += check(Policy("[trivial_augment_wide]", isa=isa), "trivial_augment_wide",
                lambda h, w: trivial._augmentation_space(31), Counter())
failed += check(Policy("[rand_augment]", isa=isa), "rand_augment",
                lambda h, w: {k: (m[9:10] if m.ndim else m, s)
                              for k, (m, s) in rand._augmentation_space(31, (h, w)).items()}, Counter())
for which in aa.AutoAugmentPolicy:
    auto = aa.AutoAugment(which)
    failed += check(Policy(f"[{{auto_augment: {{policy: {which.value}}}}}]", isa=isa), "auto_augment " + which.value,
                    lambda h, w: auto._augmentation_space(10, (h, w)), Counter())

# The tables themselves: sub-policy i with both moves must be ours.
for which in aa.AutoAugmentPolicy:
    auto, seen = aa.AutoAugment(which), Counter()
    policy = Policy(f"[{{auto_augment: {{policy: {which.value}}}}}]", isa=isa)
    space = auto._augmentation_space(10, (64, 64))
    subs = [[(n, b) for n, p, b in pair if p > 0] for pair in auto.policies]
    runs = 4000
    for index in range(runs):
        drawn = []
        policy(np.zeros((64, 64, 3), np.uint8), index=index, drawn=drawn)
        names = tuple(move_of(s, t)[0] for s, t in drawn if "/" in s)
        seen[names] += 1
    want = Counter()
    for (n1, p1, _), (n2, p2, _) in auto.policies:
        want[(n1, n2)] += p1 * p2 / 25
        want[(n1,)] += p1 * (1 - p2) / 25
        want[(n2,)] += (1 - p1) * p2 / 25
        want[()] += (1 - p1) * (1 - p2) / 25
    # A translation by 0 px or a shear by 0 has no axis; there is none in these tables.
    far = [(k, seen[k], want[k] * runs) for k in set(seen) | set(want)
           if abs(seen[k] - want[k] * runs) > 6 * math.sqrt(want[k] * runs + 1)]
    print("frequencies", which.value, "far:", far)
    failed += len(far)

# AugMix with three chains of one move: each made by torchvision, mixed with the drawn weights
# (six digits of them in the trace) and cut off.
mixed = aa.AugMix()
policy, bad = Policy("[{augmix: {interpolation: nearest, chain_depth: 1}}]", isa=isa), 0
for index in range(draws // 3):
    h, w = (int(v) for v in rng.integers(20, 90, 2))
    a = rng.integers(0, 256, (h, w, 3), dtype=np.uint8)
    drawn = []
    got = policy(a, index=index, drawn=drawn)
    values = {k: float(v) for k, v in (pair.split("=") for pair in drawn.pop()[1].split())}
    table = mixed._augmentation_space(10, (h, w))
    want = values["own"] * a
    for chain, (step, text) in enumerate(drawn):
        name, value = move_of(step, text)
        magnitude, off = nearest(table, name, value, name.startswith("Translate"))
        assert off < 1e-5 * max(1, abs(value)), (step, text, magnitude, off)
        end = aa._apply_op(Image.fromarray(a), name, magnitude, InterpolationMode.NEAREST, None)
        want = want + values[f"chain{chain}"] * np.asarray(end)
    off = want - got  # what was cut off: in [0, 1) up to the weights' last digit
    if len(drawn) != 3 or off.min() < -0.002 or off.max() > 1.002:
        bad += 1
        print("augmix differs:", drawn, off.min(), off.max())
print(f"augmix: {draws // 3} draws, {bad} differ")
sys.exit(failed + bad > 0)
