"""Seeds of the fuzz targets tar, tar_index, manifest, cifar, idx and listing. usage: make_sources.py

Writes into the folders beside this file; Python's own library only."""
import io
import pathlib
import struct
import tarfile

here = pathlib.Path(__file__).parent


def put(folder, name, data):
    (here / folder).mkdir(exist_ok=True)
    (here / folder / name).write_bytes(data)


def tar(form, members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as t:
        for name, data, kind in members:
            info = tarfile.TarInfo(name)
            info.type = kind
            info.size = len(data)
            info.linkname = "x" if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
            t.addfile(info, io.BytesIO(data))
    data = out.getvalue()
    return data[:len(data.rstrip(b"\0")) // 512 * 512 + 1536]


F = tarfile.REGTYPE
forms = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
for name, form in forms.items():
    put("tar", name, tar(form, [("a/1.jpg", b"\xff\xd8\xff", F), ("a/1.cls", b"3", F),
                                ("b.png", b"\x89PNG", F), ("b.json", b'{"label": "cat"}', F)]))
    put("tar", name + "_long", tar(form, [("d" * 90 + "/" + "f" * 80 + ".jpg", b"x", F)]))
put("tar", "pax_utf8", tar(tarfile.PAX_FORMAT, [("ä/ö.jpg", b"x", F), ("ä/ö.cls", "ü".encode(), F)]))
for name, kind in {"symlink": b"2", "hardlink": b"1", "char": b"3", "pipe": b"6", "folder": b"5"}.items():
    put("tar", name, tar(tarfile.GNU_FORMAT, [("a.jpg", b"", kind)]))
put("tar", "absolute", tar(tarfile.GNU_FORMAT, [("/a.jpg", b"x", F)]))
put("tar", "parent", tar(tarfile.GNU_FORMAT, [("a/../../b.jpg", b"x", F)]))
whole = tar(tarfile.GNU_FORMAT, [("a.jpg", b"x" * 600, F), ("b.jpg", b"y", F)])
put("tar", "cut", whole[:700])
put("tar", "html", b"<html>" * 100)
put("tar", "empty", b"")

texts = b"\0a/1.jpg\0003\0"
rows = struct.pack("<4Q", 512, 3, 1, 9)
for name, count, shift in [("one", 1, 0), ("none", 0, 0), ("many", 1 << 60, 0), ("far", 1, 99)]:
    body = (struct.pack("<4Q", 512 + shift, 3, 1 + shift, 9) if count else b"") + texts
    put("tar_index", name, struct.pack("<QQQqqQQQQQQ", 0, 1, 515, 1, 2, 0, count, len(texts), 0, 1, 0) + body)
put("tar_index", "short", b"tarindex")

for name, text in {
        "plain": "path,label\na.jpg,cat\nb.jpg,dog\n",
        "all": "path,label,split,weight,group,note\na,x,train,1,g,hello\nb,y,val,0.5,h,\n",
        "tab": "path\tlabel\r\na b\tx\r\n",
        "quotes": 'path,label\n"a,""1""",x\n"two\nlines",y\n',
        "mark": "\ufeffpath\na\n\nb",
        "open": 'path,label\na,"x\nb,y\n',
        "odd": 'path,label\na"b,x\n',
        "few": "path,label\na\n",
        "no_path": "file,label\na,b\n",
        "half": "path,label\na,x\nb,\n",
        "empty": ""}.items():
    for chunk in (0x06, 0x41):
        put("manifest", f"{name}_{chunk}", bytes([chunk]) + text.encode())

for name, choice, data in [("ten", 0, b"\1abc"), ("test", 1, b"\2" * 40), ("hundred", 2, b"\3\x20x"),
                           ("test_hundred", 3, b"\0\0"), ("label", 0, b"\xff"), ("cut", 32, b"\1abc"),
                           ("names", 64, b"a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n"), ("split", 4 + 1, b"\0"),
                           ("few_names", 64, b"\0\nb")]:
    put("cifar", name, bytes([choice]) + data)


def idx(choice, images, labels):
    return bytes([choice]) + struct.pack("<H", len(images)) + images + labels


grey = struct.pack(">4I", 0x803, 3, 2, 2) + bytes(range(12))
colour = struct.pack(">5I", 0x804, 1, 1, 2, 3) + b"abcdef"
three = struct.pack(">2I", 0x801, 3) + b"\0\2\1"
for name, data in {
        "grey": idx(0, grey, three), "packed": idx(3, grey, three), "raw_gz": idx(4, grey, three),
        "colour": idx(0, colour, struct.pack(">2I", 0x801, 1) + b"\7"), "no_labels": idx(8, grey, b""),
        "both": idx(16, grey, three), "test": idx(16 + 32, grey, three), "no_test": idx(32, grey, three),
        "cut": idx(0, grey[:-1], three), "more": idx(0, grey + b"x", three), "few_labels": idx(0, grey, three[:-1]),
        "wrong_count": idx(0, grey, struct.pack(">2I", 0x801, 2) + b"\0\1"), "swapped": idx(0, three, grey),
        "none": idx(0, struct.pack(">4I", 0x803, 0, 2, 2), b""), "flat": idx(0, struct.pack(">4I", 0x803, 1, 0, 2), b""),
        "huge": idx(1, struct.pack(">4I", 0x803, 2**32 - 1, 65535, 65535), three),
        "wraps": idx(0, struct.pack(">5I", 0x804, 2**32 - 1, 65535, 65535, 3), three), "empty": idx(0, b"", b"")}.items():
    put("idx", name, data)

# A listing: header (magic, size, check: mended by the target; count, classes, directories, bytes of
# their texts, bytes of the texts, split), directories, offsets, labels in pairs, texts.
for name, count, classes, at, label, texts in [
        ("plain", 2, 2, 0, 1, b"a/1\0b/2\0a\0b\0"), ("flat", 1, 0, 0, -1, b"1\0"), ("odd", 3, 1, 1, 0, b"a\0b\0"),
        ("far", 1, 1, 99, 0, b"a\0"), ("label", 1, 1, 0, 1, b"a\0"), ("open", 1, 1, 0, 0, b"ab"),
        ("many", 1 << 60, 1 << 60, 0, 0, b"a\0"), ("none", 0, 0, 0, 0, b"a\0")]:
    n = min(count, 3)
    put("listing", name, struct.pack("<9Q", 0, 0, 0, count, classes, 1, 1, len(texts), 0) + bytes(24) +
        struct.pack(f"<{n + min(classes, 3)}Q", *[at] * (n + min(classes, 3))) +
        struct.pack(f"<{(n + 1) // 2 * 2}i", *[label] * ((n + 1) // 2 * 2)) + b"\0" + texts)
