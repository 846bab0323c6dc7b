"""Words, missing values, another order of columns, fewer categories, another file for the test part: what
scikit-learn's encoders make of them (values recorded by tests/support/record_scikit_learn.py)."""
import csv
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import h5py
import numpy

from lockstep import call, check, equal, newest_checkpoint, parameters, path, train

with open(os.path.join(os.path.dirname(__file__), "../support/scikit_learn.json"), encoding="utf-8") as file:
    KNOWN = json.load(file)


def write(name, table, columns):
    with open(path(name), "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([["" if row[column] is None else row[column] for column in columns] for row in table])
    return path(name)


os.environ["LOCKSTEP_CACHE"] = path("cache")
train_csv = write("train.csv", KNOWN["train"], ["age", "income", "city", "plan", "kind"])
test_csv = write("test.csv", KNOWN["test"], ["kind", "plan", "income", "city", "age"])


def known(name):
    return numpy.array(KNOWN[name])


for rule in ("mean", "median"):
    for encoding in ("ordinal", "one-hot"):
        options = ["--categorical", "city,plan,kind", "--missing", rule, "--encoding", encoding]
        case = f"{rule}, {encoding}"
        for name, words in (("train", [train_csv, "--target", "kind", *options]), ("test", [test_csv, "--like", path("train.h5")])):
            call("data", "import", "csv", *words, "--out", path(f"{name}.h5"))
            with h5py.File(path(f"{name}.h5")) as file:
                check(numpy.array_equal(file["inputs"][:], known(f"{name}_{rule}_{encoding}").astype("f4")), f"{case}: inputs of {name}")
                equal(file["targets"][:].tolist(), KNOWN[f"{name}_targets"], f"{case}: targets of {name}")
        for name in ("train.h5", "test.h5"):
            os.remove(path(name))

# A model over the standardised table: its metrics are those of scikit-learn's matrix under the same weights.
config = path("table.yaml")
with open(config, "w") as file:
    file.write(f'''data:
  train: "csv {train_csv} --target kind --categorical city,plan,kind --missing mean --encoding one-hot"
  test: "csv {test_csv}"
  standardise: feature
model: [linear: 3]
train: {{epochs: 30, batch: 30, microbatches: 2}}
optimizer: {{learning_rate: 0.1}}
''')
found = train(config, path("run"), ranks=2)["test"]
values = parameters(newest_checkpoint(path("run")))
check(numpy.allclose(values["input.mean"], KNOWN["mean_one-hot_mean"], rtol=1e-6), "the means of the training part")
check(numpy.allclose(values["input.scale"], KNOWN["mean_one-hot_scale"], rtol=1e-5), "its deviations")
inputs = (known("test_mean_one-hot") - KNOWN["mean_one-hot_mean"]) * KNOWN["mean_one-hot_scale"]
logits = inputs @ values["linear1.weight"].astype("f8") + values["linear1.bias"]
targets = known("test_targets")
losses = numpy.log(numpy.exp(logits).sum(1)) - logits[numpy.arange(len(targets)), targets]
check(abs(found["loss"] - losses.mean()) < 1e-5 * losses.mean(), f"loss {found['loss']}, expected {losses.mean()}")
equal(found["accuracy"], numpy.mean(logits.argmax(1) == targets), "accuracy")
check(found["accuracy"] > 0.7, f"accuracy {found['accuracy']}")
