#!/usr/bin/env python3
"""Writes tests/support/pytorch.h5: small models of the families (pytorch_families.py, pytorch_sequences.py), and what
PyTorch makes of them.

Needs Debian's python3-torch and a built program; run it by hand where families or initial values are to change. The
test families_match_pytorch.py reads only what it wrote. PyTorch works in float64 here: what our floats are put beside is
the truth to all their digits. For each family:

  config, layer      of ours, without the data's file; the layer whose values are the outputs
  feeds/NAME         the data, in the order of training
  parameters/NAME    [3, ...]: in the beginning; after ten steps; what the optimiser keeps of gradients (MOMENTS)
  outputs            of the model then, in evaluation, for all data; NaN where a position does not count
  losses/PHASE       [10]: of each step

What is printed: the losses, and how far PyTorch's own floats are from that truth, by the largest value of each array.
"""
import os
import sys

import h5py
import numpy
import torch
import yaml

import lockstep
import pytorch_families
import pytorch_sequences
from pytorch_parts import FAMILIES

STEPS = 10
# Of an optimiser of PyTorch: the state that is a mean of gradients, or else of their squares, or the sum of these.
MOMENTS = {"adam": ["exp_avg"], "adamw": ["exp_avg"], "rmsprop": ["grad_avg", "square_avg"], "momentum": ["momentum_buffer"],
           "nesterov": ["momentum_buffer"], "adagrad": ["sum"]}


def initial(name, config, feeds):
    """The program's parameters before the first step; running statistics move even at rate 0."""
    data, path, run = (lockstep.path(name + ending) for ending in (".h5", ".yaml", ""))
    with h5py.File(data, "w") as file:
        for key, values in feeds.items():
            file[key] = values
    with open(path, "w") as file:
        file.write(config)
    lockstep.call("worker", path, "--out", run, data__train=data, train__steps_max=1, train__shuffle="false",
                  optimizer__learning_rate=0, optimizer__weight_decay=0)
    found = lockstep.parameters(lockstep.newest_checkpoint(run))
    for key, values in found.items():
        if key.endswith((".mean", ".variance")):
            values[...] = key.endswith(".variance")
    return {key: values for key, values in found.items() if not key.endswith((".table", ".class_weights"))}


def make_optimizer(options, p):
    """Weights decay; biases, and gains and offsets of norms, do not."""
    rate, name = options["learning_rate"], options["name"]
    decay = options.get("weight_decay", 0)
    groups = [{"params": [v for k, v in p.items() if v.requires_grad and k.endswith("weight") == decays],
               "weight_decay": decay * decays} for decays in (True, False)]
    betas = options.get("beta1", 0.9), options.get("beta2", 0.999)
    if name == "adam":
        return torch.optim.Adam(groups, rate, betas)
    if name == "adamw":
        return torch.optim.AdamW(groups, rate, betas)
    if name == "rmsprop":
        return torch.optim.RMSprop(groups, rate, centered=options.get("centred", False), momentum=options.get("rmsprop_momentum", 0))
    if name == "adagrad":
        return torch.optim.Adagrad(groups, rate, eps=1e-8)
    return torch.optim.SGD(groups, rate, options.get("momentum", 0.9), nesterov=name == "nesterov")


def train(options, batch, p, feeds, model):
    """Ten steps over the data in its order. Returns what the optimisers keep of the gradients, and the losses."""
    rows, at, losses = len(next(iter(feeds.values()))), 0, {}
    phases = list(model(p, {key: values[:batch] for key, values in feeds.items()}, False)[1])
    trained = {phase: {key: v for key, v in p.items() if key.startswith(phase) and v.requires_grad} for phase in phases}
    optimizers = {phase: make_optimizer(options, trained[phase]) for phase in phases}
    for step in range(STEPS):
        part = {key: values[at:at + batch] for key, values in feeds.items()}
        at = at + batch if at + batch < rows else 0
        for phase in phases:
            for values in p.values():
                values.grad = None
            found = model(p, part, True)[1][phase]
            found.backward()
            if options.get("clip_norm"):
                torch.nn.utils.clip_grad_norm_(trained[phase].values(), options["clip_norm"])
            optimizers[phase].step()
            losses.setdefault(phase, []).append(found.item())
    kept = {key: optimizers[phase].state[v] for phase in phases for key, v in trained[phase].items()}
    moments = {key: next(state[name] for name in MOMENTS[options["name"]] if name in state) for key, state in kept.items()}
    return moments, losses


def outcome(kind, options, begin, feeds, model):
    """Parameters, moments, losses and outputs in floats of a kind."""
    torch.set_default_dtype(kind)
    p = {key: torch.tensor(values, dtype=kind) for key, values in begin.items()}
    for key, values in p.items():
        values.requires_grad_(not key.endswith((".mean", ".variance")))
    tensors = {key: torch.tensor(values, dtype=kind if values.dtype.kind == "f" else torch.int64) for key, values in feeds.items()}
    moments, losses = train(options["optimizer"], options["train"]["batch"], p, tensors, model)
    with torch.no_grad():
        return p, moments, losses, model(p, tensors, False)[0].numpy()


def furthest(found, expected):
    return max((abs(found[key].double() - v).max() / abs(v).max(), key) for key, v in expected.items() if abs(v).max() > 0)


def record(group, name, layer, config, feeds, model):
    options, begin = yaml.safe_load(config), initial(name, config, feeds)
    p, moments, losses, outputs = outcome(torch.float64, options, begin, feeds, model)
    group.attrs["config"], group.attrs["layer"] = config, layer
    for key, values in feeds.items():
        group[f"feeds/{key}"] = values
    for key, values in p.items():
        group[f"parameters/{key}"] = numpy.stack([begin[key], values.detach(), moments.get(key, 0 * values).detach()]).astype("f4")
    group["outputs"] = outputs.astype("f4")
    for phase, values in losses.items():
        group[f"losses/{phase}loss"] = numpy.array(values)
    floats = outcome(torch.float32, options, begin, feeds, model)
    print(f"{name}:", *(f"{phase}loss {values[0]:.4f} to {values[-1]:.4f}," for phase, values in losses.items()), "in float",
          *("%.1e (%s)" % furthest(found, expected) for found, expected in ((floats[0], p), (floats[1], moments))))


def main():
    target = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pytorch.h5")
    with h5py.File(target + ".new", "w", libver="latest") as file:
        for name, (layer, config, feeds, model) in FAMILIES.items():
            record(file.create_group(name), name, layer, config.lstrip(), feeds, model)
    os.rename(target + ".new", target)
    print(f"{target}: {os.path.getsize(target)} bytes")


main()
