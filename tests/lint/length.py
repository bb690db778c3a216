"""How long things may be. usage: length.py ROOT

A function is what stands between a { and a } at the beginning of a line, which clang-format
guarantees. Files called golden_* are data."""
import pathlib
import sys

FUNCTION, FILE = 60, 500
bad = []
root = pathlib.Path(sys.argv[1])
for folder in ("base", "augment", "loader", "train", "tools", "tests"):
    for path in sorted(root.glob(folder + "/**/*.[ch]")):
        if path.name.startswith("golden_"):
            continue
        lines = path.read_text().splitlines()
        if len(lines) > FILE:
            bad.append(f"{path}: {len(lines)} lines, more than {FILE}")
        begin = 0
        for number, line in enumerate(lines, 1):
            if line == "{":
                begin = number
            elif line == "}" and begin:
                if number - begin + 1 > FUNCTION:
                    bad.append(f"{path}:{begin}: a function of {number - begin + 1} lines, "
                               f"more than {FUNCTION}")
                begin = 0
print("\n".join(bad))
sys.exit(bool(bad))
