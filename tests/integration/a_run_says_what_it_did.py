"""What a run prints and leaves behind: result.json, metrics.jsonl, and the same numbers from evaluate and predict."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import h5py
import lockstep
import numpy
import xxhash

random = numpy.random.default_rng(1)
inputs = random.normal(size=(90, 5)).astype("f4")
labels = (inputs[:, 0] > 0).astype("i4") + (inputs[:, 1] > 1)
data = lockstep.path("data.h5")
with h5py.File(data, "w") as file:
    file["inputs"], file["targets"] = inputs, labels
config = lockstep.path("config.yaml")
with open(config, "w") as file:
    file.write(f"data: {{train: {data}, test: {data}}}\nmodel: [linear: 6, relu, linear: 3]\n"
               "train: {epochs: 3, batch: 32, microbatches: 4}\n")
run = lockstep.path("run")

done = lockstep.call("train", config, "-n", 1, "--out", run)
lines = done.stdout.splitlines()
lockstep.equal(done.stderr, "", "the error output of a short run that is no terminal's")
lockstep.check(lines[0].startswith(f"{run}: done after 9 steps (3 epochs), ") and lines[0].endswith(" on 1 rank"),
               done.stdout)
lockstep.equal([line.split()[0] for line in lines[1:]], ["train", "test", "parameters"], "lines of a result")

with open(os.path.join(run, "result.json")) as file:
    text = file.read()
lockstep.check(text.endswith("}\n"), "result.json ends in a newline")
result = json.loads(text)
for key, value in {"status": "done", "steps": 9, "epochs": 3, "resumed_from_step": 0, "steps_this_run": 9,
                   "world_size": 1, "validation": None}.items():
    lockstep.equal(result[key], value, f"result.json: {key}")
lockstep.equal(lines[-1].split()[1], result["parameters_digest"], "the digest as printed")
metrics = lockstep.metrics(run)
lockstep.equal([(line["step"], line["epoch"], line["split"]) for line in metrics],
               [(3, 1, "train"), (6, 2, "train"), (9, 3, "train"), (9, 3, "test")], "lines of metrics.jsonl")
lockstep.equal(metrics[-1]["loss"], result["test"]["loss"], "the test loss in both files")

# The finished run says it again and changes nothing.
again = lockstep.call("train", config, "-n", 1, "--out", run)
lockstep.equal((again.stdout, again.stderr), (done.stdout, ""), "the same command again")

# evaluate and predict see the same model.
def test_line():
    return [line for line in lockstep.call("evaluate", run).stdout.splitlines() if line.startswith("test")][-1].split()


shown = test_line()
lockstep.equal(shown[:2], ["test", "loss"], "evaluate")
lockstep.check(abs(float(shown[2]) - result["test"]["loss"]) < 1e-8, f"evaluate: {shown}")
lockstep.call("predict", run, "--data", data, "--out", lockstep.path("out.h5"))
with h5py.File(lockstep.path("out.h5")) as file:
    outputs, classes = file["outputs"][:], file["classes"][:]
lockstep.check((outputs.argmax(1) == classes).all(), "classes are the largest outputs")
lockstep.equal((classes == labels).mean(), result["test"]["accuracy"], "the accuracy of predictions")

# A layer's values: those before and behind a ReLU, which the model runs as one op where nobody asks; nothing else changes.
weights = lockstep.parameters(lockstep.newest_checkpoint(run))
hidden = inputs.astype("f8") @ weights["linear1.weight"] + weights["linear1.bias"]
for layer, expected in {"linear1": hidden, "relu1": numpy.maximum(hidden, 0)}.items():
    lockstep.call("predict", run, "--data", data, "--out", lockstep.path("layer.h5"), "--layer", layer)
    with h5py.File(lockstep.path("layer.h5")) as file:
        lockstep.equal(sorted(file), ["classes", "layer", "outputs"], "what predict writes with a layer")
        lockstep.check(numpy.allclose(file["layer"], expected, rtol=1e-5, atol=1e-6), f"the values of {layer}")
        lockstep.check(numpy.array_equal(file["outputs"], outputs), "the outputs beside a layer's values")
done = lockstep.call("predict", run, "--data", data, "--out", lockstep.path("x.h5"), "--layer", "relu11", expect=2)
lockstep.check("the model has no layer 'relu11'; nearest is 'relu1'" in done.stderr, done.stderr)
done = lockstep.call("predict", run, "--data", data, "--out", lockstep.path("x.h5"), "--layer", "attention", expect=2)
lockstep.check("the model has no layer 'attention'; it has linear1, relu1, linear2" in done.stderr, done.stderr)

# Feeds that only losses take are not needed for answers; the loss on the output says that there are classes.
named = lockstep.path("named.h5")
with h5py.File(named, "w") as file:
    file["inputs"], file["kind"], file["height"] = inputs, labels, inputs[:, :1] * 2
    file["counted"] = numpy.ones(len(labels), "i4")
config = lockstep.path("named.yaml")
with open(config, "w") as file:
    file.write(f"""task: custom
data: {{train: {named}, feeds: {{inputs: /inputs, kind: /kind, height: /height, counted: /counted}}}}
model: [linear: {{units: 1, name: first}}, linear: 3]
losses:
  - squared_error: {{from: first, target: height, lengths: counted, name: aside}}
  - cross_entropy: {{target: kind}}
train: {{epochs: 1, batch: 30, microbatches: 3}}
""")
lockstep.train(config, lockstep.path("named"))
with h5py.File(named, "a") as file:
    del file["kind"], file["height"], file["counted"]
lockstep.call("predict", lockstep.path("named"), "--data", named, "--out", lockstep.path("out.h5"))
with h5py.File(lockstep.path("out.h5")) as file:
    lockstep.check((file["outputs"][:].argmax(1) == file["classes"][:]).all(), "classes of the second of two losses")

# A checkpoint of other numerics is read, but not continued.
manifest = os.path.join(lockstep.newest_checkpoint(run), "manifest")
with open(manifest) as file:
    text = file.read().rsplit("digest: ", 1)[0]
version = json.loads(text)["state"]["numerics_version"]
text = text.replace(f'"numerics_version": {version}', f'"numerics_version": {version - 1}')
with open(manifest, "w") as file:
    file.write(f"{text}digest: {xxhash.xxh64(text.encode()).hexdigest()}\n")
lockstep.equal(test_line(), shown, "evaluate of other numerics")
lockstep.call("predict", run, "--data", data, "--out", lockstep.path("out.h5"))
done = lockstep.call("train", lockstep.path("config.yaml"), "-n", 1, "--out", run, expect=2)
lockstep.check(f"written with numerics version {version - 1}, this program has {version}" in done.stderr, done.stderr)
