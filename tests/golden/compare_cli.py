"""`sluice preprocess IN.png OUT.png --ops` against Pillow 9.4 and torchvision 0.14, as a user compares them:
the cases of tests/golden/ops.py and policies of several, on colour and grey files of odd sizes.

usage: /usr/bin/python3 tests/golden/compare_cli.py (after building; a minute)
Exit code 1 if a picture differs."""
import contextlib
import io
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

with contextlib.redirect_stdout(io.StringIO()):
    from ops import CASES  # prints golden_ops.h

sluice = pathlib.Path(__file__).parents[2] / "build/tools/sluice"
rng = np.random.default_rng(3)
LISTS = CASES + [
    ("resize: {size: 20}}, {hflip: {p: 1}}, {posterize: {bits: 3}",
     lambda im: ImageOps.posterize(ImageOps.mirror(im.resize(short(im, 20), Image.BILINEAR)), 3)),
    ("brightness: {factor: 1.37}}, {contrast: {factor: 0.6}",
     lambda im: ImageEnhance.Contrast(ImageEnhance.Brightness(im).enhance(1.37)).enhance(0.6)),
    ("rotate: {degrees: [30, 30], expand: true, fill: 9}",
     lambda im: im.rotate(30, expand=True, fillcolor=(9, 9, 9) if im.mode == "RGB" else 9)),
]


def short(im, side):
    w, h = im.size
    return (side, int(side * h / w)) if w <= h else (int(side * w / h), side)


failed = 0
with tempfile.TemporaryDirectory() as folder:
    for w, h, channels in ((41, 46, 3), (53, 37, 1)):
        array = rng.integers(0, 256, (h, w, 3) if channels == 3 else (h, w), dtype=np.uint8)
        image = Image.fromarray(array)
        image.save(f"{folder}/in.png")
        for ops, make in LISTS:
            if ops.startswith("downscale"):
                continue  # its peer is written for one size
            run = subprocess.run([sluice, "preprocess", f"{folder}/in.png", f"{folder}/out.png", "--quiet",
                                  "--ops", f"[{{{ops}}}]" if ":" in ops else f"[{ops}]"], capture_output=True, text=True)
            want = np.asarray(make(image))
            got = np.asarray(Image.open(f"{folder}/out.png")) if run.returncode == 0 else None
            if got is None or got.shape != want.shape or (got != want).any():
                failed += 1
                print(f"{ops} on {image.mode} {w} x {h}: {run.stderr.strip() or 'differs'}")
print(f"{2 * (len(LISTS) - 1)} pictures, {failed} differ")
sys.exit(failed > 0)
