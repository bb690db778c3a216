"""Nets and pictures filled by one formula on both sides (tests/train/torch.h), so that no weights need to be stored."""
import numpy
import torch


def fill(name, size):
    """Numbers from -1 to 1 that depend on a name and a position."""
    h = 2166136261
    for b in name.encode():
        h = (h ^ b) * 16777619 & 0xFFFFFFFF
    u = (numpy.arange(size, dtype=numpy.uint64) * 2654435761 + h) & 0xFFFFFFFF
    u = ((u ^ (u >> 15)) * 2246822519) & 0xFFFFFFFF
    u ^= u >> 13
    return (u & 0xFFFF).astype(numpy.float64) / 32768 - 1


def prepare(model):
    with torch.no_grad():
        for name, t in model.state_dict().items():
            if name.endswith("num_batches_tracked"):
                continue
            v = fill(name, t.numel())
            if name.endswith("running_var"):
                v = 1 + 0.5 * numpy.abs(v)
            elif t.dim() > 1:
                v = v * numpy.sqrt(3.0 / (t.numel() // t.shape[0]))
            elif name.endswith("weight"):
                v = 1 + 0.1 * v
            else:
                v = 0.1 * v
            t.copy_(torch.from_numpy(v.astype(numpy.float32)).view(t.shape))
    return model


def picture(n, c, side, name="picture"):
    return torch.from_numpy(fill(name, n * c * side * side).astype(numpy.float32)).view(n, c, side, side)


def row(name, t):
    """A tensor as its length and a dot product, in C."""
    t = t.detach().double().flatten()
    return f'{{"{name}", {t.norm():.9g}, {t @ torch.from_numpy(fill(name + "?", t.numel())):.9g}}}'
