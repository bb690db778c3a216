#!/usr/bin/python3
"""airbench94 (Jordan 2024, arXiv:2404.00498) in PyTorch, on a folder of train/CLASS and test/CLASS: what the paper's
recipe reaches on these pictures, whatever trains it. Its rates, its schedule, its lookahead, bf16 by autocast.

airbench_torch.py FOLDER [SEED [EPOCHS]]    (Debian's python3-torch and python3-pil; half an hour of two cores)
Prints the test accuracy by one view, by two (mirrored), and by six (shifted by a pixel)."""
import math
import os
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

WIDTHS, BATCH, MOMENTUM, PEAK = (64, 256, 256), 1024, .85, .23
MEAN, STD = torch.tensor([.4914, .4822, .4465]), torch.tensor([.2470, .2435, .2616])


def load(folder):
    classes = sorted(os.listdir(folder))
    names = [(f"{folder}/{c}/{n}", i) for i, c in enumerate(classes) for n in sorted(os.listdir(f"{folder}/{c}"))]
    pixels = np.stack([np.asarray(Image.open(n).convert("RGB")) for n, _ in names])
    return ((torch.from_numpy(pixels).float() / 255 - MEAN) / STD).permute(0, 3, 1, 2).contiguous(), \
        torch.tensor([i for _, i in names])


def norm(n):
    layer = nn.BatchNorm2d(n, eps=1e-12, momentum=.4)
    layer.weight.requires_grad = False
    return layer


def conv(c, n):
    layer = nn.Conv2d(c, n, 3, padding=1, bias=False)
    nn.init.dirac_(layer.weight.data[:c])
    return layer


def group(c, n):
    return [conv(c, n), nn.MaxPool2d(2), norm(n), nn.GELU(), conv(n, n), norm(n), nn.GELU()]


def build(x):
    whiten = nn.Conv2d(3, 24, 2)
    patches = F.unfold(x[:5000], 2).transpose(1, 2).reshape(-1, 12)
    values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
    filters = (vectors.T / (values[:, None] + 5e-4).sqrt()).reshape(12, 3, 2, 2)
    whiten.weight.data[:], whiten.weight.requires_grad = torch.cat((filters, -filters)), False
    whiten.bias.data.zero_()
    layers = [whiten, nn.GELU()]
    for c, n in zip((24,) + WIDTHS, WIDTHS):
        layers += group(c, n)
    layers += [nn.MaxPool2d(3), nn.Flatten(), nn.Linear(WIDTHS[-1], 10, bias=False)]
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)


def answer(net, x):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return net(x.contiguous(memory_format=torch.channels_last)).float() / 9


def score(net, x, y, views):
    def both(z):
        return (answer(net, z) + answer(net, z.flip(-1))) / 2

    net.eval()
    hits = 0
    with torch.no_grad():
        for part, labels in zip(x.split(1000), y.split(1000)):
            out = both(part) if views > 1 else answer(net, part)
            if views == 6:
                wide = F.pad(part, (1,) * 4, "reflect")
                out = out / 2 + (both(wide[:, :, :32, :32]) + both(wide[:, :, 2:, 2:])) / 4
            hits += (out.argmax(1) == labels).sum().item()
    return hits / len(x)


def shifted(x, most=2):
    out, at = torch.empty(len(x), 3, 32, 32), torch.randint(0, 2 * most + 1, (len(x), 2))
    for i in range(2 * most + 1):
        for j in range(2 * most + 1):
            here = (at[:, 0] == i) & (at[:, 1] == j)
            out[here] = x[here][:, :, i:i + 32, j:j + 32]
    return out


def main(folder, seed=0, epochs=9.9):
    torch.manual_seed(int(seed))
    torch.set_num_threads(os.cpu_count())
    x, y = load(f"{folder}/train")
    net = build(x)
    steps = len(x) // BATCH
    total = math.ceil(steps * float(epochs))
    scale = 1024 * (1 + 1 / (1 - MOMENTUM))
    rate, decay = 11.5 / scale, .0153 * BATCH / scale
    biases = [m.bias for m in net if isinstance(m, nn.BatchNorm2d)]
    others = [p for m in net if not isinstance(m, nn.BatchNorm2d) for p in m.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD([{"params": biases, "lr": 64 * rate, "weight_decay": decay / (64 * rate)},
                                 {"params": others, "lr": rate, "weight_decay": decay / rate}],
                                momentum=MOMENTUM, nesterov=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: float(np.interp(step, [0, int(PEAK * total), total], [.2, 1, .07])))
    slow = {k: v.clone() for k, v in net.state_dict().items() if v.is_floating_point()}
    x = F.pad(torch.where(torch.rand(len(x), 1, 1, 1) < .5, x.flip(-1), x), (2,) * 4, "reflect")
    step, epoch, begin = 0, 0, time.time()
    while step < total:
        net.train()
        net[0].bias.requires_grad = epoch < 3
        order = torch.randperm(len(x))
        for i in order[:steps * BATCH].split(BATCH):
            part = shifted(x[i])
            loss = F.cross_entropy(answer(net, part.flip(-1) if epoch % 2 else part), y[i], label_smoothing=.2, reduction="sum")
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            step += 1
            if step % 5 == 0 or step == total:
                keep = .95 ** 5 * (step / total) ** 3 if step < total else 1
                with torch.no_grad():
                    for k, v in net.state_dict().items():
                        if k in slow:
                            v.copy_(slow[k].lerp_(v, 1 - keep))
            if step == total:
                break
        epoch += 1
        print(f"epoch {epoch}: {loss.item() / BATCH:.4f}, {time.time() - begin:.0f} s", flush=True)
    test = load(f"{folder}/test")
    print("test top-1 by 1, 2, 6 views:", *(f"{score(net, *test, views):.4f}" for views in (1, 2, 6)))


main(*sys.argv[1:])
