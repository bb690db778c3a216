"""Every public header compiles alone, and twice. usage: headers.py ROOT BUILD

Compiles tests/header.c once for each header in a room's own folder, with the flags that the
build uses for base/json.c."""
import concurrent.futures
import json
import pathlib
import shlex
import subprocess
import sys

root, build = map(pathlib.Path, sys.argv[1:])
entries = json.loads((build / "compile_commands.json").read_text())
entry = next(e for e in entries if e["file"].endswith("base/json.c"))
words = shlex.split(entry["command"])
flags = [w for i, w in enumerate(words)
         if w not in ("-c", "-MD", "-o", "-MF", "-MQ") and words[i - 1] not in ("-c", "-o", "-MF", "-MQ")]


def check(header):
    name = header.relative_to(root).as_posix()
    command = [*flags, "-fsyntax-only", f'-DHEADER="{name}"', str(root / "tests/header.c")]
    result = subprocess.run(command, cwd=entry["directory"], capture_output=True, text=True)
    return f"{name}\n{result.stderr}" if result.returncode else ""


headers = sorted(h for room in ("base", "augment", "loader", "train") for h in root.glob(room + "/*.h"))
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    bad = [text for text in pool.map(check, headers) if text]
print(f"{len(headers)} headers", *bad, sep="\n")
sys.exit(bool(bad) or not headers)
