#!/usr/bin/python3
"""Trains a resnet18 here, loads its model.safetensors into torchvision's own class, and compares the
answers to every test image of Fashion-MNIST.

usage: tests/golden/torchvision_round_trip.py [SLUICE] [DATA]    (Debian's /usr/bin/python3: torch, torchvision)
Prints how many of the 10000 answers agree, the largest difference of a probability, and each side's top-1.
Exit code 0 if all agree."""
import gzip
import json
import os
import struct
import subprocess
import sys
import tempfile

import numpy as np
import torch
import torchvision

sluice = sys.argv[1] if len(sys.argv) > 1 else "build/tools/sluice"
data = sys.argv[2] if len(sys.argv) > 2 else "/usr/share/datasets/fashion-mnist"
MEAN, STD = .2860, .3530
RECIPE = f"""
seed: 1
data: {{path: "idx:{data}", limit: 6000, channels: 3}}
augment: [hflip: {{p: 0.5}}, normalize: {{mean: {MEAN}, std: {STD}}}]
eval: [normalize: {{mean: {MEAN}, std: {STD}}}]
model: {{name: resnet18}}
optim: {{name: sgd, lr: 0.05, momentum: 0.9}}
schedule: {{name: cosine}}
train: {{epochs: 2, batch: 64, precision: f32}}
"""


def read_idx(name):
    raw = gzip.open(os.path.join(data, name + ".gz")).read()
    rank = raw[3]
    shape = struct.unpack(f">{rank}I", raw[4:4 + 4 * rank])
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(shape)


def read_safetensors(path):
    raw = open(path, "rb").read()
    size, = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8:8 + size])
    header.pop("__metadata__", None)
    body = raw[8 + size:]
    return {name: torch.tensor(np.frombuffer(body[t["data_offsets"][0]:t["data_offsets"][1]], "<f4").copy()
                               .reshape(t["shape"])) for name, t in header.items()}


def ours(model, work):
    """The test set under the names of a training set: predict reads what comes first."""
    for part in "images-idx3", "labels-idx1":
        os.symlink(os.path.join(data, f"t10k-{part}-ubyte.gz"), os.path.join(work, f"train-{part}-ubyte.gz"))
    run = subprocess.run([sluice, "predict", model, f"idx:{work}", "--top", "10", "--precision", "f32", "--json"],
                         check=True, capture_output=True, text=True)
    probs = np.zeros((10000, 10))
    for n, p in enumerate(json.loads(run.stdout)["predictions"]):
        for answer in p["top"]:
            probs[n, int(answer["class"])] = answer["probability"]
    return probs


def theirs(model):
    net = torchvision.models.resnet18(num_classes=10)
    result = net.load_state_dict(read_safetensors(model), strict=False)
    assert not result.unexpected_keys, result.unexpected_keys
    assert all(k.endswith("num_batches_tracked") for k in result.missing_keys), result.missing_keys
    net.eval()
    pixels = (torch.tensor(read_idx("t10k-images-idx3-ubyte").astype(np.float32)) / 255 - MEAN) / STD
    with torch.no_grad():
        return torch.cat([net(part[:, None].expand(-1, 3, -1, -1)).softmax(1)
                          for part in pixels.split(250)]).double().numpy()


with tempfile.TemporaryDirectory() as work:
    recipe, run = os.path.join(work, "recipe.yaml"), os.path.join(work, "run")
    open(recipe, "w").write(RECIPE)
    subprocess.run([sluice, "train", recipe, "-o", run, "--quiet", "--threads", "1"], check=True, stdout=subprocess.DEVNULL)
    model = os.path.join(run, "model.safetensors")
    a, b = ours(model, work), theirs(model)
labels = read_idx("t10k-labels-idx1-ubyte")
same = int((a.argmax(1) == b.argmax(1)).sum())
print(f"{same} of {len(labels)} answers agree; largest difference of a probability {np.abs(a - b).max():.2g}; "
      f"top-1 {100 * (a.argmax(1) == labels).mean():.2f} % here, {100 * (b.argmax(1) == labels).mean():.2f} % there")
sys.exit(same != len(labels))
