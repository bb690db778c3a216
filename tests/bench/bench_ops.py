"""Sluice's ops against Pillow, torchvision and OpenCV: one thread, the same picture, in one run.

usage: /usr/bin/python3 tests/bench/bench_ops.py [PATTERN] (after building)
Prints a Markdown table of images per second: the peer's, and ours (build/tests/bench/bench_policy)
for each instruction set that the machine has, in turns, the best of five rounds each; then ours against
the peer, and what AVX2 gains over C (with ns per byte of the input). Seconds are the thread's own, so
that other work on the machine disturbs little. Resizing starts from 500 x 375 px, all else is done at 224 x 224."""
import io
import pathlib
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
BENCH = str(pathlib.Path(__file__).parents[2] / "build/tests/bench/bench_policy")
rng = np.random.default_rng(1)


def picture(w, h):
    y, x = np.mgrid[0:h, 0:w]
    a = np.stack([128 + 90 * np.sin(x * (c + 1) * 0.021) * np.cos(y * (3 - c) * 0.017) for c in range(3)], -1)
    return (a + rng.integers(0, 30, a.shape)).astype(np.uint8)


big, a = picture(500, 375), picture(224, 224)
B, S = Image.fromarray(big), Image.fromarray(a)
M, Q = T.InterpolationMode, Image.Transpose
to_tensor = T.Compose([T.ToTensor(), T.Normalize((.485, .456, .406), (.229, .224, .225))])
NORM = "normalize: {mean: [.485, .456, .406], std: [.229, .224, .225]}"
jitter = T.ColorJitter(.4, .4, .4, .1)
TA, RA, AA, AM = T.TrivialAugmentWide(), T.RandAugment(), T.AutoAugment(), T.AugMix()
clahe = cv2.createCLAHE(4.0, (8, 8))
grey = np.ascontiguousarray(a[:, :, 0])
erase = T.RandomErasing(p=1)
tensor = torch.from_numpy(a).permute(2, 0, 1).contiguous()
CORNERS = [[0, 0], [223, 0], [223, 223], [0, 223]], [[20, 10], [200, 5], [210, 220], [10, 215]]
ROTATION = cv2.getRotationMatrix2D((112, 112), 25, 1)


def jpeg():
    file = io.BytesIO()
    S.save(file, "JPEG", quality=75)
    Image.open(file).load()


def noise():
    v = a + np.random.standard_normal(a.shape).astype(np.float32) * 25.5
    return v.clip(0, 255).astype(np.uint8)


CASES = [
    ("resize bilinear", "resize: {size: [224, 224]}", "Pillow", lambda: B.resize((224, 224), Image.BILINEAR)),
    ("resize bicubic", "resize: {size: [224, 224], interpolation: bicubic}", "Pillow",
     lambda: B.resize((224, 224), Image.BICUBIC)),
    ("resize lanczos", "resize: {size: [224, 224], interpolation: lanczos}", "Pillow",
     lambda: B.resize((224, 224), Image.LANCZOS)),
    ("resize box", "resize: {size: [224, 224], interpolation: box}", "Pillow",
     lambda: B.resize((224, 224), Image.BOX)),
    ("resize nearest", "resize: {size: [224, 224], interpolation: nearest}", "Pillow",
     lambda: B.resize((224, 224), Image.NEAREST)),
    ("hflip", "hflip: {p: 1}", "Pillow", lambda: S.transpose(Q.FLIP_LEFT_RIGHT)),
    ("hflip", "hflip: {p: 1}", "OpenCV", lambda: cv2.flip(a, 1)),
    ("vflip", "vflip: {p: 1}", "Pillow", lambda: S.transpose(Q.FLIP_TOP_BOTTOM)),
    ("vflip", "vflip: {p: 1}", "OpenCV", lambda: cv2.flip(a, 0)),
    ("rot90", "rot90: {turns: 1}", "Pillow", lambda: S.transpose(Q.ROTATE_90)),
    ("transpose", "transpose: {p: 1}", "Pillow", lambda: S.transpose(Q.TRANSPOSE)),
    ("transpose", "transpose: {p: 1}", "OpenCV", lambda: cv2.transpose(a)),
    ("pad reflect", "pad: {padding: 4, padding_mode: reflect}", "torchvision", lambda: F.pad(S, [4], 0, "reflect")),
    ("rotate nearest", "rotate: {degrees: [25, 25]}", "Pillow", lambda: S.rotate(25)),
    ("rotate bilinear", "rotate: {degrees: [25, 25], interpolation: bilinear}", "Pillow",
     lambda: S.rotate(25, Image.BILINEAR)),
    ("rotate bilinear", "rotate: {degrees: [25, 25], interpolation: bilinear}", "OpenCV, 5-bit weights",
     lambda: cv2.warpAffine(a, ROTATION, (224, 224))),
    ("rotate bicubic", "rotate: {degrees: [25, 25], interpolation: bicubic}", "Pillow",
     lambda: S.rotate(25, Image.BICUBIC)),
    ("affine bilinear", "affine: {degrees: [10, 10], scale: 0.9, shear: [5, 5], interpolation: bilinear}",
     "torchvision", lambda: F.affine(S, 10, [0, 0], .9, [5, 0], M.BILINEAR)),
    ("perspective bilinear", "perspective: {endpoints: [20, 10, 200, 5, 210, 220, 10, 215], p: 1}", "torchvision",
     lambda: F.perspective(S, *CORNERS)),
    ("elastic", "elastic: {}", "torchvision", lambda: T.ElasticTransform()(S)),
    ("normalize to f32 CHW", NORM, "torchvision", lambda: to_tensor(S)),
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
    ("gaussian_blur 5", "gaussian_blur: {kernel_size: 5, sigma: 1}", "torchvision",
     lambda: T.functional.gaussian_blur(S, 5, 1.0)),
    ("gaussian_blur 23", "gaussian_blur: {kernel_size: 23, sigma: 1.5}", "torchvision",
     lambda: T.functional.gaussian_blur(S, 23, 1.5)),
    ("gaussian_blur 5 (OpenCV)", "gaussian_blur: {kernel_size: 5, sigma: 1}", "OpenCV, fixed point",
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


def rate(f, seconds=0.05):
    n, start, took = 0, time.thread_time(), 0
    while took < seconds:
        f()
        n += 1
        took = time.thread_time() - start
    return n / took


def ours(name, ops, isa):
    w, h = (500, 375) if name.startswith("resize") else (224, 224)
    ops = f"[{{{ops}}}]" if ":" in ops else f"[{ops}]"
    run = subprocess.run([BENCH, ops, str(w), str(h), str(isa), "70"], capture_output=True, text=True, check=True)
    return float(run.stdout), 1e9 / (w * h * 3)


print("| op | peer | peer's | C | AVX2 | AVX-512 | times the peer | AVX2 / C | ns per byte: C, AVX2, AVX-512 |")
print("|---|---|--:|--:|--:|--:|--:|--:|--:|")
for name, ops, who, f in CASES:
    if len(sys.argv) > 1 and sys.argv[1] not in name:
        continue
    theirs, own, per = 0, [0.0] * 3, 0
    for _ in range(5):
        theirs = max(theirs, rate(f))
        for isa in range(3):
            got, per = ours(name, ops, isa)
            own[isa] = max(own[isa], got)
    each = ", ".join(f"{per / v:.3f}" if v else "-" for v in own)
    print(f"| {name} | {who} | {theirs:.0f} | " + " | ".join(f"{v:.0f}" if v else "-" for v in own) +
          f" | {max(own) / theirs:.1f} | {own[1] / own[0]:.2f} | {each} |", flush=True)
