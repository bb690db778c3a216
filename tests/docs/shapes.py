#!/usr/bin/env python3
"""Draws a small data set for the documents: a folder of PNG files per class, the same ones every time.

usage: tests/docs/shapes.py [--count N] [--size PX] [--seed N] DIR [CLASS...]

Classes are disc, square, triangle, star, ring and cross (the first four unless named). Colours, places, sizes,
and grounds are drawn at random, so that only the shape tells the class."""
import argparse
import math
import pathlib
import random
import struct
import zlib


def regular(corners, inner=1.0):
    """Corners of a polygon around the origin; inner < 1 pulls every other one in."""
    n = corners * (2 if inner < 1 else 1)
    return [(r * math.cos(2 * math.pi * i / n), r * math.sin(2 * math.pi * i / n))
            for i in range(n) for r in [inner if inner < 1 and i % 2 else 1.0]]


SHAPES = {
    "disc": [regular(40)],
    "square": [[(0.8, 0.8), (0.8, -0.8), (-0.8, -0.8), (-0.8, 0.8)]],
    "triangle": [regular(3)],
    "star": [regular(5, 0.4)],
    "ring": [regular(40), [(0.6 * x, 0.6 * y) for x, y in regular(40)]],
    "cross": [[(0.35, 1), (0.35, 0.35), (1, 0.35), (1, -0.35), (0.35, -0.35), (0.35, -1), (-0.35, -1),
               (-0.35, -0.35), (-1, -0.35), (-1, 0.35), (-0.35, 0.35), (-0.35, 1)]],
}


def place(outline, cx, cy, radius, turn):
    c, s = radius * math.cos(turn), radius * math.sin(turn)
    return [(cx + c * x - s * y, cy + s * x + c * y) for x, y in outline]


def crossings(polygons, y):
    """Where the line at height y goes in and out, even-odd."""
    found = []
    for polygon in polygons:
        for (x0, y0), (x1, y1) in zip(polygon, polygon[1:] + polygon[:1]):
            if (y0 <= y) != (y1 <= y):
                found.append(x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return sorted(found)


def fill(rows, polygons, colour):
    for y, row in enumerate(rows):
        x = crossings(polygons, y + 0.5)
        for lo, hi in zip(x[::2], x[1::2]):
            lo, hi = max(0, round(lo)), min(len(row) // 3, round(hi))
            if lo < hi:
                row[3 * lo:3 * hi] = bytes(colour) * (hi - lo)


def colour_of(rng, lo, hi):
    return [rng.randrange(lo, hi) for _ in range(3)]


def draw(rng, name, w, h):
    top, bottom = colour_of(rng, 20, 130), colour_of(rng, 20, 130)
    rows = [bytearray(bytes(round(a + (b - a) * y / h) for a, b in zip(top, bottom)) * w) for y in range(h)]
    for _ in range(4):  # specks, so that a colour alone tells nothing
        speck = place(regular(7), rng.uniform(0, w), rng.uniform(0, h), rng.uniform(1, h / 16), 0)
        fill(rows, [speck], colour_of(rng, 20, 180))
    colour = colour_of(rng, 140, 256)
    radius = h * rng.uniform(0.24, 0.36)
    at = w * rng.uniform(0.4, 0.6), h * rng.uniform(0.4, 0.6), radius, rng.gauss(-math.pi / 2, 0.25)
    fill(rows, [place(outline, *at) for outline in SHAPES[name]], colour)
    return rows


def png(rows):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    head = struct.pack(">IIBBBBB", len(rows[0]) // 3, len(rows), 8, 2, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in rows), 6)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=60, help="pictures per class (60)")
    parser.add_argument("--size", type=int, default=64, help="height in pixels (64); widths vary a little")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("dir", type=pathlib.Path)
    parser.add_argument("classes", nargs="*", metavar="CLASS", default=["disc", "square", "triangle", "star"])
    args = parser.parse_args()
    for name in args.classes:
        if name not in SHAPES:
            parser.error(f"no shape is called {name}; there are {', '.join(SHAPES)}")
        (args.dir / name).mkdir(parents=True, exist_ok=True)
        for i in range(args.count):
            rng = random.Random(f"{args.seed}/{name}/{i}")
            width = args.size + rng.randrange(0, args.size // 4)
            (args.dir / name / f"{i:03}.png").write_bytes(png(draw(rng, name, width, args.size)))


if __name__ == "__main__":
    main()
