"""Small models of every family, trained for ten steps, are those that PyTorch makes: the losses of each
step, what the optimiser keeps of the gradients, the parameters and the outputs (recorded in float64 by
support/record_pytorch.py). A difference is measured by the largest value of its array, and is at most 1e-5 of that.

  families_match_pytorch.py [FAMILY...]     says how much each differs; without names: all that were recorded

What our generator draws (dropout, noise, masks) is left out, as another one cannot draw it; here noise is a feed."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import h5py
import numpy

from lockstep import call, check, fail, metrics, newest_checkpoint, parameters, path

ALLOWED, STEPS = 1e-5, 10
RECORDED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support/pytorch.h5")


def load(group):
    found = {key: {name: item[()] for name, item in group[key].items()} for key in ("feeds", "parameters", "losses")}
    return dict(found, outputs=group["outputs"][()], **group.attrs)


def moments(checkpoint):
    """The mean of the gradients, as an optimiser keeps it; else what it keeps of their squares."""
    with h5py.File(os.path.join(checkpoint, "index.h5"), "r") as file:
        kind = next(kind for kind in ("moment1", "momentum", "moment2", "sum_of_squares") if kind in file["optimizer"])
        return {name: item[()] for name, item in file["optimizer"][kind].items()}


class Comparison:
    """What differs most of each kind."""

    def __init__(self, family):
        self.family, self.worst = family, {}

    def compare(self, kind, name, found, expected):
        check(found.shape == expected.shape, f"{self.family}: {name} is {found.shape}, expected {expected.shape}")
        counts = ~numpy.isnan(expected)
        largest = numpy.abs(expected[counts]).max()
        difference = numpy.abs(found[counts].astype("f8") - expected[counts]).max() / (largest or 1)
        self.worst[kind] = max(self.worst.get(kind, (0, "")), (difference, name))

    def show(self):
        shown = ", ".join(f"{kind} {difference:.1e} ({name})" for kind, (difference, name) in self.worst.items())
        return f"{self.family}: {shown}"


def run(name, family):
    data, config, folder, answers = (path(name + ending) for ending in (".h5", ".yaml", "", "-answers.h5"))
    with h5py.File(data, "w") as file:
        for key, values in family["feeds"].items():
            file[key] = values
    with open(config, "w") as file:
        file.write(family["config"])
    call("worker", config, "--out", folder, data__train=data, train__steps_max=STEPS, train__shuffle="false", log__every_steps=1,
         checkpoint__every_epochs=0)
    call("predict", folder, "--data", data, "--layer", family["layer"], "--out", answers)
    with h5py.File(answers) as file:
        return folder, file["layer"][()]


def compare(name, family):
    folder, outputs = run(name, family)
    comparison = Comparison(name)
    checkpoint = newest_checkpoint(folder)
    gradients, after = moments(checkpoint), parameters(checkpoint)
    for key, (_, expected, gradient) in family["parameters"].items():
        comparison.compare("parameters", key, after[key], expected)
        if key in gradients:
            comparison.compare("gradients", key, gradients[key], gradient)
    lines = [line for line in metrics(folder) if line["split"] == "train" and "step" in line][:STEPS]
    for key, values in family["losses"].items():
        comparison.compare("losses", key, numpy.array([line[key] for line in lines]), values)
    comparison.compare("outputs", family["layer"], outputs, family["outputs"])
    print(comparison.show(), flush=True)
    return comparison


with h5py.File(RECORDED) as recorded:
    families = {name: load(recorded[name]) for name in sys.argv[1:] or recorded}
found = [compare(name, family) for name, family in families.items()]
wrong = [comparison.show() for comparison in found if max(comparison.worst.values())[0] > ALLOWED]
if wrong:
    fail(f"more than {ALLOWED} apart (where initial values were to change: support/record_pytorch.py):\n" + "\n".join(wrong))
