#!/usr/bin/env python3
"""Runs every recipe for three steps, on pictures of its kind that are drawn here: its keys are known, its shapes fit.

usage: tests/docs/recipes.py SLUICE SOURCE

A recipe without an entry in KINDS fails, as does an entry without a recipe."""
import pathlib
import random
import struct
import subprocess
import sys
import tempfile

STEPS = ["--set", "train.steps=3", "--set", "train.batch=8", "--set", "train.budget=''"]
FOLDER = ["--set", "data.path=folder:photos"]
FASHION = ["--set", "data.path=idx:fashion", "--set", "data.limit=200"]
KINDS = {
    "cifar10": ["--set", "data.path=folder:cifar"],
    "cifar10-best": ["--set", "data.path=folder:cifar"],
    "fashion-mnist": FASHION,
    "fashion-mnist-demo": FASHION + ["--set", "schedule.warmup_epochs=0"],
    "fashion-mnist-dropout": FASHION,
    "fashion-mnist-subset": FASHION,
    "photos": FOLDER,
    "photos-transfer": FOLDER + ["--set", "model.from=resnet18/model.safetensors"],
    "shapes": ["--set", "data.path=folder:cifar"],
    "tiny": FOLDER,
    "transfer": FASHION + ["--set", "model.from=lenet5/model.safetensors"],
    "tune-fashion-mnist": FASHION + ["--set", "tune.trials=1"],
}


def write_fashion(folder):
    """28 x 28 noise of ten classes, as IDX files of the usual names."""
    rng = random.Random(1)
    folder.mkdir()
    for name, count in (("train", 400), ("t10k", 40)):
        labels = bytes(i % 10 for i in range(count))
        (folder / f"{name}-images-idx3-ubyte").write_bytes(
            struct.pack(">IIII", 2051, count, 28, 28) + rng.randbytes(count * 28 * 28))
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 2049, count) + labels)


def main():
    sluice, source = (pathlib.Path(p).resolve() for p in sys.argv[1:3])
    recipes = {p.stem: p for p in (source / "recipes").glob("*.yaml")}
    if set(recipes) != set(KINDS):
        sys.exit(f"FAILED: recipes without an entry here, or the other way round: {set(recipes) ^ set(KINDS)}")
    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)

        def run(*command):
            done = subprocess.run([str(c) for c in command], cwd=work, text=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT)
            if done.returncode:
                sys.exit(f"FAILED: {' '.join(map(str, command))}\n{done.stdout}")

        draw = [sys.executable, source / "tests/docs/shapes.py", "--count"]
        run(*draw, 12, "--size", 48, "photos")
        for part in ("train", "test"):
            run(*draw, 6, "--size", 32, f"drawn/{part}")
            (work / "cifar").mkdir(exist_ok=True)
            run(sluice, "preprocess", f"drawn/{part}", f"cifar/{part}", "--ops", "[{resize: {size: [32, 32]}}]", "-q")
        write_fashion(work / "fashion")
        for model, stem in (("resnet18", "photos"), ("lenet5", "fashion-mnist")):
            run(sluice, "train", recipes[stem], *KINDS[stem], *STEPS, "--set", f"model={{name: {model}}}", "-o", model,
                "-q")
        for stem, path in sorted(recipes.items()):
            command = "tune" if stem.startswith("tune") else "train"
            run(sluice, command, path, *KINDS[stem], *STEPS, "-o", f"run-{stem}", "-q")
            print(f"{stem}: ok")


if __name__ == "__main__":
    main()
