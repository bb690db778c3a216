#!/usr/bin/python3
"""Writes tests/golden/torch_nets.h: what PyTorch (Debian's 1.13, torchvision 0.14) computes with weights and pictures that both
sides fill by one formula, so that no weights need to be stored. usage: make_torch_nets.py > tests/golden/torch_nets.h"""
import numpy
import torch
import torchvision
from PIL import Image
from torch import nn
from torchvision import transforms

from filled import fill, picture, prepare, row

torch.manual_seed(0)


def block(i, o):
    return [nn.Conv2d(i, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU()]


def cnn28(channels=1):
    return nn.Sequential(*block(channels, 32), *block(32, 64), nn.MaxPool2d(2), *block(64, 128), nn.MaxPool2d(2), nn.Flatten(),
                         nn.Linear(128 * 49, 256), nn.ReLU(), nn.Linear(256, 10))


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(784, 256), nn.Linear(256, 128), nn.Linear(128, 10)

    def forward(self, x):
        return self.fc3(torch.relu(self.fc2(torch.relu(self.fc1(x.flatten(1))))))


def resnet18_cifar():
    m = torchvision.models.resnet18(num_classes=10)
    m.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
    m.maxpool = nn.Identity()
    return m


def margin(make, x):
    """How near to the kink of a relu a number comes, in standard deviations of its layer: what rounding must not cross."""
    least = []
    model = prepare(make()).train().double()
    for m in model.modules():
        if isinstance(m, nn.ReLU):
            m.register_forward_pre_hook(lambda _, i: least.append((i[0].abs().min() / i[0].std()).item()))
    with torch.no_grad():
        model(x.double())
    return min(least)


def text(values):
    return ", ".join(f"{float(v):.9g}" for v in values)


print("/* Made by make_torch_nets.py. Do not edit. */")
for net, make, n, c, side in (("mlp", Mlp, 4, 1, 28), ("cnn28", cnn28, 4, 1, 28), ("resnet18_cifar", resnet18_cifar, 4, 3, 16)):
    choice = "picture"
    if side == 16:
        choice = max((f"picture{k}" for k in range(40)), key=lambda name: margin(make, picture(n, c, side, name)))
        print(f"/* {choice}: no number before a relu is nearer to 0 than {margin(make, picture(n, c, side, choice)):.1g} deviations */")
        print(f'static const char {net}_picture[] = "{choice}";')
    model = prepare(make()).train().double()
    y = model(picture(n, c, side, choice).double())
    d = torch.from_numpy(fill("loss", y.numel())).view(y.shape)
    y.backward(d)
    print(f"static const double {net}_logits[] = {{{text(y.detach().flatten())}}};")
    print(f"static const golden {net}_grads[] = {{")
    for name, p in model.named_parameters():
        print(f"    {row(name, p.grad)},")
    print("    {NULL, 0, 0}};")
for net in ("resnet18", "resnet50", "mobilenet_v2"):
    model = prepare(getattr(torchvision.models, net)()).eval()
    with torch.no_grad():
        y = model.double()(picture(2, 3, 64).double())
    print(f"static const double {net}_logits[] = {{{text(y[:, :10].flatten())}}};")
# A picture of bytes through torchvision's own preparation, for weights that came from a file.
pixels = ((fill("bytes", 39 * 47 * 3) + 1) * 127.5).astype(numpy.uint8).reshape(39, 47, 3)
steps = [transforms.Resize(32), transforms.CenterCrop(28), transforms.ToTensor(),
         transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])]
with torch.no_grad():
    y = prepare(cnn28(3)).eval().double()(transforms.Compose(steps)(Image.fromarray(pixels)).double()[None])
print(f"static const double import_logits[] = {{{text(y.flatten())}}};")
