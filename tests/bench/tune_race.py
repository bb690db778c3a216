#!/usr/bin/env python3
"""Searches race each other on a subset of Fashion-MNIST: is a model better than chance, and does
ASHA save epochs?

usage: tests/bench/tune_race.py [--sluice build/tools/sluice] [--seeds 5] [bayes tpe quasi asha]

Every race has a budget of 30 trials of recipes/tune-fashion-mnist.yaml (five keys, 1,500 pictures
trained on, 3,000 judged on). "asha" is given random's best as its target and says after how many
epochs it got there. Standard library only; two studies run at a time, each on one thread."""
import argparse
import concurrent.futures
import gzip
import json
import os
import struct
import subprocess
import tempfile

FASHION = "/usr/share/datasets/fashion-mnist"
RECIPE = os.path.join(os.path.dirname(__file__), "../../recipes/tune-fashion-mnist.yaml")
TRAINED, JUDGED, TRIALS = 1500, 3000, 30
SHORT, LONG = 3, 9  # epochs: of the race between searches, of the race between pacers


def cut(place, part, count):
    """The first count pictures of a part, unpacked, so that no trial waits for gzip."""
    for kind, head, size in (("images-idx3", 16, 784), ("labels-idx1", 8, 1)):
        with gzip.open(f"{FASHION}/{part}-{kind}-ubyte.gz") as whole:
            data = whole.read(head + count * size)
        with open(f"{place}/{part}-{kind}-ubyte", "wb") as out:
            out.write(data[:4] + struct.pack(">I", count) + data[8:])


def study(sluice, work, name, seed, settings):
    """Runs one study; returns the best top-1, the epochs trained and the seconds of its trials."""
    place = f"{work}/{name}-{seed}"
    sets = [f"data.path=idx:{work}", f"data.val_fraction={JUDGED / (TRAINED + JUDGED)}",
            f"data.limit={TRAINED}", f"tune.seed={seed}", *settings]
    command = [sluice, "tune", RECIPE, "-o", place, "--json", "--quiet", "--threads", "1"]
    for text in sets:
        command += ["--set", text]
    result = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    trials = result["trials"]
    return (result["best"]["top1"], sum(t["epochs"] for t in trials), len(trials),
            sum(t["seconds"] for t in trials))


def race(args, work, seed, name):
    if name != "asha":
        return study(args.sluice, work, name, seed, [
            f"tune.search={{name: {name}}}", f"train.epochs={SHORT}", f"tune.trials={TRIALS}"])
    full = study(args.sluice, work, "full", seed, [
        "tune.search={name: random}", f"train.epochs={LONG}", f"tune.trials={TRIALS}"])
    short = study(args.sluice, work, "asha", seed, [
        f"tune.search={{name: {args.asha_search}}}", "tune.pacer={name: asha}", f"train.epochs={LONG}",
        f"tune.target={full[0]}", f"tune.trials={4 * TRIALS}"])
    return full, short


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sluice", default="build/tools/sluice")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--asha-search", default="random")
    parser.add_argument("racers", nargs="*", default=["bayes", "asha"])
    args = parser.parse_args()
    names = (["random"] if set(args.racers) - {"asha"} else []) + args.racers
    os.environ["OMP_WAIT_POLICY"] = "passive"

    with tempfile.TemporaryDirectory(prefix="tune-race-") as work, \
            concurrent.futures.ThreadPoolExecutor(2) as pool:
        cut(work, "train", TRAINED + JUDGED)
        cut(work, "t10k", 200)
        jobs = {(n, s): pool.submit(race, args, work, s, n)
                for n in names for s in range(1, args.seeds + 1)}
        for seed in range(1, args.seeds + 1):
            for name in names:
                result = jobs[name, seed].result()
                if name == "asha":
                    (best, spent, _, _), (top1, epochs, trials, _) = result
                    print(f"seed {seed}  full {best:.4f} in {spent} epochs   asha {top1:.4f} in "
                          f"{epochs} epochs of {trials} trials ({epochs / spent:.2f})", flush=True)
                else:
                    print(f"seed {seed}  {name:7} {result[0]:.4f}  {result[3]:.0f} s", flush=True)
        for name in set(names) - {"random", "asha"}:
            wins = sum(jobs[name, s].result()[0] > jobs["random", s].result()[0]
                       for s in range(1, args.seeds + 1))
            print(f"{name} beats random in {wins} of {args.seeds} seeds")


if __name__ == "__main__":
    main()
