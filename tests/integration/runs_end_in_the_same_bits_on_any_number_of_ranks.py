"""Digest, test loss and metrics of a config are identical on 1, 2, 3 and 4 ranks, with several threads in each, on 8 ranks
with AVX2 kernels, and in other pieces with other kernels and messages.

  runs_end_in_the_same_bits_on_any_number_of_ranks.py CASE [RANKS...]

Cases: mlp, cnn (batch norm, dropout, every augmentation), resnet (augmentation), table-adam (uneven last batch, several
epochs), table-lamb (the same with all that keeps a state or leaves parameters out; also stopped and continued), tied (an
embedding that is the last layer's weight, a term of uneven weight; also stopped and continued), lstm and gpt (windows
over a text), vae (references, two terms), gan (two phases), names (feeds, a network used twice, two terms), phases
(losses and optimisers of their own, one of them in every second step)."""
import math
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import h5py
import lockstep
import numpy


def table():
    """203 rows of a noisy linear relation, 7 features: 203 is no multiple of any batch used here."""
    random = numpy.random.default_rng(5)
    inputs = random.normal(size=(203, 7)).astype("f4")
    targets = (inputs @ random.normal(size=7) + 0.1 * random.normal(size=203)).astype("f4")
    with h5py.File(lockstep.path("table.h5"), "w") as file:
        file["inputs"], file["targets"] = inputs, targets[:, None]
    with open(lockstep.path("table.yaml"), "w") as file:
        file.write("""seed: 3
task: regression
data:
  train: %s
  split: [0.7, 0.1, 0.2]
  standardise: feature
model:
  - linear: 24
  - batch_norm
  - tanh
  - dropout: 0.1
  - linear: 1
train:
  epochs: 4
  batch: 24
  microbatches: 8
log:
  every_steps: 1
checkpoint:
  every_steps: 5
""" % lockstep.path("table.h5"))
    return lockstep.path("table.yaml")


def tied():
    """120 texts of 9 words; the second embedding and the last layer use the first one's weight."""
    words = numpy.random.default_rng(6).integers(0, 40, size=(120, 10)).astype("i4")
    with h5py.File(lockstep.path("words.h5"), "w") as file:
        file["inputs"], file["targets"] = words[:, :-1], words[:, 1:]
    with open(lockstep.path("tied.yaml"), "w") as file:
        file.write("""task: language_model
data: {train: %s, split: [0.8, 0.1, 0.1]}
model:
  - embedding: {vocabulary: 40, width: 16, name: tokens}
  - attention: {heads: 2, causal: true, name: seen}
  - embedding: {weight_of: tokens, from: inputs, name: again}
  - add: {of: [seen, again]}
  - linear: {weight_of: tokens, bias: false}
losses:
  - cross_entropy: {ignored_label: 3, name: words}
  - cross_entropy: {label_smoothing: 0.5, weight: 0.5, name: smooth}
train: {epochs: 2, batch: 24, microbatches: 8, steps_max: 8}
log: {every_steps: 1}
""" % lockstep.path("words.h5"))
    return lockstep.path("tied.yaml")


NAMES = """task: custom
data:
  train: %s
  feeds: {inputs: left, other: right, targets: labels, numbers: numbers}
  split: [0.7, 0.15, 0.15]
model:
  main:
    - network: {of: half, name: near}
    - input: other
    - network: {of: half, name: far}
    - concat: {of: [near, far]}
    - linear: {units: 40, name: joined}
    - dropout: 0.1
    - linear: 3
  half: [linear: 37, tanh, layer_norm]
losses:
  - cross_entropy: {name: kinds}
  - squared_error: {name: numbers, from: main.joined, target: numbers, weight: 0.5}
optimizer: {name: adamw, weight_decay: 0.1, learning_rate: 0.01, clip_norm: 1}
"""
PHASES = """task: gan
data: {train: %s, feeds: {inputs: left}, split: [0.7, 0.15, 0.15]}
model:
  generator: [noise: 5, linear: 50, relu, linear: 9]
  discriminator: [linear: 45, leaky_relu: 0.2, dropout: 0.1, linear: 1]
losses:
  - adversarial: {name: real, form: hinge}
  - adversarial: {name: made, form: hinge, wanted: made}
  - adversarial: {name: fooled, form: linear}
phases:
  discriminator: {optimizer: {clip_norm: 1}}
  generator: {every: 2, optimizer: {name: sgd, momentum: 0.9, learning_rate: 0.01}, schedule: {warmup_steps: 2}}
"""


REMEDIES = dict(optimizer__name="lamb", optimizer__learning_rate=0.03, optimizer__weight_decay=0.1, optimizer__clip_norm=1,
                optimizer__factors="{linear2: 0.5}", train__frozen="[batch_norm1.gain, linear1.bias]", train__average=0.8,
                train__epochs=5, schedule__name="plateau", schedule__patience=1, schedule__factor=0.5,
                checkpoint__keep_best="true", log__gradient_norms="true", train__improvement=0.01)


def written(name, text):
    random = numpy.random.default_rng(3)
    data, config = lockstep.path("named.h5"), lockstep.path(name + ".yaml")
    with h5py.File(data, "w") as file:
        for side in ("left", "right"):
            file[side] = random.normal(size=(407, 9)).astype("f4")
        file["labels"] = (file["left"][:, 0] > file["right"][:, 1]).astype("u1")
        file["numbers"] = random.normal(size=(407, 40)).astype("f4")
    with open(config, "w") as file:
        file.write(text % data + "train: {epochs: 3, batch: 96, microbatches: 12}\nlog: {every_steps: 1}\n")
    return config


def case(name):
    if name == "tied":
        return tied(), {}
    if name == "table-lamb":
        return table(), REMEDIES
    if name.startswith("table"):
        return table(), {"optimizer__name": name.split("-")[1]}
    if name in ("names", "phases"):
        return written(name, NAMES if name == "names" else PHASES), {}
    if name in ("lstm", "gpt"):
        return lockstep.config("shakespeare-" + name), dict(
            data__split="[0.996, 0.002, 0.002]", train__batch=16, train__microbatches=8, log__every_steps=1,
            train__steps_max=3, optimizer__learning_rate=0.002)
    if name == "vae":
        return lockstep.config("mnist-vae"), dict(train__steps_max=6, log__every_steps=1)
    if name == "gan":
        settings = lockstep.fashion_subset(name, 300, 100)
        settings.update(train__microbatches=8, train__epochs=2, train__steps_max=4, log__every_steps=1)
        return lockstep.config("fashion-mnist-dcgan"), settings
    rows = {"mlp": 1000, "cnn": 600, "resnet": 300}[name]
    settings = lockstep.fashion_subset(name, rows, 200)
    settings.update(train__epochs=2, log__every_steps=1, train__steps_max={"mlp": 12, "cnn": 8, "resnet": 4}[name])
    if name == "cnn":
        settings.update(augment__flip="true", augment__shift=2, augment__rotate=10, augment__scale=0.1, augment__noise=0.02,
                        augment__brightness=0.1, augment__cutout=6, augment__mixup=0.2, augment__fill="reflect")
    return lockstep.config("fashion-mnist-" + name), settings


LOSSES = {"gan": {"discriminator.loss", "generator.loss"}, "vae": {"loss", "reconstruction.loss", "divergence.loss"},
          "names": {"loss", "kinds.loss", "numbers.loss"}}
LOSSES["phases"] = LOSSES["gan"]


def losses(name, result):
    found = {key: value for key, value in result["test"].items() if key.endswith("loss")}
    missed = LOSSES.get(name, {"loss"}) - set(found)
    lockstep.check(not missed and all(map(math.isfinite, found.values())), f"{name}: losses {found}, missing {missed}")
    return found


def otherwise(name):
    """Runs that end in the same bits: what differs in words, ranks, settings."""
    with open("/proc/cpuinfo") as file:
        isa = "avx2" if "avx2" in file.read() else "auto"
    slow = name in ("resnet", "gan", "lstm", "gpt")  # portable kernels would take minutes
    several = ((1, 2), (1, 3), (2, 2), (3, 3)) if name in ("cnn", "names") else ((2, 2),)
    for ranks, threads in several:
        yield f"{threads} threads", ranks, dict(compute__threads=threads)
    yield f"{isa} kernels", 8, dict(compute__isa=isa)
    yield "pieces of one microbatch, messages", 3, dict(
        train__piece_rows=1, compute__isa="auto" if slow else "portable", train__share_memory="false")
    if name in ("gan", "phases"):
        yield "messages and two threads", 4, dict(train__share_memory="false", compute__threads=2)


def main(name, *ranks):
    config, settings = case(name)
    first = None
    for count in map(int, ranks or (1, 2, 3, 4)):
        run = lockstep.path(f"{name}-{count}")
        result = lockstep.train(config, run, count, **settings)
        lockstep.equal(result["world_size"], count, "world_size")
        found = (result["parameters_digest"], losses(name, result), lockstep.metrics(run))
        print(f"{name} on {count} ranks: {found[0]}, {found[1]}, {len(found[2])} lines of metrics")
        first = first or found
        lockstep.equal(found, first, f"digest, test loss and metrics on {count} ranks")
        shown = lockstep.digest(lockstep.parameters(lockstep.newest_checkpoint(run)))
        lockstep.equal(shown, result["parameters_digest"], "digest of what index.h5 shows")
    stop = {"tied": 3, "table-lamb": 20}.get(name)
    if stop:
        run = lockstep.path("continued")
        lockstep.train(config, run, 3, **{**settings, "train__steps_max": stop})
        result = lockstep.train(config, run, 2, **settings)
        found = (result["resumed_from_step"], result["parameters_digest"], losses(name, result), lockstep.metrics(run))
        lockstep.equal(found, (stop, *first), "a run that went on")
    if name == "tied":
        shapes = {key: value.shape for key, value in lockstep.parameters(lockstep.newest_checkpoint(run)).items()}
        lockstep.equal([key for key in shapes if "attention" not in key and "seen" not in key], ["tokens.weight"],
                       "parameters beside those of attention")
    for number, (what, count, changed) in enumerate([] if ranks else otherwise(name)):
        run = lockstep.path(f"{name}-otherwise-{number}")
        result = lockstep.train(config, run, count, **{**settings, **changed})
        found = (result["parameters_digest"], losses(name, result), lockstep.metrics(run))
        lockstep.equal(found, first, f"digest, test loss and metrics on {count} ranks with {what}")
    lockstep.check(len(first[2]) >= 4, "metrics.jsonl has next to nothing in it")
    if name == "phases":
        rests = [line["step"] for line in first[2] if line["split"] == "train" and "generator.loss" not in line]
        lockstep.equal(rests, [2, 4, 6, 8], "steps in which the generator rests")


main(*sys.argv[1:])
