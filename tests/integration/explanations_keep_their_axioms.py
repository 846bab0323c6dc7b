"""`lockstep explain`: gradients, occlusion and Grad-CAM as NumPy works them out, completeness, exact Shapley values,
interventions on concepts, what prototypes are near to, weights of attention pooling, the same bytes on two ranks, pictures
that say what they show, and errors that name what does not fit."""
import atexit
import itertools
import json
import math
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import h5py
import lockstep
import numpy

OUT = lockstep.path("out")
draw = numpy.random.default_rng(7)


def explain(run, method, *words, out=OUT, expect=0):
    done = lockstep.call("explain", run, method, *words, "--out", out, expect=expect)
    if expect:
        return done.stderr
    with h5py.File(os.path.join(out, method + ".h5")) as file:
        found = {name: item[()] for name, item in file.items()}
        return found | {"of": dict(file.attrs), "said": done.stderr, "printed": done.stdout}


def explain_twice(run, method, *words, files):
    """On one rank and on two."""
    found = explain(run, method, *words)
    explain(run, method, *words, "-n", 2, out=lockstep.path("two"))
    for name in files:
        with open(os.path.join(OUT, name), "rb") as one, open(lockstep.path("two", name), "rb") as two:
            lockstep.check(one.read() == two.read(), f"{name} has other bytes on 2 ranks")
    return found


def parameters_of(run):
    return {name.removeprefix("main."): value.astype("f8")
            for name, value in lockstep.parameters(lockstep.newest_checkpoint(run)).items()}


def softmax(x):
    e = numpy.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def refused(run, method, *words, text):
    said = explain(run, method, *words, expect=2)
    lockstep.check(text in said, f"{method} {words} does not say '{text}':\n{said}")


def close(found, expected, what, tolerance=1e-5):
    found, expected = numpy.asarray(found, "f8"), numpy.asarray(expected, "f8")
    lockstep.equal(found.shape, expected.shape, f"shape of {what}")
    error = numpy.abs(found - expected).max() / max(1e-12, numpy.abs(expected).max())
    lockstep.check(error <= tolerance, f"{what}: off by {error:.2g} of the largest")


def write(name, text):
    with open(lockstep.path(name + ".yaml"), "w") as file:
        file.write(text)
    return lockstep.path(name + ".yaml")


# Images of 6 x 6 pixels, of three classes by where they are bright: a convolution, ReLU and a linear layer.
images = draw.integers(0, 60, (96, 6, 6, 1)).astype("u1")
labels = numpy.arange(96) % 3
for n, label in enumerate(labels):
    images[n, 2 * label:2 * label + 2, 2:5] += 150
labels[7] = 0  # which is wrong: it was 1
with h5py.File(lockstep.path("images.h5"), "w") as file:
    file["inputs"], file["targets"] = images, labels.astype("i4")
cnn = lockstep.path("cnn")
lockstep.train(write("cnn", f"""
task: classification
data: {{train: {lockstep.path("images.h5")}, test: {lockstep.path("images.h5")}}}
model: [conv2d: {{filters: 4, kernel: 3}}, relu, flatten, linear: 3]
train: {{epochs: 6, batch: 24}}
optimizer: {{name: adam, learning_rate: 0.02}}
"""), cnn)
weights = {name: value.astype("f8") for name, value in lockstep.parameters(lockstep.newest_checkpoint(cnn)).items()}
kernel, bias = weights["main.conv2d1.weight" if "main.conv2d1.weight" in weights else "conv2d1.weight"], None
prefix = "main." if "main.conv2d1.weight" in weights else ""
bias, matrix, offset = (weights[prefix + name] for name in ("conv2d1.bias", "linear1.weight", "linear1.bias"))


def convolve(x):
    windows = numpy.lib.stride_tricks.sliding_window_view(x[..., 0], (3, 3), (1, 2))
    return numpy.einsum("nyxij,ijo->nyxo", windows, kernel[:, :, 0]) + bias


def answer(x):
    return numpy.maximum(convolve(x), 0).reshape(len(x), -1) @ matrix + offset


def slopes(x, classes):
    """Of the classes' logits, by the values before ReLU and by the pixels."""
    before = convolve(x)
    at = matrix.T[classes].reshape(before.shape) * (before > 0)
    by = numpy.zeros_like(x)
    for i, j in itertools.product(range(3), range(3)):
        by[:, i:i + 4, j:j + 4, 0] += at @ kernel[i, j, 0]
    return at, by


x = images[:20] / 255.0
logits = answer(x)
predicted = logits.argmax(1)
found = explain_twice(cnn, "saliency", "--samples", "3:20", "--target", "1", files=["saliency.h5", "saliency.png", "saliency.svg"])
close(found["outputs"], logits[3:, 1], "explained logits")
lockstep.equal(list(found["predicted"]), list(predicted[3:]), "predicted classes")
lockstep.equal(list(found["samples"]), list(range(3, 20)), "numbers of the samples")
close(found["attributions"], slopes(x, numpy.full(20, 1))[1][3:], "saliency of class 1")
lockstep.equal([found["of"][k] for k in ("method", "target", "run")], ["saliency", "1", cnn], "attributes")
with open(os.path.join(OUT, "saliency.png"), "rb") as file:
    head = file.read(24)
size = [side.to_bytes(4, "big") for side in (16 * 7 - 1, 3 * 7 - 1)]
lockstep.equal((head[:8], head[16:24]), (b"\x89PNG\r\n\x1a\n", b"".join(size)), "a picture of 17 pairs, 8 in a line")


def svg_texts(method):
    tree = xml.etree.ElementTree.parse(os.path.join(OUT, method + ".svg"))
    return ["".join(element.itertext()) for element in tree.iter("{http://www.w3.org/2000/svg}text")][2:]  # behind the title


lockstep.equal(predicted[7], 1, "prediction where the label is wrong")
captions = [f"row {n}, label {labels[n]}, predicted {predicted[n]}" + (", explained 1" if predicted[n] != 1 else "")
            for n in range(3, 20)]
lockstep.equal(svg_texts("saliency"), captions, "what stands below the pictures")

# Noise of its own: the means of many draws are within a hundredth of each other.
found = explain(cnn, "smooth_gradient", "--samples", "0:2", "--set", "repeats=8192")["attributions"]
for n in range(2):
    noise = draw.normal(size=(8192, 6, 6, 1)) * 0.15 * (x[n].max() - x[n].min())
    close(found[n], slopes(x[n] + noise, numpy.full(8192, predicted[n]))[1].mean(0), "smooth_gradient", 0.01)

found = explain(cnn, "integrated_gradients", "--target", "label")
close(found["baseline_outputs"], answer(numpy.zeros((1, 6, 6, 1)))[0][labels], "outputs at the baseline")
whole = found["outputs"].astype("f8") - found["baseline_outputs"]
gaps = numpy.abs(found["attributions"].sum((1, 2, 3), dtype="f8") - whole)
lockstep.check((gaps <= 1.1e-3 * numpy.abs(whole)).all() or "do not add up" in found["said"], f"gaps {gaps / whole}")
close(found["completeness_gaps"], gaps, "gaps in the file", 0.02)
for n in range(3):
    way = (numpy.arange(1024) + 0.5)[:, None, None, None] / 1024 * x[n]
    close(found["attributions"][n], x[n] * slopes(way, numpy.full(1024, labels[n]))[1].mean(0), "integrated_gradients", 0.01)

found = explain(cnn, "integrated_gradients", "--samples", "0:4", "--set", "baseline=samples", "--set", "baseline_samples=3")
chosen = images[found["baseline_samples"]] / 255.0
lockstep.equal(len(set(found["baseline_samples"])), 3, "training samples that differ")
close(found["baselines"], chosen, "training samples as baselines")
close(found["baseline"], chosen.mean(0), "their mean")
close(found["baseline_outputs"], answer(chosen)[:, predicted[:4]].mean(0), "mean outputs at the baselines")
whole = found["outputs"].astype("f8") - found["baseline_outputs"]
gaps = numpy.abs(found["attributions"].sum((1, 2, 3), dtype="f8") - whole)
lockstep.check((gaps <= 1.1e-3 * numpy.abs(whole)).all(), f"gaps with several baselines {gaps / whole}")

found = explain(cnn, "occlusion", "--samples", "0:20", "--set", "patch=2", "--set", "stride=1", "--set", "baseline=mean",
                "--faithfulness")
mean = (images / 255.0).mean(0)
close(found["baseline"], mean, "the training mean")
lost, covered = numpy.zeros_like(x), numpy.zeros_like(x)
for i, j in itertools.product(range(5), range(5)):
    hidden = x.copy()
    hidden[:, i:i + 2, j:j + 2] = mean[i:i + 2, j:j + 2]
    lost[:, i:i + 2, j:j + 2] += (logits.max(1) - answer(hidden)[range(20), predicted])[:, None, None, None]
    covered[:, i:i + 2, j:j + 2] += 1
close(found["attributions"], lost / covered, "occlusion")
ends = [logits.max(1), answer(mean[None])[0][predicted]]
close(found["deletion"][:, [0, -1]].T, ends, "the ends of the deletion curves")
close(found["insertion"][:, [-1, 0]].T, ends, "the ends of the insertion curves")

found = explain(cnn, "grad_cam", "--samples", "0:20")
alpha = slopes(x, predicted)[0].mean((1, 2))
maps = numpy.maximum(numpy.einsum("nyxk,nk->nyx", convolve(x), alpha), 0)
close(found["maps"], maps, "Grad-CAM's maps")
place = numpy.clip((numpy.arange(6) + 0.5) * 4 / 6 - 0.5, 0, 3)
share = numpy.maximum(0, 1 - numpy.abs(place[:, None] - numpy.arange(4)))
close(found["attributions"][..., 0], numpy.einsum("yi,nij,xj->nyx", share, maps, share), "Grad-CAM")

# A table of four columns; the exact values are sums over all sets, in double.
table = draw.normal(size=(64, 4)) * [1, 10, 0.1, 1] + [0, 5, 1, 0]
with h5py.File(lockstep.path("table.h5"), "w") as file:
    wanted = (table[:, :1] * table[:, 1:2] / 10 + table[:, 3:]) * 20 + 300
    file["inputs"], file["targets"] = table, wanted.astype("f4")
mlp = lockstep.path("mlp")
lockstep.train(write("mlp", f"""
task: regression
data: {{train: {lockstep.path("table.h5")}, standardise: feature, standardise_targets: true}}
model: [linear: 8, tanh, linear: 1]
train: {{epochs: 60, batch: 16}}
optimizer: {{name: adam, learning_rate: 0.02}}
"""), mlp)
weights = parameters_of(mlp)


def predict(rows):
    hidden = numpy.tanh((rows - weights["input.mean"]) * weights["input.scale"] @ weights["linear1.weight"] + weights["linear1.bias"])
    return (hidden @ weights["linear2.weight"] + weights["linear2.bias"])[:, 0] * wanted.std() + wanted.mean()


found = explain(mlp, "shapley", "--samples", "0:3")
lockstep.equal(found["of"]["explained"], "output, in the units of the targets", "what is explained")
close(found["outputs"], predict(table[:3]), "outputs in the units of the targets", 1e-6)
exact = numpy.zeros((3, 4))
for i in range(4):
    for size in range(4):
        for chosen in itertools.combinations([k for k in range(4) if k != i], size):
            with_i, without = numpy.tile(table.mean(0), (2, 3, 1))
            without[:, chosen] = table[:3, chosen]
            with_i[:, chosen + (i,)] = table[:3, chosen + (i,)]
            exact[:, i] += math.factorial(size) * math.factorial(3 - size) / 24 * (predict(with_i) - predict(without))
close(found["attributions"], exact, "exact Shapley values", 1e-6)
found = explain(mlp, "maximise", "--set", "steps=64")
lockstep.check((found["values"] > found["start_values"]).all(), f"ascent over a table: {found['start_values']} to {found['values']}")
close(found["baseline"], table.mean(0), "the mean that it is measured from", 1e-5)
away = numpy.abs(found["inputs"][0] - table.mean(0)) / table.std(0)
lockstep.check(0.1 < away.max() < 64 * 0.02 * 2, f"how far it goes, in deviations: {away}")
found = explain(mlp, "permutation_importance")
measured = json.loads(lockstep.call("evaluate", mlp, "--data", lockstep.path("table.h5"), "--json").stdout)["r2"]
lockstep.check(abs(found["score"] - measured) < 1e-6, f"the score of permutation_importance is {found['score']}, R^2 {measured}")
found = found["attributions"]
lockstep.check(found.argmin() == 2 and 1 > found[1] > 0.1, f"importance of the columns: {found}")

# Texts: each token in the colour of its number, the end of a line as a sign.
with open(lockstep.path("lines.txt"), "w") as file:
    file.write("one two & \n" * 40)
text = lockstep.path("text")
lockstep.train(write("text", f"""
task: language_model
data: {{train: text {lockstep.path("lines.txt")}, window: 12}}
model: [embedding: {{width: 4}}, gru: 8, linear: 8]
train: {{epochs: 1, batch: 8}}
"""), text)
found = explain(text, "occlusion", "--samples", "0:2")
lockstep.equal(found["attributions"].shape, (2, 12), "a number for each token")
shown = svg_texts("occlusion")
lockstep.equal(shown[1:13], list("one\u00a0two\u00a0&\u00a0\u21b5o"), "tokens of the first text")
lockstep.check(shown[0].startswith("row 0, label n, predicted "), f"the first text's caption: {shown[0]}")

with open(text + "/vocabulary.json") as file:
    vocabulary = next(iter(json.load(file).values()))["tokens"]
close(explain(text, "saliency", "--samples", "0:2", "--target", "w")["outputs"],
      explain(text, "saliency", "--samples", "0:2", "--target", str(vocabulary.index("w")))["outputs"], "a token by its text", 0)
refused(text, "saliency", "--target", "ab", text="or the name of one; found 'ab'")
refused(text, "permutation_importance", text="those of this run are tokens")

refused(mlp, "shapley", "--set", "estimator=kernel", "--set", "sets=15", text="at least sets=16")
refused(cnn, "shapley", "--set", "estimator=exact", text="at most 16 features, but there are 36")
refused(cnn, "integrated_gradients", "--set", "baseline=samples", "--set", "baseline_samples=97", text="has 96 samples")

# A bottleneck of three named concepts, a decoder behind a layer of prototypes, and a bag of instances, in one data set each.
points = draw.normal(size=(64, 4)).astype("f4")
true = (points[:, :3] + 0.3 * draw.normal(size=(64, 3)) > 0).astype("f4")
with h5py.File(lockstep.path("concepts.h5"), "w") as file:
    file["inputs"], file["seen"], file["targets"] = points, true, (true @ [1, 1, 2]).astype("i4")
    file["seen"].attrs["columns"] = ["left", "right", "all"]
bottleneck = lockstep.path("bottleneck")
lockstep.call("worker", write("bottleneck", f"""
task: custom
data: {{train: {lockstep.path("concepts.h5")}, feeds: {{inputs: inputs, seen: seen, targets: targets}}}}
model: [linear: {{units: 3, name: logits}}, sigmoid, linear: {{units: 8, name: head}}, tanh, linear: {{units: 5, name: answer}}]
losses: [binary_cross_entropy: {{from: logits, target: seen}}, cross_entropy: {{from: answer}}]
train: {{epochs: 30, batch: 16}}
optimizer: {{name: adam, learning_rate: 0.02}}
"""), "--out", bottleneck)
weights = parameters_of(bottleneck)


def from_concepts(c):
    hidden = numpy.tanh(c @ weights["head.weight"] + weights["head.bias"])
    return hidden @ weights["answer.weight"] + weights["answer.bias"]


seen = 1 / (1 + numpy.exp(-(points @ weights["logits.weight"] + weights["logits.bias"])))
changed = numpy.stack([numpy.full(64, 0.25), seen[:, 1], true[:, 2]], 1)
found = explain_twice(bottleneck, "intervene", "--set", "left=0.25,all=label", files=["intervene.h5"])
close(found["concepts"], seen, "concepts")
close(found["concepts_set"], changed, "concepts, two of them set")
for name, at in ("before", seen), ("after", changed):
    close(found["outputs_" + name], softmax(from_concepts(at)), f"probabilities {name}")
    lockstep.equal(list(found["classes_" + name]), list(from_concepts(at).argmax(1)), f"classes {name}")
    right = (found["classes_" + name] == found["labels"]).mean()
    lockstep.check(f"{right:.4f} {name}" in found["printed"], f"accuracy {name} {right}:\n{found['printed']}")
lockstep.check("left=label, right=label, all=label" != found["of"]["options"], found["of"]["options"])
for k in range(4):
    answers = []
    for chosen in itertools.combinations(range(3), k):
        at = seen.copy()
        at[:, chosen] = true[:, chosen]
        answers.append(from_concepts(at).argmax(1) == found["labels"])
    close(found["corrected"][:, k], numpy.mean(answers, 0), f"answers with {k} concepts corrected")
refused(bottleneck, "intervene", "--set", "lift=1", text="did you mean 'left'?)\nthey are left, right, all")
refused(bottleneck, "intervene", "--set", "left=2", text="a number from 0 to 1")
refused(bottleneck, "intervene", "--layer", "answer", text="does not depend on")
refused(mlp, "intervene", "--set", "a=1", text="no loss of this run judges concepts")

# Of several ends, the one that the config names is explained.
near = lockstep.path("near")
lockstep.call("worker", write("near", f"""
task: custom
answer: class
data: {{train: {lockstep.path("images.h5")}, test: {lockstep.path("images.h5")}}}
model:
  - flatten
  - linear: {{units: 3, name: code}}
  - prototypes: {{count: 4, name: distances}}
  - linear: {{units: 3, name: class}}
  - linear: {{units: 36, from: code, name: draw}}
  - reshape: [6, 6, 1]
losses: [cross_entropy: {{from: class}}, squared_error: {{target: inputs}}]
train: {{epochs: 2, batch: 24}}
optimizer: {{name: adam, learning_rate: 0.01}}
"""), "--out", near)
weights = parameters_of(near)
found = explain_twice(near, "prototypes", "--samples", "2:3", "--set", "count=3", files=["prototypes.h5", "prototypes.png", "prototypes.svg"])
codes = (images / 255.0).reshape(96, -1) @ weights["code.weight"] + weights["code.bias"]
apart = numpy.sqrt(((codes[:, None] - weights["distances.prototypes"]) ** 2).sum(2))
close(found["distances"], apart[2:3], "distances of samples from prototypes")
close(found["similarities"], numpy.log((apart**2 + 1) / (apart**2 + 1e-4))[2:3], "similarities", 1e-4)
close(found["nearest_distances"], numpy.sort(apart, 0)[:3].T, "distances of the nearest")
close(apart[found["nearest"], numpy.arange(4)[:, None]], numpy.sort(apart, 0)[:3].T, "the nearest training images")
lockstep.equal(svg_texts("prototypes")[4], "prototype 1", "what stands below the second prototype")
lockstep.equal(svg_texts("prototypes")[5], f"training {found['nearest'][1, 0]}label {found['nearest_classes'][1, 0]}distance "
               f"{found['nearest_distances'][1, 0]:.4g}", "what stands below the training image nearest to it")
lockstep.equal(found["nearest_classes"].tolist(), labels[found["nearest"]].tolist(), "their classes")
drawn = weights["distances.prototypes"] @ weights["draw.weight"] + weights["draw.bias"]
close(found["pictures"].reshape(4, 36), drawn, "prototypes as the decoder draws them")
with open(os.path.join(OUT, "prototypes.png"), "rb") as file:
    head = file.read(24)
logits = apart**2 @ weights["class.weight"] + weights["class.bias"]
found = explain(near, "saliency", "--samples", "0:4", "--target", "label")
close(found["outputs"], logits[numpy.arange(4), labels[:4]], "logits of the layer that answers", 1e-4)
lockstep.equal(head[16:24], b"".join(side.to_bytes(4, "big") for side in (4 * 7 - 1, 4 * 7 - 1)), "a sheet of 4 times 1 + 3")
refused(cnn, "prototypes", text="no layer prototypes")

page = lockstep.path("page.html")
lockstep.call("report", bottleneck, "--explained", OUT, "--out", page)
with open(page) as file:
    text = file.read()
lockstep.check("answers change; accuracy" in text and "concepts put right" in text and "A line for each prototype" in text,
               "the page does not say what explain found")

bags, sizes = draw.normal(size=(48, 5, 4)).astype("f4"), draw.integers(2, 6, 48).astype("i4")
with h5py.File(lockstep.path("bags.h5"), "w") as file:
    file["inputs"], file["sizes"], file["targets"] = bags, sizes, (bags[:, 0, 0] > 0).astype("i4")
pool = lockstep.path("pool")
lockstep.call("worker", write("pool", f"""
task: classification
data: {{train: {lockstep.path("bags.h5")}, feeds: {{inputs: inputs, sizes: sizes, targets: targets}}}}
model: [attention_pooling: {{gated: true, lengths: sizes, name: pool}}, linear: 2]
train: {{epochs: 4, batch: 16}}
optimizer: {{name: adam, learning_rate: 0.02}}
"""), "--out", pool)
weights = parameters_of(pool)
keys = numpy.tanh(bags @ weights["pool.keys.weight"] + weights["pool.keys.bias"])
keys = keys / (1 + numpy.exp(-(bags @ weights["pool.gate.weight"] + weights["pool.gate.bias"])))
scores = numpy.where(numpy.arange(5) < sizes[:, None], keys @ weights["pool.query"] / 2, -numpy.inf)
found = explain(pool, "attention")
close(found["pool"][:, 0, 0], softmax(scores), "weights of attention pooling")
mean = (softmax(scores)[..., None] * bags).sum(1)
close(found["outputs"], (mean @ weights["linear1.weight"] + weights["linear1.bias"]).max(1), "answers from their mean")

refused(mlp, "grad_cam", text="no convolution")
refused(cnn, "activations", "--layer", "conv2d2", text="nearest is 'main.conv2d1'" if prefix else "nearest is 'conv2d1'")
refused(cnn, "saliency", "--samples", "90:97", text="at most 96")
for words in ((), ("--layer", f"{prefix}conv2d1")):  # a class, a channel
    every, one = (explain(cnn, "maximise", *words, *more) for more in ((), ("--target", "2")))
    close(one["inputs"], every["inputs"][2:3], "what one unit looks for", 0)
refused(cnn, "maximise", "--target", "3", text="--target: expected a unit from 0 to 2, or its name; found '3'")
refused(cnn, "maximise", "--target", "4", "--layer", f"{prefix}conv2d1", text="conv2d1 from 0 to 3; found '4'")
said = lockstep.call("explain", cnn, "filters", "--samples", "0:3", "--out", lockstep.path("said")).stderr
lockstep.equal(said.count("filters looks at no samples: --samples changes nothing"), 1, f"what filters says\n{said}")
refused(cnn, "filters", "--layer", f"{prefix}relu1", text="relu1' has no weights of its own")

# Asked to stop, ranks that would go on for hours end, and say so; alone, it ends when the samples at hand are done.
for ranks, number, permutations in ((2, signal.SIGTERM, 65536), (1, signal.SIGINT, 512)):
    folder = lockstep.path(f"stopped{ranks}")
    process = subprocess.Popen(
        [lockstep.PROGRAM, "explain", cnn, "shapley", "--set", "estimator=permutation", "--set", f"permutations={permutations}",
         "-n", str(ranks), "--out", folder], stderr=subprocess.PIPE, text=True)
    atexit.register(process.kill)
    time.sleep(2 if ranks > 1 else 0.5)
    process.send_signal(number)
    said = process.communicate(timeout=30)[1]
    lockstep.equal(process.returncode, 75, f"exit code of an explanation that was asked to stop, which says\n{said}")
    lockstep.check("stop" in said and "checkpoint" not in said, said)
    lockstep.equal([name for name in os.listdir(folder) if ".tmp-" not in name or ranks == 1], [], "what it leaves")
