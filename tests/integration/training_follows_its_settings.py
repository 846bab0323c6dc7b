"""What settings of loss, clipping, schedule, averaging and early stopping do to a run, against NumPy."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import h5py
import lockstep
import numpy

random = numpy.random.default_rng(1)
inputs = random.normal(size=(96, 6)).astype("f4")
labels = (numpy.arange(96) % 3).astype("i4")


def data(name, values, targets=labels):
    with h5py.File(lockstep.path(name), "w") as file:
        file["inputs"], file["targets"] = values, targets
    return lockstep.path(name)


def config(name, source, **keys):
    sections = {"train": "epochs: 2, batch: 32, microbatches: 4", "optimizer": "name: sgd, learning_rate: 0.1", **keys}
    with open(lockstep.path(name), "w") as file:
        file.write(f"data: {{train: {source}{sections.pop('data', '')}}}\nmodel: [linear: 3]\n")
        file.writelines(f"{section}: {{{text}}}\n" for section, text in sections.items())
    return lockstep.path(name)


def weights(run):
    found = lockstep.parameters(lockstep.newest_checkpoint(run))
    return found["linear1.weight"].astype("f8"), found["linear1.bias"].astype("f8")


def log_softmax(run):
    weight, bias = weights(run)
    logits = inputs.astype("f8") @ weight + bias
    return logits - numpy.log(numpy.exp(logits).sum(1, keepdims=True))


good = data("good.h5", inputs)

# Label smoothing gives each class its share by that class's weight, as PyTorch has it.
smoothed = config("smoothed.yaml", good, data=f", test: {good}", loss="label_smoothing: 0.2, class_weights: [0.2, 0.7, 3]")
result = lockstep.train(smoothed, lockstep.path("smoothed"))
logs, own = log_softmax(lockstep.path("smoothed")), numpy.array([0.2, 0.7, 3])
expected = (0.8 * own[labels] * -logs[numpy.arange(96), labels] - 0.2 / 3 * (logs * own).sum(1)).sum() / own[labels].sum()
lockstep.check(abs(result["test"]["loss"] - expected) < 1e-5, f"loss {result['test']['loss']}, expected {expected}")

# Clipping by norm goes by the norm of what clipping by value leaves.
clipped = config("clipped.yaml", good, train="epochs: 1, batch: 96, microbatches: 4")
lockstep.train(clipped, lockstep.path("before"), optimizer__learning_rate=0)
lockstep.train(clipped, lockstep.path("after"), optimizer__learning_rate=1, optimizer__clip_value=0.05,
               optimizer__clip_norm=0.1)
slopes = (numpy.exp(log_softmax(lockstep.path("before"))) - numpy.eye(3)[labels]) / 96
gradient = [numpy.clip(g, -0.05, 0.05) for g in (inputs.T.astype("f8") @ slopes, slopes.sum(0))]
norm = numpy.sqrt(sum((g**2).sum() for g in gradient))
lockstep.check(norm > 0.1, f"the norm of the clipped gradient is {norm}: nothing to clip")
for g, p, q in zip(gradient, weights(lockstep.path("before")), weights(lockstep.path("after"))):
    lockstep.check(numpy.allclose(p - q, g * (0.1 / norm), rtol=1e-4, atol=1e-7), f"{p - q}\nexpected {g * 0.1 / norm}")

# More epochs behind the end of a schedule: said, and the schedule may be extended, not cut.
run, falling = lockstep.path("falling"), config("falling.yaml", good, schedule="name: cosine")
lockstep.train(falling, run)
done = lockstep.call("train", falling, "-n", 1, "--out", run, train__epochs=3)
lockstep.check("the schedule ends at step 6: 3 steps behind it have the learning rate 0; schedule.steps: 9 extends it"
               in done.stdout + done.stderr, f"nothing about the schedule:\n{done.stdout}{done.stderr}")
lockstep.equal(lockstep.metrics(run)[-1]["learning_rate"], 0, "the rate behind the schedule's end")
lockstep.call("train", falling, "-n", 1, "--out", run, train__epochs=4, schedule__steps=12)
rate = lockstep.metrics(run)[-1]["learning_rate"]
lockstep.check(abs(rate - 0.05 * (1 + numpy.cos(numpy.pi * 11 / 12))) < 1e-9, f"the extended schedule's last rate is {rate}")
done = lockstep.call("train", falling, "-n", 1, "--out", run, train__epochs=5, schedule__steps=11, expect=2)
lockstep.check("schedule.steps is 11, but the schedule of this run has 12 steps" in done.stderr, done.stderr)
done = lockstep.call("train", falling, "-n", 1, "--out", run, train__epochs=5)
lockstep.check("the schedule ends at step 12" in done.stdout + done.stderr, "the extension was forgotten")

# No metric that is ever a number is a failure, with early stopping and without.
huge = data("huge.h5", numpy.full((96, 6), 3e38, "f4") * numpy.sign(inputs))
patient = config("patient.yaml", good, data=f", validation: {huge}", train="epochs: 9, batch: 32, microbatches: 4, patience: 2")
done = lockstep.call("train", patient, "-n", 1, "--out", lockstep.path("patient"), train__watch="loss", expect=5)
lockstep.check("no loss that is a number for 2 epochs" in done.stderr, done.stderr)
lockstep.equal(lockstep.result(lockstep.path("patient"))["status"], "failed", "the status of a run without a number")
lost = config("lost.yaml", huge, train="epochs: 2, batch: 32, microbatches: 4, stop_not_finite: false")
done = lockstep.call("train", lost, "-n", 1, "--out", lockstep.path("lost"), expect=5)
lockstep.check("the loss is not a number in any part of the data" in done.stderr, done.stderr)
lockstep.equal(lockstep.result(lockstep.path("lost"))["status"], "failed", "the status of a run that never had a number")

# A moving average of the weights is what is measured; checkpoints have both.
run, averaged = lockstep.path("averaged"), config("averaged.yaml", good, data=f", test: {good}")
result = lockstep.train(averaged, run, 2, train__average=0.8, checkpoint__every_steps=1, checkpoint__keep=9)
folder = os.path.join(run, "checkpoints")
steps = [lockstep.parameters(os.path.join(folder, name)) for name in sorted(os.listdir(folder))]
lockstep.equal(len(steps), 6, "checkpoints")
with h5py.File(os.path.join(lockstep.newest_checkpoint(run), "index.h5")) as file:
    mean = {name: file["average/" + name][()] for name in steps[0]}
for name, found in mean.items():
    expected = numpy.average([step[name] for step in steps], axis=0, weights=0.8 ** numpy.arange(5, -1, -1.0))
    lockstep.check(numpy.allclose(found, expected, rtol=1e-5, atol=1e-7), f"{name}: {found}, expected {expected}")
logits = inputs.astype("f8") @ mean["linear1.weight"] + mean["linear1.bias"]
expected = (numpy.log(numpy.exp(logits).sum(1)) - logits[numpy.arange(96), labels]).mean()
lockstep.check(abs(result["test"]["loss"] - expected) < 1e-5, f"loss {result['test']['loss']}, expected {expected}")
lockstep.equal(result["parameters_digest"], lockstep.digest(steps[-1]), "the digest of what the steps left")
shown = lockstep.call("evaluate", run).stdout
lockstep.check(f"loss {result['test']['loss']:.9g}" in shown, f"evaluate says {shown}, expected {result['test']['loss']}")

# A validation that gets worse from the first epoch on: the best checkpoint stays and is used, and rates fall.
inputs = inputs + 3 * numpy.eye(3, 6, dtype="f4")[labels]
clear, wrong = data("clear.h5", inputs), data("wrong.h5", inputs, (labels + 1) % 3)
worse = config("worse.yaml", clear, data=f", validation: {wrong}, test: {clear}", train="epochs: 4, batch: 32, microbatches: 4, watch: loss",
               schedule="name: plateau, patience: 1", checkpoint="keep_best: true", log="every_steps: 3, gradient_norms: true")
run = lockstep.path("worse")
result = lockstep.train(worse, run, 2, optimizer__learning_rate=0.1)
lockstep.equal(sorted(os.listdir(os.path.join(run, "checkpoints"))), [f"step-{step:010}" for step in (3, 9, 12)], "checkpoints")
best = lockstep.parameters(os.path.join(run, "checkpoints", "step-0000000003"))
logits = inputs.astype("f8") @ best["linear1.weight"] + best["linear1.bias"]
expected = (numpy.log(numpy.exp(logits).sum(1)) - logits[numpy.arange(96), labels]).mean()
lockstep.check(abs(result["test"]["loss"] - expected) < 1e-5, f"loss {result['test']['loss']}, expected {expected}")
lockstep.equal((result["best"]["epoch"], result["best"]["step"], result["best"]["metric"]), (1, 3, "loss"), "the best")
lockstep.equal(result["best"]["value"], result["validation"]["loss"], "the validation's loss at the end")
lockstep.equal(result["parameters_digest"], lockstep.digest(lockstep.parameters(lockstep.newest_checkpoint(run))), "the digest")
lockstep.check(f"{run}: step 3\n" in lockstep.call("evaluate", run).stdout, "evaluate uses another step")
lines = [line for line in lockstep.metrics(run) if line["split"] == "train"]
lockstep.check(numpy.allclose([line["learning_rate"] for line in lines], [0.1, 0.1, 0.01, 0.001]), f"rates {lines}")
lockstep.check(all(abs(line["gradient_norm.linear1"] - line["gradient_norm"]) < 1e-12 for line in lines), f"norms {lines}")
with open(lockstep.path("worse", "checkpoints", "step-0000000003", "manifest"), "a") as file:
    file.write("damage")
lockstep.check("the best checkpoint of" in lockstep.call("evaluate", run).stderr, "damage to the best checkpoint is not said")

# The finder leaves nothing behind.
done = lockstep.call("train", clipped, "--find-rate", "--out", lockstep.path("found"))
lockstep.check("suggested: optimizer.learning_rate: " in done.stdout, f"no rate found:\n{done.stdout}{done.stderr}")
lockstep.check(not os.path.exists(lockstep.path("found")), "the finder left a run")
