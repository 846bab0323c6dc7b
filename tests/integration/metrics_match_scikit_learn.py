"""Metrics of classes and of labels: those that scikit-learn found for the same logits (support/record_metrics.py)."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import h5py
import lockstep
import numpy

with open(os.path.join(os.path.dirname(os.path.abspath(lockstep.__file__)), "metrics.json")) as file:
    cases = json.load(file)


def evaluated(name, case, ranks):
    """A loss on the inputs themselves, beside one that has something to learn."""
    logits, labels = numpy.array(case["logits"], "f4"), numpy.array(case["labels"], "i4")
    data, config, run = (lockstep.path(name + ending) for ending in (".h5", ".yaml", ""))
    with h5py.File(data, "w") as file:
        file["inputs"], file["targets"], file["zeros"] = logits, labels, numpy.zeros((len(logits), 1), "f4")
    loss = "binary_cross_entropy: {labels: true, " if labels.ndim > 1 else "cross_entropy: {"
    with open(config, "w") as file:
        file.write(f"""task: custom
data: {{train: {data}, validation: {data}, feeds: {{inputs: /inputs, targets: /targets, zeros: /zeros}}}}
model: [linear: 1]
losses:
  - {loss}from: inputs, target: targets, name: judged}}
  - squared_error: {{target: zeros, name: learned}}
train: {{epochs: 1, batch: 24, microbatches: 4, patience: 1, watch: judged.auroc}}
""")
    result = lockstep.train(config, run, ranks=ranks)
    shown = json.loads(lockstep.call("evaluate", run, "--json").stdout)
    return result["validation"], shown


for ranks, (name, case) in enumerate(cases.items(), 1):
    result, shown = evaluated(name, case, min(ranks, 3))
    for metric, expected in case["metrics"].items():
        lockstep.check(abs(shown["judged." + metric] - expected) < 1e-6 * max(1, abs(expected)),
                       f"{name}: {metric} is {shown['judged.' + metric]}, scikit-learn has {expected}")
        lockstep.equal(result["judged." + metric], shown["judged." + metric], f"{name}: {metric} of the run and of evaluate")
    for k, expected in enumerate(case["classes"]):
        for metric, value in expected.items():
            lockstep.check(abs(shown["judged.classes"][str(k)][metric] - value) < 1e-12,
                           f"{name}: {metric} of class {k}: {shown['judged.classes']}")

# Plain names where there is one loss; weights of classes that follow from the training data, as scikit-learn balances them.
labels = numpy.array([0] * 60 + [1] * 30 + [2] * 6, "i4")
data, config, run = lockstep.path("skewed.h5"), lockstep.path("skewed.yaml"), lockstep.path("skewed")
with h5py.File(data, "w") as file:
    file["inputs"], file["targets"] = numpy.random.default_rng(1).normal(size=(96, 4)).astype("f4"), labels
with open(config, "w") as file:
    file.write(f"data: {{train: {data}, test: {data}}}\nloss: {{class_weights: balanced}}\nmodel: [linear: 3]\n"
               "train: {epochs: 2, batch: 24, microbatches: 4}\n")
digests = {lockstep.train(config, f"{run}{ranks}", ranks=ranks)["parameters_digest"] for ranks in (1, 3)}
lockstep.equal(len(digests), 1, "digests of a run with balanced weights on 1 and 3 ranks")
weights = lockstep.parameters(lockstep.newest_checkpoint(run + "1"))["loss.class_weights"]
lockstep.check(numpy.allclose(weights, 96 / (3 * numpy.bincount(labels)), rtol=1e-6), f"balanced weights are {weights}")
shown = json.loads(lockstep.call("evaluate", run + "1", "--json").stdout)
for name in ("loss", "accuracy", "precision", "recall", "f1", "auroc", "log_loss"):
    lockstep.check(isinstance(shown[name], float) and shown[name] == shown["test"][name], f"evaluate --json: {name} in {shown}")

# Several labels of a sample as a task of its own; other targets than 0 and 1 are refused.
data = lockstep.path("labels.h5")
with h5py.File(data, "w") as file:
    file["inputs"], file["targets"] = numpy.eye(4, dtype="f4")[labels], (labels[:, None] > [0, 1]).astype("u1")
    file["targets"].attrs["columns"] = ["some", "many"]
    file["classes"] = labels
with open(config, "w") as file:
    file.write(f"task: multi_label\ndata: {{train: {data}, test: {data}}}\nmodel: [linear: 2]\n"
               "train: {epochs: 60, batch: 96, microbatches: 4}\noptimizer: {learning_rate: 0.1}\n")
result = lockstep.train(config, lockstep.path("labels"))
lockstep.equal([result["test"][name] for name in ("f1", "subset_accuracy", "auroc")], [1, 1, 1], "a task of labels")
lockstep.equal({name: scores["support"] for name, scores in result["test"]["classes"].items()}, {"some": 36, "many": 6},
               "labels by the names that the attribute `columns` gives them")

# Each of two losses has its own classes, under the name that its metrics have.
with open(config, "w") as file:
    file.write(f"task: custom\ndata: {{train: {data}, test: {data}, feeds: {{inputs: {{column: inputs}}, labels: {{column: targets}}, "
               "targets: {column: classes}}}\nmodel: [linear: {units: 2, name: both}, linear: 3]\n"
               "losses:\n  - binary_cross_entropy: {from: both, target: labels, labels: true, name: several}\n"
               "  - cross_entropy: {name: one}\ntrain: {epochs: 60, batch: 96, microbatches: 4}\noptimizer: {learning_rate: 0.1}\n")
test = lockstep.train(config, lockstep.path("both"), ranks=2)["test"]
lockstep.equal([{name: scores["support"] for name, scores in test[f"{term}.classes"].items()} for term in ("several", "one")],
               [{"some": 36, "many": 6}, {"0": 60, "1": 30, "2": 6}], "classes of each loss")
lockstep.equal([sum(row) for row in test["one.confusion"]], [60, 30, 6], "rows of the confusion matrix of one of two losses")
lockstep.check("classes" not in test and "confusion" not in test, f"classes of no loss in particular: {test}")
done = lockstep.call("evaluate", lockstep.path("both"), "--confusion").stdout
lockstep.check("\n  one:\n  0 " in done and "several:" not in done, f"evaluate --confusion: {done}")
page = lockstep.path("both.html")
lockstep.call("report", lockstep.path("both"), "--out", page)
with open(page) as file:
    page = file.read()
lockstep.check("<h3>several</h3>" in page and "<h3>one</h3>" in page and "<td>many</td>" in page, "the report's classes of both losses")
with h5py.File(data, "a") as file:
    file["targets"][5, 1] = 2
done = lockstep.call("train", config, "-n", 1, "--out", lockstep.path("bad"), expect=2)
lockstep.check("labels.h5" in done.stderr and "row 5" in done.stderr, done.stderr)
