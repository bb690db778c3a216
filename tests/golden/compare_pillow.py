"""Every geometric op against Pillow 9.4 and torchvision 0.14, on noise of odd sizes and, if
given, on the pictures of a folder or tar.

usage: /usr/bin/python3 tests/golden/compare_pillow.py [ISA] [PHOTOS.tar|FOLDER] [MOST]
Prints one line per op: cases, differing cases, largest difference. Exit code 1 if an op is
further away than it says."""
import io
import math
import pathlib
import sys
import tarfile

import numpy as np
import torch
import torchvision.transforms.functional as F
from PIL import Image, ImageOps
from sluice import Policy
from torchvision.transforms import InterpolationMode as M

NEAR = {"nearest": (Image.NEAREST, M.NEAREST), "bilinear": (Image.BILINEAR, M.BILINEAR),
        "bicubic": (Image.BICUBIC, M.BICUBIC)}
FILTERS = {"nearest": Image.NEAREST, "box": Image.BOX, "bilinear": Image.BILINEAR, "hamming": Image.HAMMING,
           "bicubic": Image.BICUBIC, "lanczos": Image.LANCZOS}
isa = sys.argv[1] if len(sys.argv) > 1 else None
rng = np.random.default_rng(5)
results = {}


def compare(name, limit, ops, array, want):
    try:
        got = Policy(ops, isa=isa)(array)
    except ValueError as e:
        got = None
        print(name, ops, e)
    want = np.asarray(want)
    if got is None or got.shape != want.shape:
        off = 999
    else:
        off = int(np.abs(got.astype(int) - want).max())
    cases, bad, most, _ = results.get(name, (0, 0, 0, limit))
    if off > limit:
        print(f"{name}: off by {off}: {ops} on {array.shape}")
    results[name] = (cases + 1, bad + (off > 0), max(most, off), limit)


def corners(draw):
    return [[draw[0], draw[1]], [draw[2], draw[3]], [draw[4], draw[5]], [draw[6], draw[7]]]


def coefficients(start, end):
    a, b = [], np.array(start, dtype=np.float64).reshape(8)
    for p, q in zip(end, start):
        a += [[p[0], p[1], 1, 0, 0, 0, -q[0] * p[0], -q[0] * p[1]],
              [0, 0, 0, p[0], p[1], 1, -q[1] * p[0], -q[1] * p[1]]]
    return np.linalg.solve(np.array(a, dtype=np.float64), b)


def resizes(a, im):
    h, w = a.shape[:2]
    for name, filt in FILTERS.items():
        H, W = (int(v) for v in rng.integers(1, max(8, 2 * max(h, w)) if max(h, w) < 200 else 300, 2))
        opt = f"interpolation: {name}"
        compare("resize " + name, 0, f"[{{resize: {{size: [{H}, {W}], {opt}}}}}]", a, im.resize((W, H), filt))
        if min(h, w) > 3:
            side = int(rng.integers(1, 260))
            compare("resize short", 0, f"[{{resize: {{size: {side}, {opt}}}}}]", a,
                    F.resize(im, side, M[name.upper()]))
        compare("resize fit", 0, f"[{{resize: {{size: [{H}, {W}], mode: fit, {opt}}}}}]", a,
                ImageOps.contain(im, (W, H), filt)) if min(h / w, w / h) * min(H, W) > 1 else None
        compare("resize fill", 0, f"[{{resize: {{size: [{H}, {W}], mode: fill, {opt}}}}}]", a,
                ImageOps.fit(im, (W, H), filt))
        if min(h / w, w / h) * min(H, W) > 1:
            compare("resize pad", 0, f"[{{resize: {{size: [{H}, {W}], mode: pad, {opt}}}}}]", a,
                    ImageOps.pad(im, (W, H), filt))


def moves(a, im):
    h, w = a.shape[:2]
    T = Image.Transpose
    for ops, t in (("hflip: {p: 1}", T.FLIP_LEFT_RIGHT), ("vflip: {p: 1}", T.FLIP_TOP_BOTTOM),
                   ("transpose: {p: 1}", T.TRANSPOSE), ("rot90: {turns: 1}", T.ROTATE_90),
                   ("rot90: {turns: 2}", T.ROTATE_180), ("rot90: {turns: 3}", T.ROTATE_270),
                   ("symmetry: {which: transverse}", T.TRANSVERSE)):
        compare("symmetries", 0, f"[{{{ops}}}]", a, im.transpose(t))
    pad = [int(v) for v in rng.integers(0, 9, 4)]
    for mode in ("constant", "edge", "reflect", "symmetric"):
        if mode == "reflect" and min(h, w) < 9:
            continue
        compare("pad", 0, f"[{{pad: {{padding: {pad}, padding_mode: {mode}}}}}]", a, F.pad(im, pad, 0, mode))
    H, W = (int(v) for v in rng.integers(1, 99, 2))
    compare("center_crop", 0, f"[{{center_crop: {{size: [{H}, {W}]}}}}]", a, F.center_crop(im, [H, W]))


def warps(a, im):
    h, w = a.shape[:2]
    for name, (pil, tv) in NEAR.items():
        limit = 0 if name == "nearest" else 1
        opt = f"interpolation: {name}"
        angle = float(rng.choice([rng.uniform(-400, 400), 90, 180, 270, 45, 30]))
        fill = int(rng.integers(0, 256))
        color = (fill,) * 3 if a.ndim == 3 else fill
        for expand in (False, True):
            compare(f"rotate {name}", limit,
                    f"[{{rotate: {{degrees: [{angle!r}, {angle!r}], expand: {str(expand).lower()}, fill: {fill}, {opt}}}}}]",
                    a, im.rotate(angle, pil, expand, fillcolor=color))
        tx, ty = (int(v) for v in rng.integers(-9, 9, 2))
        scale, sx, sy = rng.uniform(0.4, 2), rng.uniform(-50, 50), rng.uniform(-50, 50)
        compare(f"affine {name}", limit,
                f"[{{affine: {{degrees: [{angle!r}, {angle!r}], scale: {scale!r}, shear: [{sx!r}, {sx!r}, {sy!r}, {sy!r}], {opt}}}}}]",
                a, F.affine(im, angle, [0, 0], scale, [sx, sy], tv))
        compare(f"translate {name}", limit, f"[{{translate: {{unit: px, x: {tx}, y: {ty}, {opt}}}}}]", a,
                F.affine(im, 0, [tx, ty], 1, [0, 0], tv))
        s = math.degrees(math.atan(rng.uniform(-0.9, 0.9)))
        compare(f"shear {name}", limit, f"[{{shear: {{x: {s!r}, about: corner, {opt}}}}}]", a,
                F.affine(im, 0, [0, 0], 1, [s, 0], tv, center=[0, 0]))
        if min(h, w) < 8:
            continue
        dx, dy = w // 4, h // 4
        end = [int(v) for v in (rng.integers(0, dx), rng.integers(0, dy), w - 1 - rng.integers(0, dx),
                                rng.integers(0, dy), w - 1 - rng.integers(0, dx), h - 1 - rng.integers(0, dy),
                                rng.integers(0, dx), h - 1 - rng.integers(0, dy))]
        start = [[0, 0], [w - 1, 0], [w - 1, h - 1], [0, h - 1]]
        compare(f"perspective {name}", limit, f"[{{perspective: {{endpoints: {end}, p: 1, {opt}}}}}]", a,
                F.perspective(im, start, corners(end), tv))
        c = [float(v) for v in coefficients(start, corners(end))]
        compare(f"perspective {name}", limit, f"[{{perspective: {{coefficients: {c}, p: 1, {opt}}}}}]", a,
                im.transform(im.size, Image.PERSPECTIVE, c, pil))


def images():
    for i in range(150):
        h, w = (int(v) for v in rng.integers(1, 120, 2))
        a = rng.integers(0, 256, (h, w, 3) if i % 3 else (h, w), dtype=np.uint8)
        yield (a > 127).astype(np.uint8) * 255 if i % 10 == 9 else a
    most = int(sys.argv[3]) if len(sys.argv) > 3 else 1 << 30
    if len(sys.argv) < 3:
        return
    where = pathlib.Path(sys.argv[2])
    if where.is_dir():
        files = (p.read_bytes() for p in [p for p in sorted(where.rglob("*")) if p.is_file()][:most])
    else:
        tar = tarfile.open(where)
        files = (tar.extractfile(m).read() for m in [m for m in tar if m.isfile() and m.name.lower().endswith((".jpg", ".jpeg", ".png"))][:most])
    for data in files:
        yield np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).copy()


torch.set_num_threads(1)
for i, array in enumerate(images()):
    if i % 50 == 49:
        print(f"{i + 1} pictures", file=sys.stderr)
    image = Image.fromarray(array)
    for check in (resizes, moves, warps):
        check(array, image)
for name, (cases, bad, most, limit) in sorted(results.items()):
    print(f"{name:24} {cases:6} cases {bad:6} differ, by at most {most} (allowed {limit})")
sys.exit(any(most > limit for _, _, most, limit in results.values()))
