"""Sluice's ops against Pillow and torchvision, one thread, the same picture, in one run.

usage: /usr/bin/python3 tests/bench/bench_ops.py [PATTERN]
Interleaved, the fastest round of each. Prints images per second, for each instruction set of
Sluice (bench_policy, the same picture)."""
import pathlib
import subprocess
import sys
import time

import numpy as np
import torch
import torchvision.transforms as T
import torchvision.transforms.functional as F
from PIL import Image

BENCH = str(pathlib.Path(__file__).parents[2] / "build/tests/bench/bench_policy")
torch.set_num_threads(1)
rng = np.random.default_rng(1)


def picture(w, h):
    y, x = np.mgrid[0:h, 0:w]
    a = np.stack([128 + 90 * np.sin(x * (c + 1) * 0.021) * np.cos(y * (3 - c) * 0.017) for c in range(3)], -1)
    return (a + rng.integers(0, 30, a.shape)).astype(np.uint8)


big, small = picture(500, 375), picture(224, 224)
B, S = Image.fromarray(big), Image.fromarray(small)
to_tensor = T.Compose([T.ToTensor(), T.Normalize((.485, .456, .406), (.229, .224, .225))])
NORM = "normalize: {mean: [.485, .456, .406], std: [.229, .224, .225]}"
M = T.InterpolationMode
CASES = [
    ("resize bilinear", "resize: {size: [224, 224]}", big, lambda: B.resize((224, 224), Image.BILINEAR)),
    ("resize bicubic", "resize: {size: [224, 224], interpolation: bicubic}", big,
     lambda: B.resize((224, 224), Image.BICUBIC)),
    ("resize lanczos", "resize: {size: [224, 224], interpolation: lanczos}", big,
     lambda: B.resize((224, 224), Image.LANCZOS)),
    ("resize nearest", "resize: {size: [224, 224], interpolation: nearest}", big,
     lambda: B.resize((224, 224), Image.NEAREST)),
    ("hflip", "hflip: {p: 1}", small, lambda: F.hflip(S)),
    ("vflip", "vflip: {p: 1}", small, lambda: F.vflip(S)),
    ("rot90", "rot90: {turns: 1}", small, lambda: S.transpose(Image.Transpose.ROTATE_90)),
    ("rotate nearest", "rotate: {degrees: [25, 25]}", small, lambda: F.rotate(S, 25)),
    ("rotate bilinear", "rotate: {degrees: [25, 25], interpolation: bilinear}", small,
     lambda: F.rotate(S, 25, M.BILINEAR)),
    ("rotate bicubic", "rotate: {degrees: [25, 25], interpolation: bicubic}", small,
     lambda: F.rotate(S, 25, M.BICUBIC)),
    ("affine bilinear", "affine: {degrees: [10, 10], scale: 0.9, shear: [5, 5], interpolation: bilinear}", small,
     lambda: F.affine(S, 10, [0, 0], .9, [5, 0], M.BILINEAR)),
    ("perspective bilinear", "perspective: {endpoints: [20, 10, 200, 5, 210, 220, 10, 215], p: 1}", small,
     lambda: F.perspective(S, [[0, 0], [223, 0], [223, 223], [0, 223]], [[20, 10], [200, 5], [210, 220], [10, 215]])),
    ("elastic", "elastic: {}", small, lambda: T.ElasticTransform()(S)),
    ("pad reflect", "pad: {padding: 4, padding_mode: reflect}", small, lambda: F.pad(S, [4], 0, "reflect")),
    ("normalize f32 nchw", NORM, small, lambda: to_tensor(S)),
]


def sluice_rate(ops, array, isa):
    h, w = array.shape[:2]
    run = subprocess.run([BENCH, f"[{{{ops}}}]", str(w), str(h), str(isa), "100"], capture_output=True, text=True,
                         check=True)
    return float(run.stdout)


def rate(run, seconds=0.06):
    n, start = 0, time.perf_counter()
    while True:
        run()
        n += 1
        took = time.perf_counter() - start
        if took > seconds:
            return n / took


isas = ["c", "avx2", "avx512"]
print(f"{'op':22} {'peer':>9} " + " ".join(f"{i:>9}" for i in isas) + "   best / peer")
for name, ops, array, peer in CASES:
    if len(sys.argv) > 1 and sys.argv[1] not in name:
        continue
    best = [0.0] * 4
    for _ in range(3):
        best[0] = max(best[0], rate(peer), rate(peer))
        for i in range(3):
            best[1 + i] = max(best[1 + i], sluice_rate(ops, array, i))
    print(f"{name:22} " + " ".join(f"{b:9.0f}" for b in best) + f" {max(best[1:]) / best[0]:8.1f}", flush=True)
