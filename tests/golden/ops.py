"""Makes tests/augment/golden_ops.h: hashes of what Pillow 9.4 and torchvision 0.14 make of two
pictures, for the ops that promise the same bytes.

usage: /usr/bin/python3 tests/golden/ops.py > tests/augment/golden_ops.h
The pictures come from a linear congruential generator that the test repeats."""
import numpy as np
import torchvision.transforms.functional as F
from PIL import Image, ImageEnhance, ImageFilter, ImageOps
from torchvision.transforms import InterpolationMode as M

T = Image.Transpose


def picture(w, h, channels):
    state, values = w * 65536 + h * 4 + channels, []
    for _ in range(w * h * channels):
        state = (state * 1664525 + 1013904223) & 0xffffffff
        values.append(state >> 24)
    a = np.array(values, np.uint8).reshape(h, w, channels)
    return Image.fromarray(a if channels == 3 else a[:, :, 0])


def fnv(image):
    value = 0xcbf29ce484222325
    for byte in np.asarray(image).tobytes():
        value = ((value ^ byte) * 0x100000001b3) & 0xffffffffffffffff
    return value


CASES = [(f"resize: {{size: [{h}, {w}], interpolation: {name}}}", lambda im, w=w, h=h, f=f: im.resize((w, h), f))
         for name, f in (("nearest", Image.NEAREST), ("box", Image.BOX), ("bilinear", Image.BILINEAR),
                         ("hamming", Image.HAMMING), ("bicubic", Image.BICUBIC), ("lanczos", Image.LANCZOS))
         for w, h in ((16, 11), (71, 64), (37, 90))]
CASES += [
    ("resize: {size: 20}", lambda im: F.resize(im, 20)),
    ("resize: {size: 20, max_size: 22}", lambda im: F.resize(im, 20, max_size=22)),
    ("resize: {size: [20, 30], mode: fit}", lambda im: ImageOps.contain(im, (30, 20), Image.BILINEAR)),
    ("resize: {size: [20, 30], mode: fill}", lambda im: ImageOps.fit(im, (30, 20), Image.BILINEAR)),
    ("resize: {size: [20, 30], mode: pad, fill: 7}",
     lambda im: ImageOps.pad(im, (30, 20), Image.BILINEAR, (7, 7, 7) if im.mode == "RGB" else 7)),
    ("crop: {top: 3, left: 5, height: 20, width: 17}", lambda im: F.crop(im, 3, 5, 20, 17)),
    ("center_crop: {size: [22, 17]}", lambda im: F.center_crop(im, [22, 17])),
    ("center_crop: {size: [61, 66]}", lambda im: F.center_crop(im, [61, 66])),
    ("pad: {padding: [1, 2, 3, 4]}", lambda im: F.pad(im, [1, 2, 3, 4])),
    ("pad: {padding: 5, padding_mode: edge}", lambda im: F.pad(im, 5, 0, "edge")),
    ("pad: {padding: 5, padding_mode: reflect}", lambda im: F.pad(im, 5, 0, "reflect")),
    ("pad: {padding: 5, padding_mode: symmetric}", lambda im: F.pad(im, 5, 0, "symmetric")),
    ("hflip: {p: 1}", lambda im: im.transpose(T.FLIP_LEFT_RIGHT)),
    ("vflip: {p: 1}", lambda im: im.transpose(T.FLIP_TOP_BOTTOM)),
    ("transpose: {p: 1}", lambda im: im.transpose(T.TRANSPOSE)),
    ("rot90: {turns: 1}", lambda im: im.transpose(T.ROTATE_90)),
    ("rot90: {turns: 3}", lambda im: im.transpose(T.ROTATE_270)),
    ("symmetry: {which: transverse}", lambda im: im.transpose(T.TRANSVERSE)),
    ("rotate: {degrees: [33, 33]}", lambda im: im.rotate(33)),
    ("rotate: {degrees: [90, 90], expand: true}", lambda im: im.rotate(90, expand=True)),
    ("rotate: {degrees: [-71.5, -71.5], expand: true}", lambda im: im.rotate(-71.5, expand=True)),
    ("affine: {degrees: [20, 20], scale: 1.3, shear: [7, 7, -4, -4]}",
     lambda im: F.affine(im, 20, [0, 0], 1.3, [7, -4])),
    ("shear: {x: 15, about: corner}", lambda im: F.affine(im, 0, [0, 0], 1, [15, 0], center=[0, 0])),
    ("translate: {x: 4, y: -3, unit: px}", lambda im: F.affine(im, 0, [4, -3], 1, [0, 0])),
    ("perspective: {endpoints: [3, 2, 30, 4, 36, 40, 1, 38], p: 1, interpolation: nearest}",
     lambda im: F.perspective(im, [[0, 0], [im.width - 1, 0], [im.width - 1, im.height - 1], [0, im.height - 1]],
                              [[3, 2], [30, 4], [36, 40], [1, 38]], M.NEAREST)),
]

CASES += [(f"{name}: {{factor: {f}}}", lambda im, peer=peer, f=f: peer(im).enhance(f))
          for name, peer in (("brightness", ImageEnhance.Brightness), ("contrast", ImageEnhance.Contrast),
                             ("saturation", ImageEnhance.Color), ("sharpness", ImageEnhance.Sharpness))
          for f in (0, 0.6, 1.37)]
CASES += [(f"hue: {{factor: {f}}}", lambda im, f=f: F.adjust_hue(im, f)) for f in (-0.5, -0.1, 0, 0.33)]
CASES += [
    ("posterize: {bits: 3}", lambda im: ImageOps.posterize(im, 3)),
    ("solarize: {threshold: 100}", lambda im: ImageOps.solarize(im, 100)),
    ("invert: {p: 1}", ImageOps.invert),
    ("equalize", ImageOps.equalize),
    ("autocontrast", ImageOps.autocontrast),
    ("autocontrast: {cutoff: 5}", lambda im: ImageOps.autocontrast(im, 5)),
    ("autocontrast: {cutoff: [2, 30]}", lambda im: ImageOps.autocontrast(im, (2, 30))),
    ("gamma: {gamma: 2.2, gain: 0.9}", lambda im: F.adjust_gamma(im, 2.2, 0.9)),
    ("grayscale", lambda im: im.convert("L")),
    ("random_grayscale: {p: 1}", lambda im: im if im.mode == "L" else im.convert("L").convert("RGB")),
    ("box_blur: {radius: 2.5}", lambda im: im.filter(ImageFilter.BoxBlur(2.5))),
    ("median_blur: {kernel_size: 3}", lambda im: im.filter(ImageFilter.MedianFilter(3))),
    ("median_blur: {kernel_size: 5}", lambda im: im.filter(ImageFilter.MedianFilter(5))),
    ("downscale: {scale: 0.4}", lambda im: im.resize((16, 18), Image.NEAREST).resize(im.size, Image.NEAREST)),
]

print("/* Made by tests/golden/ops.py with Pillow 9.4.0 and torchvision 0.14.1; do not edit. */")
print("static const struct {\n    const char *ops;\n    unsigned channels, w, h;\n    unsigned long long hash;\n} golden[] = {")
for ops, make in CASES:
    for channels in (1, 3):
        out = make(picture(41, 46, channels))
        print(f'    {{"[{{{ops}}}]", {channels}, {out.width}, {out.height}, 0x{fnv(out):016x}u}},')
print("};")
