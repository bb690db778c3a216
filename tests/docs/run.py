#!/usr/bin/env python3
"""Runs a page of the documentation, command by command, so that none of them can be wrong.

usage: tests/docs/run.py [--bin DIR] [--keep DIR] [--update] PAGE.md...

Every block marked ```sh is run by bash, in one directory per page, in the order of the page, with the sluice of
--bin first in PATH and the source tree as $SLUICE_SOURCE. A block fails if any command in it fails, unless its
fence says what exit code it shows: ```sh exit=2. Blocks marked ```console, ```yaml and so on are not run, but a
yaml block whose fence names a file (```yaml file=birds.yaml) is written to that file first, as a reader would.
A page that shows pictures, ![...](pictures/NAME.png), must make them, in the directory "pictures"; with --update they
replace those of the documents."""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

FENCE = re.compile(r"^```(\w+)?(.*)$")
PICTURE = re.compile(r"!\[[^]]*\]\((?:\.\./)?(pictures/[\w.-]+)\)")


def blocks(page):
    """(line, kind, options, text) of every fenced block."""
    start = kind = None
    for number, line in enumerate(page.read_text().splitlines(), 1):
        match = FENCE.match(line)
        if match and start is None:
            start, kind, lines = number, match[1] or "", []
            options = dict(word.split("=", 1) for word in match[2].split() if "=" in word)
        elif line == "```":
            yield start, kind, options, "\n".join(lines) + "\n"
            start = None
        elif start is not None:
            lines.append(line)


def run_page(page, binary, work, source, update):
    env = dict(os.environ, SLUICE_SOURCE=str(source), LC_ALL="C.UTF-8",
               PATH=f"{binary}:{os.environ['PATH']}" if binary else os.environ["PATH"])
    (work / "pictures").mkdir(exist_ok=True)
    for line, kind, options, text in blocks(page):
        if "file" in options:
            target = work / options["file"]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        if kind != "sh":
            continue
        start = time.time()
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", text], cwd=work, env=env, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        want = int(options.get("exit", 0))
        if done.returncode != want:
            print(f"{page}:{line}: exit code {done.returncode}, not {want}\n{text}{done.stdout}")
            return False
        print(f"{page}:{line}: {time.time() - start:.1f} s")
    pictures = PICTURE.findall(page.read_text())
    missing = [name for name in pictures if not (work / name).exists()]
    if missing:
        print(f"{page}: its commands do not make {', '.join(missing)}")
        return False
    for name in pictures if update else []:
        shutil.copyfile(work / name, source / "docs" / name)
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", default="", help="directory of the sluice to run")
    parser.add_argument("--keep", help="work here, and leave what the pages make")
    parser.add_argument("--update", action="store_true", help="take the pictures into docs/pictures")
    parser.add_argument("pages", nargs="+", type=pathlib.Path)
    args = parser.parse_args()
    source = pathlib.Path(__file__).resolve().parents[2]
    binary = str(pathlib.Path(args.bin).resolve()) if args.bin else ""
    passed = failed = 0
    for page in args.pages:
        with tempfile.TemporaryDirectory() as temporary:
            work = pathlib.Path(args.keep or temporary) / page.stem
            work.mkdir(parents=True, exist_ok=True)
            good = run_page(page.resolve(), binary, work, source, args.update)
        passed, failed = passed + good, failed + (not good)
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
