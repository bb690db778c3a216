"""Colour, blur, noise and policy ops against Pillow, torchvision and OpenCV: one thread, one picture
of 224 x 224 px, in one run.

usage: quiet /usr/bin/python3 tests/bench/bench_ops_peers.py [PATTERN] (after building)
Prints a Markdown table of images per second: ours for each instruction set (build/tests/bench/bench_policy,
the best of seven parts), the peer's (the best of five parts)."""
import pathlib
import io
import subprocess
import sys
import time

import cv2
import numpy as np
import torch
import torchvision.transforms as T
import torchvision.transforms.functional as F
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

torch.set_num_threads(1)
cv2.setNumThreads(1)
torch.manual_seed(1)
root = pathlib.Path(__file__).parents[2]
bench = root / "build/tests/bench/bench_policy"
y, x = np.mgrid[0:224, 0:224]
a = np.stack([128 + 90 * np.sin(x * (c + 1) * 0.021) * np.cos(y * (3 - c) * 0.017) for c in range(3)], -1)
a = (a + np.random.default_rng(1).integers(0, 30, a.shape)).astype(np.uint8)
S = Image.fromarray(a)
jitter = T.ColorJitter(.4, .4, .4, .1)
TA, RA, AA, AM = T.TrivialAugmentWide(), T.RandAugment(), T.AutoAugment(), T.AugMix()
clahe = cv2.createCLAHE(4.0, (8, 8))
grey = np.ascontiguousarray(a[:, :, 0])
erase = T.RandomErasing(p=1)
tensor = torch.from_numpy(a).permute(2, 0, 1).contiguous()


def jpeg():
    file = io.BytesIO()
    S.save(file, "JPEG", quality=75)
    Image.open(file).load()


def noise():
    v = a + np.random.standard_normal(a.shape).astype(np.float32) * 25.5
    return v.clip(0, 255).astype(np.uint8)


CASES = [
    ("color_jitter", "color_jitter: {brightness: .4, contrast: .4, saturation: .4, hue: .1}", "torchvision",
     lambda: jitter(S)),
    ("brightness", "brightness: {factor: 1.37}", "Pillow", lambda: ImageEnhance.Brightness(S).enhance(1.37)),
    ("contrast", "contrast: {factor: 1.37}", "Pillow", lambda: ImageEnhance.Contrast(S).enhance(1.37)),
    ("saturation", "saturation: {factor: 1.37}", "Pillow", lambda: ImageEnhance.Color(S).enhance(1.37)),
    ("hue", "hue: {factor: 0.1}", "torchvision", lambda: F.adjust_hue(S, 0.1)),
    ("sharpness", "sharpness: {factor: 1.37}", "Pillow", lambda: ImageEnhance.Sharpness(S).enhance(1.37)),
    ("grayscale", "grayscale", "Pillow", lambda: S.convert("L")),
    ("gamma", "gamma: {gamma: 1.3}", "torchvision", lambda: F.adjust_gamma(S, 1.3)),
    ("invert", "invert: {p: 1}", "Pillow", lambda: ImageOps.invert(S)),
    ("posterize", "posterize: {bits: 3}", "Pillow", lambda: ImageOps.posterize(S, 3)),
    ("solarize", "solarize: {threshold: 100}", "Pillow", lambda: ImageOps.solarize(S, 100)),
    ("autocontrast", "autocontrast", "Pillow", lambda: ImageOps.autocontrast(S)),
    ("equalize", "equalize", "Pillow", lambda: ImageOps.equalize(S)),
    ("clahe (grey + colour)", "clahe: {clip_limit: 4}", "OpenCV, grey only", lambda: clahe.apply(grey)),
    ("gaussian_blur 5", "gaussian_blur: {kernel_size: 5}", "torchvision",
     lambda: T.functional.gaussian_blur(S, 5, 1.0)),
    ("gaussian_blur 23", "gaussian_blur: {kernel_size: 23}", "torchvision",
     lambda: T.functional.gaussian_blur(S, 23, 1.5)),
    ("gaussian_blur 5 (OpenCV)", "gaussian_blur: {kernel_size: 5}", "OpenCV, fixed point",
     lambda: cv2.GaussianBlur(a, (5, 5), 1.0)),
    ("box_blur 2", "box_blur: {radius: 2}", "Pillow", lambda: S.filter(ImageFilter.BoxBlur(2))),
    ("box_blur 2 (OpenCV)", "box_blur: {radius: 2}", "OpenCV", lambda: cv2.blur(a, (5, 5))),
    ("median_blur 3", "median_blur: {kernel_size: 3}", "OpenCV", lambda: cv2.medianBlur(a, 3)),
    ("median_blur 5", "median_blur: {kernel_size: 5}", "OpenCV", lambda: cv2.medianBlur(a, 5)),
    ("median_blur 7", "median_blur: {kernel_size: 7}", "OpenCV", lambda: cv2.medianBlur(a, 7)),
    ("gaussian_noise", "gaussian_noise: {sigma: 0.1}", "numpy", noise),
    ("shot_noise", "shot_noise", "numpy", lambda: np.random.poisson(a / 255 * 60)),
    ("jpeg 75", "jpeg: {quality: 75}", "Pillow", jpeg),
    ("random_erasing", "random_erasing: {p: 1}", "torchvision (tensor)", lambda: erase(tensor)),
    ("trivial_augment_wide", "trivial_augment_wide", "torchvision", lambda: TA(S)),
    ("rand_augment", "rand_augment", "torchvision", lambda: RA(S)),
    ("auto_augment", "auto_augment", "torchvision", lambda: AA(S)),
    ("augmix", "augmix", "torchvision", lambda: AM(S)),
]


def peer(f):
    best = 0
    for _ in range(5):
        n, start = 0, time.perf_counter()
        while time.perf_counter() - start < 0.1:
            f()
            n += 1
        best = max(best, n / (time.perf_counter() - start))
    return best


def ours(ops, isa):
    out = subprocess.run([bench, f"[{{{ops}}}]" if ":" in ops else f"[{ops}]", "224", "224", str(isa), "200"],
                         capture_output=True, text=True, check=True)
    return float(out.stdout)


print("| op | peer | peer | C | AVX2 | AVX-512 | times the peer |")
print("|---|---|--:|--:|--:|--:|--:|")
for name, ops, who, f in CASES:
    if len(sys.argv) > 1 and sys.argv[1] not in name:
        continue
    theirs, own = peer(f), [ours(ops, isa) for isa in range(3)]
    print(f"| {name} | {who} | {theirs:.0f} | {own[0]:.0f} | {own[1]:.0f} | {own[2]:.0f} | {own[2] / theirs:.1f} |",
          flush=True)
