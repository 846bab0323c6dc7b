"""start: parameters begin with another run's values by their names; what does not fit is said, and touches nothing. A
run that goes on reads it no more. Raw texts are read with the first run's words."""
import json
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import h5py
import lockstep
import numpy

random = numpy.random.default_rng(2)
DATA = lockstep.path("data.h5")
with h5py.File(DATA, "w") as file:
    file["inputs"] = random.normal(size=(60, 4)).astype("f4")
    file["targets"] = (numpy.arange(60) % 3).astype("i4")


def write(name, text):
    with open(lockstep.path(name), "w") as file:
        file.write(text)
    return lockstep.path(name)


def config(name, layers, more=""):
    return write(name, f"data: {{train: {DATA}, standardise: feature}}\nmodel: {layers}\n"
                       f"train: {{epochs: 1, batch: 20, microbatches: 4}}\n{more}")


def parameters(run):
    return lockstep.parameters(lockstep.newest_checkpoint(run))


def refused(parts, path, **settings):
    """Training ends with an error that has all parts, and leaves no run."""
    run = lockstep.path("refused")
    done = lockstep.call("train", path, "-n", 1, "--out", run, expect=2, **settings)
    for part in parts:
        lockstep.check(part in done.stderr, f"expected '{part}', found\n{done.stderr}")
    lockstep.check(not os.path.exists(run), f"{run} is there after an error")


BODY = "[{linear: {units: 5, name: body}}, {batch_norm: {name: norm}}, tanh, {linear: {units: %d, name: head}}]"
first = lockstep.path("runs", "first")
lockstep.train(config("first.yaml", BODY % 3), first)
before = parameters(first)

# At rate 0 nothing moves but statistics, which are frozen here: what a run ends with, it began with.
STILL = "optimizer: {name: sgd, learning_rate: 0}\nstart: {from: %s, except: [head]}\n" % first
other = config("other.yaml", BODY % 7, STILL)
run = lockstep.path("other")
done = lockstep.call("train", other, "-n", 2, "--out", run, train__frozen="[norm]")
lockstep.check("start: 8 of 10 parameters are those of" in done.stderr and
               "as without start: head.bias, head.weight; not used of it: head.bias, head.weight" in done.stderr,
               f"expected what was taken, found\n{done.stderr}")
fresh = lockstep.path("fresh")
lockstep.train(other, fresh, 1, start__from="", train__frozen="[norm]")
found, own = parameters(run), parameters(fresh)
for name in found:
    expected = own[name] if name.startswith("head") else before[name]
    lockstep.check(numpy.array_equal(found[name], expected), f"{name} is {found[name]}, expected {expected}")
start = lockstep.result(run)["start"]
lockstep.equal(start["from"], first, "where the run says it started from")
lockstep.equal(start["step"], 3, "of which step")
lockstep.equal((len(start["taken"]), start["own"], start["unused"]), (8, ["head.bias", "head.weight"], ["head.bias", "head.weight"]), "what was taken")
manifest = open(os.path.join(lockstep.newest_checkpoint(run), "manifest")).read()
lockstep.equal(json.loads(manifest[:manifest.index("digest: ")])["state"]["start"], start, "the manifest's record")

# What does not fit.
refused(["other.yaml:", "start.from: ", "does not fit this model:", "head.weight: expected 5x7, as this model has it, found 5x3",
         "head.bias: expected 7"], other, start__except="[]")
refused(["--set start.need=[head]: error: start.need: head.", "is needed, but start.except leaves it out"], other, start__need="[head]")
refused(["start.need: the model has no parameter 'boody'", "nearest is 'body'"], other, start__need="[boody]")
refused(["start.from: there is no run /nowhere/at/all"], other, start__from="/nowhere/at/all")
refused(["has no checkpoint"], other, start__from=lockstep.path())
deeper = config("deeper.yaml", BODY.replace("tanh", "tanh, {linear: {units: 5, name: middle}}") % 3, f"start: {{from: {first}, need: [body, middle]}}\n")
refused(["start.need: ", "middle.weight: expected 5x5, as this model has it, found none of that name"], deeper)
lockstep.train(deeper, lockstep.path("deeper"), 1, start__need="body", start__from=os.path.join(lockstep.newest_checkpoint(first)))
refused(["train.frozen: the model has nothing to learn: all its parameters are frozen"], other, train__frozen="['*']")
refused(["train.frozen: the model has no parameter 'noorm'", "nearest is 'norm'"], other, train__frozen="[noorm]")
done = lockstep.call("train", other, "-n", 1, "--out", first, "--restart", expect=2)
lockstep.check("is the run itself" in done.stderr, done.stderr)

# Words: the second text is read with the first one's, also by a table that a linear layer shared.
texts = [write("a.txt", "to be or not to be that is the question to be\n" * 9),
         write("b.txt", "the question is not that to be or new is to be\n" * 9)]
TEXT = """task: language_model
data: {train: "text %s --unit word --special", window: 4}
model: [{embedding: {width: 6, name: tokens}}, {linear: {units: 6, name: body}}, %s]
train: {epochs: 1, batch: 8, microbatches: 2}
"""
bert = lockstep.path("bert")
lockstep.train(write("tied.yaml", TEXT % (texts[0], "{linear: {weight_of: tokens, bias: false, name: head}}")), bert)
tuned = write("tuned.yaml", TEXT % (texts[1], "{linear: {units: vocabulary, name: last}}") + f"start: {{from: {bert}, need: tokens}}\noptimizer: {{name: sgd, learning_rate: 0}}\n")
run = lockstep.path("tuned")
lockstep.train(tuned, run, 2, train__steps_max=3)
words = [json.load(open(os.path.join(folder, "vocabulary.json"))) for folder in (bert, run)]
lockstep.equal(words[1], words[0], "the words of the second run")
table, shared = parameters(run)["tokens.weight"], parameters(bert)["tokens.weight"]
lockstep.check(numpy.array_equal(table, shared.T), f"the table is {table}, expected {shared.T}")
others = write("c.txt", "or or or not not that that to be is the question\n" * 9)  # as many words, in another order
lockstep.call("data", "import", "text", others, "--unit", "word", "--special", "--out", lockstep.path("own.h5"))
refused(["start.from: ", "not the vocabulary of"], write("own.yaml", TEXT.replace("text %s --unit word --special", "%s") % (
    lockstep.path("own.h5"), "{linear: {units: vocabulary, name: last}}") + f"start: {{from: {bert}, except: last}}\n"))

# A run that goes on has its own checkpoint, and needs the other no more.
shutil.rmtree(bert)
lockstep.equal(lockstep.train(tuned, run, 1)["resumed_from_step"], 3, "resumed_from_step")
lockstep.check(numpy.array_equal(parameters(run)["tokens.weight"], shared.T), "the table after the run went on")
lockstep.call("evaluate", run, "--data", f"text {texts[0]}")

# Means and scales are the first run's, also where the second one's own data would have been centred.
for name, spread in ("wide", 40), ("narrow", 5):
    with h5py.File(lockstep.path(name + ".h5"), "w") as file:
        file["inputs"], file["targets"] = 293 + spread * random.normal(size=(60, 4)), (numpy.arange(60) % 3).astype("i4")
WARM = "data: {train: %s, standardise: feature}\nmodel: [linear: 3]\ntrain: {epochs: 1, batch: 20, microbatches: 4}\n"
wide = lockstep.path("wide")
lockstep.train(write("wide.yaml", WARM % lockstep.path("wide.h5")), wide)
narrow = write("narrow.yaml", WARM % lockstep.path("narrow.h5") + f"start: {{from: {wide}}}\n")
results = [lockstep.train(narrow, lockstep.path(f"narrow{ranks}"), ranks) for ranks in (1, 2)]
lockstep.equal(results[0]["parameters_digest"], results[1]["parameters_digest"], "digests on 1 and 2 ranks")
plain = lockstep.path("plain")
lockstep.train(write("plain.yaml", WARM % lockstep.path("narrow.h5") + f"start: {{from: {wide}}}\n"), plain, 1, optimizer__learning_rate=0)
said = [lockstep.call("predict", run, "--data", lockstep.path("narrow.h5"), "--out", lockstep.path(f"said{i}.npy"))
        for i, run in enumerate((wide, plain))]
lockstep.check(numpy.array_equal(*(numpy.load(lockstep.path(f"said{i}.npy")) for i in (0, 1))), "answers at rate 0")
