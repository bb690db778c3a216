"""Every colour, filter and erasing op that has a peer against Pillow 9.4 and torchvision 0.14, on
noise and smooth pictures of odd sizes and, if given, on the pictures of a tar or folder.

usage: /usr/bin/python3 tests/golden/compare_colour.py [ISA] [PHOTOS.tar|FOLDER] [MOST] [ONLY]
Prints one line per op: cases, differing cases, largest difference. Exit code 1 if an op is
further away than it says. ONLY names one suite: enhance, tables, jitter, blurs or losses."""
import io
import pathlib
import sys
import tarfile

import numpy as np
import torch
import torchvision.transforms.functional as F
from PIL import Image, ImageEnhance, ImageFilter, ImageOps
from sluice import Policy

isa = sys.argv[1] if len(sys.argv) > 1 else None
rng = np.random.default_rng(7)
results = {}


def compare(name, limit, ops, array, want, got=None):
    if got is None:
        got = Policy(ops, isa=isa)(array)
    want = np.asarray(want)
    off = int(np.abs(got.astype(int) - want).max()) if got.shape == want.shape else 999
    cases, bad, most, _ = results.get(name, (0, 0, 0, limit))
    if off > limit:
        print(f"{name}: off by {off}: {ops} on {array.shape}")
    results[name] = (cases + 1, bad + (off > 0), max(most, off), limit)


def enhance(a, im):
    for f in (0.0, 0.37, 1.0, 1.37, 1.9, 3.0, *rng.uniform(0, 2, 3)):
        f = float(f)
        for op, peer in (("brightness", ImageEnhance.Brightness), ("contrast", ImageEnhance.Contrast),
                         ("saturation", ImageEnhance.Color), ("sharpness", ImageEnhance.Sharpness)):
            compare(op, 0, f"[{{{op}: {{factor: {f!r}}}}}]", a, peer(im).enhance(f))
    for f in (-0.5, -0.1, 0.0, 0.1, 0.5, *rng.uniform(-0.5, 0.5, 3)):
        compare("hue", 0, f"[{{hue: {{factor: {float(f)!r}}}}}]", a, F.adjust_hue(im, float(f)))


def tables(a, im):
    for bits in range(1, 9):
        compare("posterize", 0, f"[{{posterize: {{bits: {bits}}}}}]", a, ImageOps.posterize(im, bits))
    for t in (0, 1, 100, 128, 127.5, 255, 256):
        compare("solarize", 0, f"[{{solarize: {{threshold: {t}}}}}]", a, ImageOps.solarize(im, t))
    for cut in (0, 1, 5, 12.5, 49, 49.9):
        compare("autocontrast", 0, f"[{{autocontrast: {{cutoff: {cut}}}}}]", a, ImageOps.autocontrast(im, cut))
    compare("autocontrast", 0, "[{autocontrast: {cutoff: [3, 20]}}]", a, ImageOps.autocontrast(im, (3, 20)))
    compare("equalize", 0, "[equalize]", a, ImageOps.equalize(im))
    compare("invert", 0, "[{invert: {p: 1}}]", a, ImageOps.invert(im))
    compare("grayscale", 0, "[grayscale]", a, im.convert("L"))
    compare("grayscale 3", 0, "[{grayscale: {channels: 3}}]", a, im.convert("L").convert("RGB"))
    for g, gain in ((0.5, 1), (2.2, 1), (1.0, 1.7), (0.0, 1)):
        compare("gamma", 0, f"[{{gamma: {{gamma: {g}, gain: {gain}}}}}]", a, F.adjust_gamma(im, g, gain))


def jitter(a, im):
    steps = {1: F.adjust_brightness, 2: F.adjust_contrast, 3: F.adjust_saturation, 4: F.adjust_hue}
    for index in range(8):
        f = [float(v) for v in rng.uniform([0.2, 0.2, 0.2, -0.5], [1.8, 1.8, 1.8, 0.5])]
        pair = [f"[{v!r}, {v!r}]" for v in f]
        ops = (f"[{{color_jitter: {{brightness: {pair[0]}, contrast: {pair[1]}, saturation: {pair[2]}, "
               f"hue: {pair[3]}}}}}]")
        policy, drawn = Policy(ops, isa=isa), []
        policy(a, index=index, drawn=drawn)
        want = im
        for digit in drawn[0][1].split("order=")[1][:4]:
            want = steps[int(digit)](want, f[int(digit) - 1])
        compare("color_jitter", 0, ops, a, want, policy(a, index=index))


def blurs(a, im):
    for size in (1, 3, 5, 9, 23):
        if size // 2 >= min(a.shape[:2]):
            continue
        sigma = float(rng.uniform(0.1, 2 + size / 5))
        compare("gaussian_blur", 1, f"[{{gaussian_blur: {{kernel_size: {size}, sigma: {sigma!r}}}}}]", a,
                F.gaussian_blur(im, size, sigma))
    for size in (3, 5, 7):
        compare("median_blur", 0, f"[{{median_blur: {{kernel_size: {size}}}}}]", a,
                im.filter(ImageFilter.MedianFilter(size)))
    for radius in (0, 0.5, 1, 2, 2.75, 7):
        compare("box_blur", 0, f"[{{box_blur: {{radius: {radius}}}}}]", a, im.filter(ImageFilter.BoxBlur(radius)))
    try:
        import cv2
    except ImportError:
        return
    grey = np.array(im.convert("L"))
    if min(grey.shape) < 16:
        return
    for limit, (down, across) in ((4.0, (8, 8)), (1.5, (3, 5))):
        compare("clahe grey", 0, f"[{{clahe: {{clip_limit: {limit}, tile_grid_size: [{down}, {across}]}}}}]", grey,
                cv2.createCLAHE(limit, (across, down)).apply(grey))


def losses(a, im):
    h, w = a.shape[:2]
    for quality in (1, 35, 75, 95, 100):
        file = io.BytesIO()
        im.save(file, "JPEG", quality=quality)
        compare("jpeg", 0, f"[{{jpeg: {{quality: {quality}}}}}]", a, Image.open(file))
    for scale in (0.25, 0.5, 0.83, 1):
        small = [max(1, int(side * scale + 0.5)) for side in (w, h)]
        compare("downscale", 0, f"[{{downscale: {{scale: {scale}}}}}]", a,
                im.resize(small, Image.NEAREST).resize((w, h), Image.NEAREST))


def check(im):
    a = np.ascontiguousarray(np.asarray(im))
    for suite in (enhance, tables, jitter, blurs, losses):
        if len(sys.argv) > 4 and suite.__name__ != sys.argv[4] or suite is jitter and a.ndim == 2:
            continue
        try:
            suite(a, im)
        except ValueError as e:
            print("refused:", e, a.shape) if "refused" not in results else None
            results["refused"] = (1, 1, 999, 0)


def pictures():
    for w, h in ((1, 1), (1, 7), (7, 1), (2, 2), (3, 3), (3, 5), (17, 31), (64, 64), (65, 63), (127, 9), (333, 211)):
        noise = rng.integers(0, 256, (h, w, 3), dtype=np.uint8)
        yield Image.fromarray(noise)
        yield Image.fromarray(noise[:, :, 0].copy())
        y, x = np.mgrid[0:h, 0:w]
        smooth = np.stack([(x * 5 + y) // 3 % 256, 90 + (y * 3 - x) % 60, (x * y) // 7 % 256], 2)
        yield Image.fromarray(smooth.astype(np.uint8))
        yield Image.fromarray(np.full((h, w, 3), 77, np.uint8))
    if len(sys.argv) <= 2:
        return
    most = int(sys.argv[3]) if len(sys.argv) > 3 else 10 ** 9
    path = pathlib.Path(sys.argv[2])
    if path.is_dir():
        blobs = (p.read_bytes() for p in sorted(path.rglob("*")) if p.is_file())
    else:
        tar = tarfile.open(path)
        blobs = (tar.extractfile(m).read() for m in tar if m.isfile())
    for i, blob in enumerate(blobs):
        if i >= most:
            break
        yield Image.open(io.BytesIO(blob)).convert("RGB")


torch.set_num_threads(1)
for i, picture in enumerate(pictures()):
    if i % 50 == 49:
        print(f"{i + 1} pictures", file=sys.stderr)
    check(picture)
for name, (cases, bad, most, limit) in sorted(results.items()):
    print(f"{name:16} {cases:6} cases, {bad:6} differ, by at most {most} (allowed {limit})")
sys.exit(any(most > limit for _, _, most, limit in results.values()))
