"""Seeds of the fuzz target safetensors. usage: make_safetensors.py"""
import json
import pathlib
import struct

here = pathlib.Path(__file__).parent / "safetensors"
here.mkdir(exist_ok=True)


def put(name, header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    (here / name).write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)


def one(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


put("plain", {"a": one(), "b.weight": one(shape=[1, 1], offsets=[8, 12])}, bytes(12))
put("types", {t: one(t, [1], [i * 8, i * 8 + n]) for i, (t, n) in enumerate([("F64", 8), ("I64", 8), ("U64", 8)])}, bytes(24))
put("halves", {"h": one("F16", [2], [0, 4]), "b": one("BF16", [2], [4, 8])}, bytes(8))
put("meta", {"__metadata__": {"format": "pt"}, "a": one()}, bytes(8))
put("scalar", {"s": one(shape=[], offsets=[0, 4]), "e": one(shape=[0, 7], offsets=[4, 4])}, bytes(4))
put("blanks", json.dumps({"a": one()}).encode() + b"    ", bytes(8))
put("overlap", {"a": one(), "b": one(offsets=[4, 12])}, bytes(12))
put("hole", {"a": one(), "b": one(offsets=[12, 20])}, bytes(20))
put("cut", {"a": one()}, bytes(4))
put("long", {"a": one()}, bytes(12))
put("huge_shape", {"a": one(shape=[1 << 62, 4, 1 << 62])}, bytes(8))
put("huge_offset", {"a": one(offsets=[(1 << 63) - 8, (1 << 63) - 1])}, bytes(8))
put("twice", b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', bytes(1))
put("limit", b"{}", length=100000001)
put("lies", b"{}", length=1 << 63)
put("deep", b"[" * 3000)
put("nothing", b"", length=0)
