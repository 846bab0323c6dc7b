#!/usr/bin/env python3
"""Writes tests/support/weights.h5: small models of PyTorch (pytorch_models.py), their state_dict as a file of safetensors,
and what they answer in evaluation. Needs Debian's python3-torch; run it by hand where models are to change. The test
weights_go_out_and_come_in.py reads only what it wrote. PyTorch works in float64 here, with the weights as they are stored.

  record_weights.py full     writes nothing: ResNet-20 of CIFAR and a GPT of nanoGPT's size against the built program

For each model:

  config, map, layer    of ours; the layer whose values are the outputs
  file                  the bytes of safetensors
  feeds/NAME, outputs   images are channels last
"""
import json
import os
import struct
import sys

import h5py
import numpy
import torch

import lockstep
import pytorch_models
from pytorch_models import MODELS

TYPES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.float64: "F64", torch.int64: "I64"}


def raw(tensor):
    tensor = tensor.detach().contiguous()
    return (tensor.view(torch.int16) if tensor.dtype == torch.bfloat16 else tensor).numpy().tobytes()


def safetensors(tensors):
    """The bytes of a file, as safetensors.torch.save_file writes it: sorted by type and name."""
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name in sorted(tensors, key=lambda n: (-tensors[n].element_size(), n)):
        values = raw(tensors[name])
        header[name] = {"dtype": TYPES[tensors[name].dtype], "shape": list(tensors[name].shape),
                        "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def shake(module, store):
    """Parameters away from what initialisers make, as the type in the file has them."""
    generator = torch.Generator().manual_seed(3)
    for name, tensor in module.state_dict().items():
        if not tensor.is_floating_point() or name.endswith("pe"):
            continue
        noise = torch.rand(tensor.shape, generator=generator)
        values = 0.5 + noise if name.endswith("running_var") else tensor + 0.1 * noise - 0.05
        tensor.copy_(values.to(store).to(tensor.dtype))


def record(spec):
    torch.manual_seed(1)
    torch.set_default_dtype(torch.float32)
    module = spec["make"]()
    with torch.no_grad():
        shake(module, spec["store"])
        turned = getattr(module, "turned", ())
        stored = {name: (value.T if name.endswith(turned) and turned else value).to(
            spec["store"] if value.is_floating_point() else value.dtype) for name, value in module.state_dict().items()
            if name not in spec["leave"]}
        torch.set_default_dtype(torch.float64)
        module = module.double().eval()
        feeds = {name: torch.tensor(values, dtype=torch.float64 if values.dtype.kind == "f" else torch.int64)
                 for name, values in spec["feeds"].items() if name not in ("targets", "images")}
        outputs = module(**feeds).numpy().astype("f4")
    return safetensors(stored), outputs


def compare(name, spec, file, outputs):
    """The built program's answers."""
    data, config, names, weights, run, answers = (lockstep.path(name + end) for end in (
        ".h5", ".yaml", ".map", ".safetensors", "", "-answers.h5"))
    with h5py.File(data, "w") as target:
        for key, values in spec["feeds"].items():
            target[key] = values
    for path, content in (config, spec["config"].encode()), (names, spec["map"].encode()), (weights, file):
        with open(path, "wb") as target:
            target.write(content)
    lockstep.call("import-weights", weights, "--config", config, "--map", names, "--out", run, data__train=data)
    lockstep.call("predict", run, "--data", data, "--layer", spec["layer"], "--out", answers)
    with h5py.File(answers) as source:
        found = source["layer"][()]
    difference, largest = abs(found - outputs).max(), abs(outputs).max()
    print(f"{name}: {difference:.1e} apart, the largest output is {largest:.2f}")
    lockstep.check(difference <= 1e-5 * max(largest, 1), f"{name}: more than 1e-5 apart")


def full():
    numbers, whole = pytorch_models.numbers, pytorch_models.whole
    names = pytorch_models.RESNET_MAP
    short = MODELS["resnet"]["map"]
    for option, names in ("A", short), ("B", names):
        spec = dict(layer="linear1", config=pytorch_models.resnet_config(16, 3, option), map=names, store=torch.float32, leave=(),
                    feeds=dict(inputs=numbers(16, 32, 32, 3), targets=whole(10, 16)),
                    make=lambda option=option: pytorch_models.ResNet(16, 3, option))
        compare(f"resnet20{option}", spec, *record(spec))
    for tied in False, True:
        names = pytorch_models.GPT_MAP.replace("lm_head: head", "lm_head:" if tied else "lm_head: head")
        spec = dict(layer="head", config=pytorch_models.gpt_config(65, 128, 4, 4, tied), map=names, store=torch.float32, leave=(),
                    feeds=dict(inputs=whole(65, 12, 64), targets=whole(65, 12, 64)),
                    make=lambda tied=tied: pytorch_models.GPT(65, 64, 128, 4, 4, tied))
        compare(f"gpt{'-tied' * tied}", spec, *record(spec))


def main():
    if sys.argv[1:] == ["full"]:
        return full()
    target = os.path.join(os.path.dirname(os.path.abspath(__file__)), "weights.h5")
    with h5py.File(target + ".new", "w", libver="latest") as file:
        for name, spec in MODELS.items():
            content, outputs = record(spec)
            group = file.create_group(name)
            group.attrs.update(config=spec["config"], map=spec["map"], layer=spec["layer"])
            group.create_dataset("file", data=numpy.frombuffer(content, "u1"), compression="gzip", compression_opts=9)
            group["outputs"] = outputs
            for key, values in spec["feeds"].items():
                group[f"feeds/{key}"] = values
    os.rename(target + ".new", target)
    print(f"{target}: {os.path.getsize(target)} bytes")


main()
