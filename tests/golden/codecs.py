"""Makes tests/codec/fixtures: small pictures of every kind, and expected.txt with what
Pillow 9.4 (libjpeg-turbo 2.1.5, libwebp 1.2.4) decodes them to: name, width, height,
channels and CRC-32 of the pixels, EXIF orientation applied. Where Pillow has no answer
(alpha over a background, 16 bits) the formula of augment/codec.h is computed here.

    /usr/bin/python3 tests/golden/codecs.py tests/codec/fixtures     (cjpeg: libjpeg-turbo-progs)
"""
import io
import pathlib
import struct
import subprocess
import sys
import zlib

import numpy as np
from PIL import Image, ImageOps

out = pathlib.Path(sys.argv[1])
out.mkdir(exist_ok=True)
lines = []
W, H = 35, 21
BACK = np.array([10, 200, 90])  # the background of test_golden.c

y, x = np.mgrid[0:H, 0:W]
RGB = np.stack([x * 255 // W, y * 255 // H, (x * y) % 256 // 2 + 60], -1).astype(np.uint8)
RGB[8:15, 5:20] = [250, 20, 30]
GREY = ((x * 3 + y * 4) % 256).astype(np.uint8)
picture, grey = Image.fromarray(RGB), Image.fromarray(GREY)


def expect(name, pixels):
    pixels = np.ascontiguousarray(pixels, np.uint8)
    h, w = pixels.shape[:2]
    c = 1 if pixels.ndim == 2 else 3
    lines.append(f"{name} {w} {h} {c} {zlib.crc32(pixels.tobytes()):08x}")


def pillow(name, data):
    """Writes the file and expects what Pillow makes of it."""
    (out / name).write_bytes(data)
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    expect(name, np.asarray(image.convert("L" if image.mode in ("1", "L") else "RGB")))


def saved(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, **options)
    return buffer.getvalue()


def cjpeg(*options, image=picture):
    return subprocess.run(["cjpeg", "-quality", "80", *options], check=True,
                          input=saved(image, format="PPM"), stdout=subprocess.PIPE).stdout


def jpegs():
    for sample in ("1x1", "2x1", "1x2", "2x2", "4x1", "4x2", "1x4"):
        for kind in ((), ("-progressive",), ("-arithmetic",), ("-arithmetic", "-progressive")):
            if kind and sample not in ("2x2", "1x1"):
                continue
            name = "_".join(["ycc", sample] + [k[1:5] for k in kind]) + ".jpg"
            pillow(name, cjpeg("-sample", sample, *kind))
    pillow("rgb.jpg", cjpeg("-rgb"))
    pillow("restart.jpg", cjpeg("-restart", "1"))
    pillow("grey.jpg", saved(grey, format="JPEG", quality=80))
    pillow("grey_prog.jpg", saved(grey, format="JPEG", quality=80, progressive=True))
    cmyk = picture.convert("CMYK")
    ink = np.asarray(cmyk).copy()
    ink[..., 3] = GREY // 3
    cmyk = Image.fromarray(ink, "CMYK")
    data = saved(cmyk, format="JPEG", quality=80)
    pillow("cmyk.jpg", data)
    # The same bytes read as YCCK: Adobe's transform byte is 2.
    at = data.index(b"Adobe") + 11
    pillow("ycck.jpg", data[:at] + b"\2" + data[at + 1:])
    # And without an Adobe marker at all.
    app14 = data.index(b"\xff\xee")
    pillow("cmyk_plain.jpg", data[:app14] + data[app14 + 16:])
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        pillow(f"exif{orientation}.jpg",
               saved(picture, format="JPEG", quality=80, exif=exif.tobytes()))


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(
        ">I", zlib.crc32(kind + data))


def packed(rows, bits):
    """Rows of samples (height x width x channels) as filtered PNG bytes."""
    h = rows.shape[0]
    if bits == 16:
        data = rows.astype(">u2").reshape(h, -1).view(np.uint8)
    elif bits == 8:
        data = rows.astype(np.uint8).reshape(h, -1)
    else:
        flat = rows.astype(np.uint8).reshape(h, -1)
        ones = np.unpackbits(flat[..., None], axis=-1)[..., 8 - bits:].reshape(h, -1)
        data = np.packbits(ones, axis=-1)
    return b"".join(b"\0" + r.tobytes() for r in data)


PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
          (0, 1, 1, 2))


def png(rows, bits, colour, interlace=False, before=b"", behind=b""):
    h, w = rows.shape[:2]
    parts = [rows[y0::dy, x0::dx] for x0, y0, dx, dy in PASSES] if interlace else [rows]
    data = b"".join(packed(p, bits) for p in parts if p.size)
    return (b"\x89PNG\r\n\x1a\n" +
            chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, bits, colour, 0, 0, interlace)) +
            before + chunk(b"IDAT", zlib.compress(data, 9)) + behind + chunk(b"IEND", b""))


def to8(v, bits):
    return (v.astype(np.int64) * 255 + 32895) >> 16 if bits == 16 else \
        v.astype(np.int64) * 255 // ((1 << bits) - 1)


def over(colour, alpha):
    t = colour * alpha + BACK * (255 - alpha) + 128
    return (t + (t >> 8)) >> 8


def pngs():
    for lace in (False, True):
        tail = "_i.png" if lace else ".png"
        for bits in (1, 2, 4, 8, 16):
            top = (1 << bits) - 1
            v = (GREY.astype(np.int64) * 257 + x * 11) % 65536 * top // 65535
            name = f"grey{bits}{tail}"
            (out / name).write_bytes(png(v[..., None], bits, 0, lace))
            expect(name, to8(v, bits))
            if bits < 8 or lace:
                continue
            key = int(v[3, 5])
            name = f"grey{bits}_key{tail}"
            (out / name).write_bytes(
                png(v[..., None], bits, 0, lace, chunk(b"tRNS", struct.pack(">H", key))))
            c = np.repeat(to8(v, bits)[..., None], 3, -1)
            c = over(c, np.where(v == key, 0, 255)[..., None])
            g = (c * [19595, 38470, 7471]).sum(-1) + 32768 >> 16
            expect(name, g)
        for bits in (8, 16):
            top = (1 << bits) - 1
            rgb = (RGB.astype(np.int64) * 257 + x[..., None] * 5) % 65536 * top // 65535
            alpha = (x * 1500 + y * 3) % 65536 * top // 65535
            name = f"rgb{bits}{tail}"
            (out / name).write_bytes(png(rgb, bits, 2, lace))
            expect(name, to8(rgb, bits))
            name = f"rgba{bits}{tail}"
            (out / name).write_bytes(png(np.dstack([rgb, alpha]), bits, 6, lace))
            expect(name, over(to8(rgb, bits), to8(alpha, bits)[..., None]))
            name = f"greya{bits}{tail}"
            v = rgb[..., 0]
            (out / name).write_bytes(png(np.dstack([v, alpha]), bits, 4, lace))
            c = over(np.repeat(to8(v, bits)[..., None], 3, -1), to8(alpha, bits)[..., None])
            expect(name, (c * [19595, 38470, 7471]).sum(-1) + 32768 >> 16)
        for bits in (1, 2, 4, 8):
            n = 1 << bits
            table = (np.arange(n * 3).reshape(n, 3) * 37 % 256).astype(np.uint8)
            v = (x // 3 + y) % n
            plte = chunk(b"PLTE", table.tobytes())
            pillow(f"palette{bits}{tail}", png(v[..., None], bits, 3, lace, plte))
            if not lace:
                name = f"palette{bits}_alpha.png"
                trns = chunk(b"tRNS", bytes([0, 128][:n]))
                alpha = np.full(n, 255)
                alpha[:2] = [0, 128]
                (out / name).write_bytes(png(v[..., None], bits, 3, lace, plte + trns))
                expect(name, over(table[v].astype(np.int64), alpha[v][..., None]))
    exif = Image.Exif()
    exif[0x0112] = 6
    pillow("exif6.png", saved(picture, format="PNG", exif=exif.tobytes()))
    late = chunk(b"eXIf", exif.tobytes()[6:])
    pillow("exif6_late.png", png(RGB.astype(np.int64), 8, 2, behind=late))


def others():
    pillow("lossy.webp", saved(picture, format="WEBP", quality=70))
    pillow("lossless.webp", saved(picture, format="WEBP", lossless=True))
    alpha = Image.fromarray(np.dstack([RGB, (x * 6).astype(np.uint8)]))
    for name, lossless in (("alpha_lossless.webp", True), ("alpha_lossy.webp", False)):
        data = saved(alpha, format="WEBP", lossless=lossless, exact=True)
        (out / name).write_bytes(data)
        p = np.asarray(Image.open(io.BytesIO(data)).convert("RGBA")).astype(np.int64)
        expect(name, over(p[..., :3], p[..., 3:]))
    pillow("animated.webp", saved(picture, format="WEBP", lossless=True, save_all=True,
                                  append_images=[picture.transpose(Image.FLIP_LEFT_RIGHT)]))
    exif = Image.Exif()
    exif[0x0112] = 8
    pillow("exif8.webp", saved(picture, format="WEBP", lossless=True, exif=exif.tobytes()))
    pillow("rgb.bmp", saved(picture, format="BMP"))
    pillow("palette.bmp", saved(picture.quantize(16), format="BMP"))
    padded = np.dstack([RGB[::-1, :, ::-1], (x * 6) % 256]).astype(np.uint8)  # no alpha to Pillow
    pillow("padded.bmp", b"BM" + bytes(8) + struct.pack("<IIiiHHIIiiII", 54, 40, W, H, 1, 32,
                                                        *6 * [0]) + padded.tobytes())
    pillow("still.gif", saved(picture.quantize(32), format="GIF"))
    pillow("interlaced.gif", saved(picture.quantize(32), format="GIF", interlace=1))
    pillow("animated.gif", saved(picture.quantize(8), format="GIF", save_all=True,
                                 append_images=[grey.convert("P")]))
    placed = bytearray(saved(picture.quantize(200), format="GIF"))
    frame = placed.index(b",\0\0\0\0" + struct.pack("<HH", W, H))
    placed[6:10] = bytes(4)  # no canvas but the frame's
    pillow("no_canvas.gif", bytes(placed))
    placed[frame + 1:frame + 5] = struct.pack("<HH", 3, 2)
    (out / "placed.gif").write_bytes(placed)
    p = np.asarray(Image.open(io.BytesIO(placed)).convert("RGB")).copy()
    p[:2] = p[:, :3] = BACK
    expect("placed.gif", p)
    clear = saved(picture.quantize(9), format="GIF", transparency=3)
    (out / "clear.gif").write_bytes(clear)
    p = np.asarray(Image.open(io.BytesIO(clear)).convert("RGBA")).astype(np.int64)
    expect("clear.gif", over(p[..., :3], p[..., 3:]))
    pillow("rgb.ppm", saved(picture, format="PPM"))
    pillow("grey.pgm", saved(grey, format="PPM"))
    pillow("bits.pbm", saved(grey.convert("1"), format="PPM"))
    pillow("plain.ppm", b"P3\n# a comment\n2 2\n255\n1 2 3 4 5 6\n7 8 9 250 251 252\n")
    pillow("plain.pgm", b"P2 3 1 15 0 7 15\n")
    pillow("odd.pgm", b"P5 4 2 100\n" + bytes([0, 1, 49, 50, 51, 99, 100, 7]))
    deep = (GREY.astype(np.int64) * 257 + x * 11) % 65536
    (out / "deep.pgm").write_bytes(b"P5 %d %d 65535\n" % (W, H) + deep.astype(">u2").tobytes())
    expect("deep.pgm", to8(deep, 16))
    pillow("rgb.tga", saved(picture, format="TGA"))
    pillow("rle.tga", saved(picture, format="TGA", compression="tga_rle"))
    pillow("grey.tga", saved(grey, format="TGA"))
    p = np.dstack([GREY, x * 7 % 256]).astype(np.int64)
    (out / "alpha.tga").write_bytes(saved(Image.fromarray(p.astype(np.uint8)), format="TGA"))
    p = over(p[..., :1].repeat(3, 2), p[..., 1:])
    expect("alpha.tga", (p * [19595, 38470, 7471]).sum(-1) + 32768 >> 16)
    pillow("palette.tga", saved(picture.quantize(16), format="TGA"))


jpegs()
pngs()
others()
(out / "expected.txt").write_text("\n".join(lines) + "\n")
