#!/usr/bin/python3
"""Proves that `sluice eval --model NET --weights FILE` gives torchvision's logits (Debian's 0.14): a seeded state dict, moved away from
its start so that every tensor matters, goes through a safetensors file with its names unchanged; pictures go through torchvision's own
Resize(256), CenterCrop(224), ToTensor, Normalize. usage: torchvision_logits.py SLUICE PICTURES... [--net NAME]..."""
import argparse
import json
import os
import struct
import subprocess
import tempfile

import torch
import torchvision
from PIL import Image
from torchvision import transforms

NETS = ["resnet18", "resnet34", "resnet50", "resnet101", "wide_resnet50_2", "vgg11", "vgg11_bn", "vgg16", "vgg16_bn", "mobilenet_v2"]


def save(state, path):
    """safetensors by hand: eight bytes of length, JSON, the arrays."""
    names = {torch.float32: "F32", torch.int64: "I64"}
    header, at = {}, 0
    for name, t in state.items():
        size = t.numel() * t.element_size()
        header[name] = {"dtype": names[t.dtype], "shape": list(t.shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for t in state.values():
            f.write(t.contiguous().numpy().tobytes())


def make(name):
    """A net whose running statistics and shifts are not what they start from."""
    torch.manual_seed(1)
    net = getattr(torchvision.models, name)()
    with torch.no_grad():
        for key, t in net.state_dict().items():
            if key.endswith("running_var"):
                t.uniform_(0.8, 1.2)
            elif key.endswith(("running_mean", "bias")):
                t.uniform_(-0.1, 0.1)
    return net.eval()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("sluice")
    parser.add_argument("pictures", nargs="+")
    parser.add_argument("--net", action="append")
    args = parser.parse_args()
    prepare = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(224), transforms.ToTensor(),
                                  transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])
    x = torch.stack([prepare(Image.open(p).convert("RGB")) for p in args.pictures])
    worst = 0
    for name in args.net or NETS:
        net = make(name)
        with torch.no_grad():
            right = net(x).double()
        with tempfile.TemporaryDirectory() as room:
            path = os.path.join(room, name + ".safetensors")
            save(net.state_dict(), path)
            out = subprocess.run([args.sluice, "eval", "--model", name, "--weights", path, "--json", *args.pictures],
                                 check=True, capture_output=True)
        got = torch.tensor([p["logits"] for p in json.loads(out.stdout)["predictions"]], dtype=torch.float64)
        error = ((got - right).norm() / right.norm()).item()
        worst = max(worst, error)
        print(f"{name:16} relative error {error:.1e}, largest difference {(got - right).abs().max():.1e} of {right.abs().max():.3g}")
    raise SystemExit(worst > 1e-4)


if __name__ == "__main__":
    main()
