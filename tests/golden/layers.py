#!/usr/bin/python3
"""Writes tests/golden/torch_layers.h: every layer's forward and backward as PyTorch (Debian's 1.13, in double) computes them.
Each stands between a 1 x 1 convolution, whose gradients show the layer's data gradient, and a linear layer.
usage: layers.py > tests/golden/torch_layers.h"""
import torch
import torchvision
from torch import nn
from torch.nn import functional as F

from filled import fill, picture, prepare, row


class Do(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f

    def forward(self, x):
        return self.f(x)


class Net(nn.Module):
    def __init__(self, layer, join):
        super().__init__()
        self.a, self.join = nn.Conv2d(6, 8, 1), join
        if join:
            self.b = nn.Conv2d(8, 8, 3, padding=1)
        self.l = layer

    def forward(self, x):
        x = self.a(x)
        self.y = y = self.join(self.b(x), x) if self.join else self.l(x)
        if not hasattr(self, "out"):
            self.out = nn.Linear(y[0].numel(), 5).double()
        return self.out(y.flatten(1))


def conv(out, kernel=3, **more):
    return nn.Conv2d(8, out, kernel, **more)


LAYERS = [
    ("add: a", lambda b, a: b + a),
    ("avg_pool: {kernel: 3, stride: 2, padding: 1}", nn.AvgPool2d(3, 2, 1)),
    ("avg_pool: {kernel: 3, stride: 2, padding: 1, count_padding: false}", nn.AvgPool2d(3, 2, 1, count_include_pad=False)),
    ("batch_norm", nn.BatchNorm2d(8)),
    ("concat: a", lambda b, a: torch.cat((b, a), 1)),
    ("conv2d: {out: 16, padding: 1}", conv(16, padding=1)),
    ("conv2d: {out: 7, kernel: 5, stride: 2, padding: 2, bias: false}", conv(7, 5, stride=2, padding=2, bias=False)),
    ("conv2d: {out: 8, dilation: 2, padding: 2}", conv(8, dilation=2, padding=2)),
    ("conv2d: {out: 16, padding: 1, groups: 4}", conv(16, padding=1, groups=4)),
    ("conv2d: {out: 8, stride: 2, padding: 1, groups: 8}", conv(8, stride=2, padding=1, groups=8)),
    ("conv2d: {out: 12, kernel: 1, stride: 2}", conv(12, 1, stride=2)),
    ("elu: {alpha: 0.7}", nn.ELU(0.7)),
    ("flatten", nn.Flatten()),
    ("gelu", nn.GELU()),
    ("global_avg_pool", nn.AdaptiveAvgPool2d(1)),
    ("group_norm: {groups: 2}", nn.GroupNorm(2, 8)),
    ("hard_swish", nn.Hardswish()),
    ("layer_norm", nn.LayerNorm([8, 9, 9])),
    ("leaky_relu", nn.LeakyReLU()),
    ("max_pool: {kernel: 3, stride: 2, padding: 1}", nn.MaxPool2d(3, 2, 1)),
    ("relu", nn.ReLU()),
    ("relu: {max: 0.5}", nn.Hardtanh(0, 0.5)),
    ("scale: 0.3", Do(lambda x: 0.3 * x)),
    ("sigmoid", nn.Sigmoid()),
    ("silu", nn.SiLU()),
    ("softmax", nn.Softmax(1)),
    ("squeeze_excite: 3", torchvision.ops.SqueezeExcitation(8, 3)),
    ("tanh", nn.Tanh()),
]


def yaml(text):
    kind, _, settings = text.partition(": ")
    if settings.startswith("{"):
        return f"{kind}: {{name: l, {settings[1:]}"
    if kind in ("add", "concat"):
        return f"{kind}: {{name: l, from: [b, a]}}"
    first = {"scale": "by", "squeeze_excite": "squeeze"}.get(kind)
    return f"{kind}: {{name: l{f', {first}: {settings}' if first else ''}}}"


print("/* Made by layers.py. Do not edit. */\nstatic const layer_golden layers[] = {")
for text, layer in LAYERS:
    join = not isinstance(layer, nn.Module)
    net = Net(None if join else layer, layer if join else None).double()
    x = picture(4, 6, 9).double()
    net(x)  # gives the last layer its size
    y = prepare(net.train())(x)
    y.backward(torch.from_numpy(fill("loss", y.numel())).view(y.shape))
    b = "- conv2d: {name: b, out: 8, padding: 1}\\n" if join else ""
    print(f'    {{"- conv2d: {{name: a, out: 8, kernel: 1}}\\n{b}- {yaml(text)}\\n"\n     "- flatten\\n- linear: {{name: out, out: 5}}\\n",')
    print(f"     {row('y', net.y)},\n     {{")
    for name, p in net.named_parameters():
        if p.grad.norm() < 1e-9:  # a bias before a batch norm: zero but for rounding
            continue
        print(f"         {row(name, p.grad)},")
    print("     }},")
print("};")
