#!/usr/bin/python3
"""A run's event files as TensorBoard's own EventAccumulator reads them, against metrics.jsonl, histograms.jsonl and the pictures' own size.
usage: event_files.py RUN (trained with train.tensorboard=true and train.histograms=1; also one that was killed and resumed). Needs TensorBoard: pip install --target DIR --no-deps
tensorboard==2.11.0 protobuf==3.20.3 absl-py==1.4.0, then PYTHONPATH=DIR."""
import json
import pathlib
import struct
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

if len(sys.argv) != 2:
    sys.exit(__doc__)
run = pathlib.Path(sys.argv[1])
log = EventAccumulator(str(run / "tensorboard"), size_guidance={k: 0 for k in ("scalars", "histograms", "images")})
log.Reload()


def lines(name):
    return [json.loads(line) for line in (run / name).read_text().splitlines()]


def near(a, b):
    return abs(a - b) <= 1e-6 * max(1, abs(a), abs(b))


metrics = lines("metrics.jsonl")
for key, tag in (("train_loss", "loss/train"), ("test_loss", "loss/test"), ("val_loss", "loss/val"), ("lr", "optim/lr"),
                 ("train_top1", "top1/train"), ("grad_norm", "optim/grad_norm")):
    want = [(m["step"], m[key]) for m in metrics if key in m]
    got = [(s.step, s.value) for s in log.Scalars(tag)] if want else []
    assert len(got) == len(want) and all(g[0] == w[0] and near(g[1], w[1]) for g, w in zip(got, want)), (tag, got, want)

count = 0
inside = lines("histograms.jsonl")
for place, line in enumerate(inside):
    for tensor in line["tensors"]:
        for kind in ("weight", "gradient"):
            if kind not in tensor:
                continue
            event = log.Histograms(f"{kind}s/{tensor['name']}")[place]
            value, ours = event.histogram_value, tensor[kind]
            assert event.step == metrics[line["epoch"] - 1]["step"] and near(value.min, ours["lo"]) and near(value.max, ours["hi"])
            assert list(value.bucket) == ours["counts"] and value.num == sum(ours["counts"]) and near(value.sum / value.num, ours["mean"])
            assert near(value.bucket_limit[-1], ours["hi"]) and len(value.bucket_limit) == len(value.bucket)
            count += 1

pictures = [i for tag in log.Tags()["images"] for i in log.Images(tag)]
assert pictures, "no picture"
for i in pictures:
    png = i.encoded_image_string
    assert png[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">II", png[16:24]) == (i.width, i.height)
print(f"TensorBoard reads {len(log.Tags()['scalars'])} scalars of {len(metrics)} epochs, {count} histograms, {len(pictures)} pictures: all as written")
