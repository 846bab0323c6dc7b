"""Bad input of every kind ends with exit code 2 and one clear message of at most six lines, and leaves files alone."""
import gzip
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import h5py
import lockstep
import numpy

RUN = lockstep.path("run")


def write(name, text):
    """A file of this test; returns its path."""
    with open(lockstep.path(name), "wb" if isinstance(text, bytes) else "w") as file:
        file.write(text)
    return lockstep.path(name)


def idx(magic, dims, values):
    return struct.pack(">I", magic) + b"".join(struct.pack(">I", d) for d in dims) + bytes(values)


def table(name, rows=64, features=4, classes=3, inputs=None):
    random = numpy.random.default_rng(1)
    with h5py.File(lockstep.path(name), "w") as file:
        file["inputs"] = random.normal(size=(rows, features)).astype("f4") if inputs is None else inputs
        file["targets"] = (numpy.arange(rows) % classes).astype("i4")
    return lockstep.path(name)


def config(train, model="[{linear: 3}]", extra=""):
    """A config of one small model; the data's path stands on line 2, the model on line 3."""
    return write("config.yaml", f"data:\n  train: {train}\nmodel: {model}\n"
                                f"train:\n  epochs: 1\n  batch: 16\n  microbatches: 4\n{extra}")


def snapshot():
    """Path -> (size, time) of every file of the test but the number that each start of a run takes."""
    found = {}
    for folder, _, names in os.walk(lockstep.path()):
        for name in set(names) - {"incarnation"}:
            info = os.stat(os.path.join(folder, name))
            found[os.path.join(folder, name)] = (info.st_size, info.st_mtime_ns)
    return found


def refused(words, *expected):
    """Exit code 2, nothing on stdout, at most six lines on stderr with every expected text; no file changes."""
    before = snapshot()
    done = lockstep.call(*words, expect=2, timeout=60)
    text = done.stderr.rstrip("\n")
    lockstep.check(text.count("\n") < 6, f"{words}: more than six lines\n{text}")
    for part in expected:
        lockstep.check(part in text, f"{words}: expected {part!r} in\n{text}")
    after = snapshot()
    changed = {path for path in before if after.get(path) != before[path]}
    lockstep.equal(changed, set(), f"{words}: changed files")


def begins(words, prefix, *expected):
    refused(words, *expected)
    text = lockstep.call(*words, expect=2, timeout=60).stderr
    lockstep.check(text.startswith(prefix), f"{words}: expected {prefix!r} first, found\n{text}")


good = table("good.h5")

# The command line.
refused(["trian"], "unknown command 'trian' (did you mean 'train'?)")
refused(["train"], "an argument is missing", "usage: lockstep train CONFIG")
refused(["inspect", lockstep.path("")], "is a folder; expected a YAML file", "config.yaml")
refused(["train", "x.yaml", "--rank", "2"], "unknown option '--rank' (did you mean '--ranks'?)")
refused(["train", "x.yaml", "-n", "two"], "-n", "expected an integer", "found 'two'")
refused(["train", "x.yaml", "-n"], "-n needs a value")
refused(["data", "imprt"], "found 'imprt' (did you mean 'import'?)")
refused(["data", "import", "csv", good], "--out FILE.h5 is missing")
refused(["checkpoint", "lst", RUN], "found 'lst' (did you mean 'list'?)")
refused(["checkpoint", "list", lockstep.path("nowhere")], "there is no such run directory")
refused(["help", "trian"], "did you mean 'train'?")
refused(["help", "config", "modl"], "did you mean 'model'?")

# The config: place first.
path = config(good, extra="  bacth: 3\n")
begins(["train", path, "--out", RUN], f"{path}:8:3: error: ", "unknown key 'bacth' in section train; nearest is 'batch'")
begins(["inspect", path], f"{path}:8:3: error: ", "unknown key 'bacth'")
path = config(good, extra="seed: many\n")
begins(["train", path, "--out", RUN], f"{path}:8:7: error: ", "seed", "expected an integer", "found 'many'")
path = config(good, extra="checkpoint:\n  keep: 1\n")
begins(["train", path, "--out", RUN], f"{path}:9:9: error: ", "checkpoint.keep", "from 2 to", "found '1'")
path = config(good, extra="  {\n")
begins(["train", path, "--out", RUN], f"{path}:", "YAML syntax")
path = config(good)
begins(["train", path, "--out", RUN, "--set", "train.batch=17"], "--set train.batch=17: error: ",
       "train.microbatches 4 does not divide train.batch 17 (line 7)")
begins(["train", path, "--out", RUN, "--set", "train.bacth=17"], "--set train.bacth=17: error: ", "nearest is 'batch'")
refused(["train", lockstep.path("nowhere.yaml")], "nowhere.yaml", "No such file")
refused(["train", lockstep.path()], lockstep.path())
refused(["train", path, "-n", "5", "--out", RUN], "5 ranks", "4 microbatches")
refused(["inspect", path, "-n", "5"], "5 ranks", "4 microbatches")

# A model that does not fit its input names the layer and its place.
path = config(good, model="\n  - conv2d: 8\n  - linear: 3")
begins(["train", path, "--out", RUN], f"{path}:4:5: error: ", "conv2d1")
begins(["inspect", path], f"{path}:4:5: error: ", "conv2d1")
path = config(good, model="\n  - linear: 3\n  - residual:\n      body:\n        - linear: 5")
begins(["inspect", path], f"{path}:5:5: error: ", "residual1")

# A model's end that does not fit the targets does so, too.
pictures = table("pictures.h5", inputs=numpy.zeros((64, 6, 6, 1), "f4"))
path = config(pictures, model="\n  - conv2d: 3")
for words in (["train", path, "--out", RUN], ["inspect", path]):
    begins(words, f"{path}:4:5: error: ", "layer conv2d1", "4x4x3", "targets of 4x4", "single values")
path = config(good, model="\n  - linear: 2", extra="task: regression\n")
begins(["train", path, "--out", RUN], f"{path}:4:5: error: ", "layer linear1", "ends in 2", "single values")
refused(["train", config(good), "--out", RUN, "--set", f"data.test={pictures}"],
        "data.test: its samples are 6x6x1, those of data.train 4")
with h5py.File(table("pairs.h5"), "a") as file:
    del file["targets"]
    file["targets"] = numpy.zeros((64, 2), "i4")
refused(["train", config(good), "--out", RUN, "--set", f"data.test={lockstep.path('pairs.h5')}"],
        "data.test: its targets are 2, those of data.train single values")

# A model without parameters is pointed at, too.
path = config(good, model="\n  - relu")
begins(["inspect", path], f"{path}:4:5: error: ", "nothing to learn")
refused(["train", path, "--out", RUN], f"{path}:4:5: error: ", "nothing to learn")
path = config(good, model="\n  generator:\n    - relu\n  discriminator:\n    - linear: 1", extra="task: gan\n")
begins(["inspect", path], f"{path}:5:7: error: ", "phase generator", "nothing to learn")

# Windows: their statistics, and what does not go with them.
with h5py.File(lockstep.path("stream.h5"), "w") as file:
    file["series"] = numpy.ones((100, 3), "f4")
    file["text"] = numpy.ones(100, "f4")
    file["label"] = numpy.ones(100, "i4")
stream = lockstep.path("stream.h5")


def feeds(text, keys="", model="[flatten, {linear: 1}]"):
    """A config of a regression over named feeds."""
    return write("feeds.yaml", f"data: {{train: {stream}, feeds: {{{text}}}{keys}}}\ntask: regression\nmodel: {model}\n"
                               "train: {epochs: 1, batch: 16, microbatches: 4}\n")


ahead = "inputs: {column: series, window: 8}, targets: {column: text, window: 1, offset: 8}"
refused(["train", feeds(ahead, ", standardise: feature"), "-n", "1", "--out", RUN],
        "data.standardise: the feed 'inputs' takes windows", "expected channel, found feature")
single = "inputs: {column: text, window: 8}, targets: {column: text, window: 1, offset: 8}"
refused(["train", feeds(single, ", standardise: channel"), "-n", "1", "--out", RUN],
        "data.standardise: channel needs a stream of channels", "text of the feed 'inputs'")
refused(["train", feeds("inputs: {column: series, window: 8}, targets: label"), "-n", "1", "--out", RUN],
        "the feed 'inputs' takes windows of series, but 'targets' takes whole rows of label")
lockstep.call("train", feeds(ahead, ", standardise: channel, stride: 1"), "-n", 1, "--out", lockstep.path("strided"))

# Data.
images = write("images", idx(0x803, (4, 2, 2), range(16)))
refused(["train", config(lockstep.path("nowhere.h5")), "--out", RUN], "nowhere.h5")
refused(["train", config(write("no.h5", "no HDF5")), "--out", RUN], "no.h5")
refused(["train", config(table("labels.h5", classes=5)), "--out", RUN], "labels.h5", "label")
binary = {"model": "[{linear: 1}]", "extra": "loss: {name: binary_cross_entropy}\n"}
refused(["train", config(good, **binary), "-n", "1", "--out", RUN], "good.h5: /targets: row 2", "is 2", "a label from 0 to 1")
path = config(good, model="[{linear: 1}]", extra="losses: [binary_cross_entropy]\n")  # found when the row is read
text = lockstep.call("train", path, "-n", "1", "--out", lockstep.path("begun"), expect=2, timeout=60).stderr
lockstep.check("good.h5: /targets: row " in text and "is 2; expected a number from 0 to 1" in text, text)
with h5py.File(table("lengths.h5", inputs=numpy.zeros((64, 5, 2), "f4")), "a") as file:
    file["lengths"] = numpy.full(64, 5, "i4")
    file["lengths"][7] = 6
sequences = lockstep.path("lengths.h5") + "\n  feeds: {inputs: {column: inputs}, targets: {column: targets}, lengths: {column: lengths}}"
for layer in ("lstm: {units: 2, lengths: lengths}", "attention: {lengths: lengths}", "reduce: {lengths: lengths}"):
    path = config(sequences, model=f"[{{{layer}}}, flatten, {{linear: 3}}]")
    refused(["train", path, "-n", "1", "--out", RUN], "lengths.h5: lengths: row 7 (from 0): is 6; expected an index from 0 to 5")
# Many labels for each row, the last one of all beyond the classes; the embedding need not be the first layer by name.
sequences = table("sequences.h5", inputs=numpy.zeros((4096, 32), "i4"))
with h5py.File(sequences, "a") as file:
    del file["targets"]
    file["targets"] = numpy.full((4096, 32), 2, "u1")
    file["targets"][4095, 31] = 3
tokens = "\n  - sequential: {body: [embedding: {vocabulary: 4, width: 2}]}\n  - linear: 3"
refused(["train", config(sequences, model=tokens), "-n", "1", "--out", RUN],
        "sequences.h5: /targets: row 4095 (from 0): value 31 is 3; expected a label from 0 to 2")
with h5py.File(sequences, "a") as file:
    file["inputs"][7, 5] = 4
refused(["train", config(sequences, model=tokens), "-n", "1", "--out", RUN],
        "sequences.h5: /inputs: row 7 (from 0): value 5 is 4; expected an index from 0 to 3")
lonely = table("lonely.h5")
with h5py.File(lonely, "a") as file:
    del file["targets"]
refused(["train", config(lonely), "-n", "1", "--out", RUN], "the data has no feed 'targets'", "/targets", "lonely.h5")
refused(["train", config(table("short.h5", inputs=numpy.zeros((10, 4), "f4"))), "--out", RUN], "short.h5", "10", "64")
out = ["--out", lockstep.path("out.h5")]
refused(["data", "import", "idx", write("cut", idx(0x803, (4, 2, 2), range(15)))] + out, "cut")
refused(["data", "import", "idx", write("magic", idx(0x123456, (4, 2, 2), range(16)))] + out, "magic")
refused(["data", "import", "idx", images, write("labels", idx(0x801, (3,), range(3)))] + out, "4", "3")
refused(["data", "import", "idx", write("cut.gz", gzip.compress(idx(0x803, (4, 2, 2), range(16)))[:-15])] + out, "cut.gz")
ragged = write("ragged.csv", "a,b,c\n1,2,3\n4,5\n")
refused(["data", "import", "csv", ragged] + out, "ragged.csv:3")
refused(["data", "import", "csv", write("words.csv", "a,b\n1,2\nx,3\n")] + out, "words.csv:3")
refused(["data", "import", "csv", ragged, "--target", "d"] + out, "ragged.csv", "d")
refused(["data", "import", "csv", lockstep.path("nowhere.csv")] + out, "nowhere.csv")
whole = write("whole.csv", "x,y\n1,2\n3,4\n")
refused(["data", "import", "csv", whole, "--target", "y", "--drop", "y"] + out, "--drop leaves out 'y', which --target names")
refused(["data", "import", "csv", whole, "--drop", "x,y"] + out, "--drop leaves no column")
refused(["data", "import", "csv", whole, "--series", "--target", "y"] + out, "--target beside --series")
words = write("words.txt", "one two\n")
lockstep.call("data", "import", words, "--out", lockstep.path("characters.h5"))
characters = ["--vocabulary", lockstep.path("characters.h5")]
refused(["data", "import", words, "--unit", "word"] + characters + out, "--unit word: the vocabulary of", "has chars")
refused(["data", "import", words, "--special"] + characters + out, "--special: the vocabulary of", "no special tokens")
refused(["data", "import", words, "--unit", "word", "--special", "--words", "3"] + characters + out, "--words beside --vocabulary")
refused(["data", "import", words, "--vocabulary", lockstep.path("nowhere.h5")] + out, "nowhere.h5")
refused(["data", "import", write("others.txt", "xyz\n")] + characters + out,
        "others.txt:1:1: error: 'x' is not in the vocabulary that the text is read with (7 chars)")
os.environ["LOCKSTEP_DATA"] = lockstep.path()
# Rows of different lengths.
refused(["data", "import", "pairs", write("one.tsv", "a\tb\n\nc\n")] + out,
        "one.tsv:3:1: error: expected a text in column 2 (fields end at tabs), found none")
refused(["data", "import", "pairs", write("blank.tsv", "a\tb\n \u00a0\tc\n")] + out, "blank.tsv:2:1: error: expected a text in column 1")
refused(["data", "import", lockstep.path("one.tsv"), "--columns", "1"] + out, "--columns: expected two numbers")
refused(["data", "import", lockstep.path("one.tsv"), "--columns", "2,2"] + out, "--columns: source and target are both column 2")
refused(["data", "import", "pairs", write("none.tsv", "\n\n")] + out, "none.tsv: no pairs in it")
refused(["data", "import", "text", lockstep.path("none.tsv"), "--lines"] + out, "none.tsv: no text in it")
refused(["data", "import", "text", write("latin.txt", b"a\nb\xe9\n"), "--lines"] + out, "latin.txt:2:2: error: expected text in UTF-8")
refused(["data", "import", "pairs", write("latin.tsv", b"a\tb\nc\td\xe9\n")] + out, "latin.tsv:2:4: error: expected text in UTF-8")
refused(["data", "import", lockstep.path("one.tsv"), "--words", "3", "--bpe", "3"] + out, "--words beside --bpe")
refused(["data", "import", lockstep.path("one.tsv"), "--unit", "piece"] + out, "--unit piece needs --bpe N")
refused(["data", "import", lockstep.path("one.tsv"), "--unit", "char", "--bpe", "9"] + out, "--bpe needs --unit piece")
refused(["data", "import", words, "--lower"] + characters + out, "--lower: the vocabulary of", "has capitals, too")
tokens = "[{embedding: {width: 2}}, {linear: {units: vocabulary}}]"
translation = config(lockstep.path("mute.h5"), extra="task: {kind: translation, beams: 2}\n", model=
                     "[{input: source}, {embedding: {width: 2, name: m}}, {input: before}, {embedding: {width: 2}}, {attention: {memory: m}}, {linear: {units: vocabulary}}]")
feeds = "  feeds: {source: {column: source, length: 4}, before: {column: target, length: 4, begin: 1}, targets: {column: target, length: 4, end: 2}}\n"
text = open(translation).read().replace("model:", "  split: [0.5, 0, 0.5]\n" + feeds + "model:")
lockstep.call("data", "import", "pairs", write("mute.tsv", "a\tb\n" * 8), "--out", lockstep.path("mute.h5"))
with h5py.File(lockstep.path("mute.h5"), "a") as file:
    del file["target.text"]
refused(["train", write("mute.yaml", text), "-n", "1", "--out", RUN, "--set", "train.batch=4"], "mute.h5: BLEU compares translations with texts as they were written",
        "no column 'target.text'", "set task.beams: 0")
lined = config(f"'text {words} --lines'", model=tokens)
refused(["train", lined, "--set", "task.beams=2", "-n", "1", "--out", RUN], "--set task.beams=2: error: task.beams is for a translation; found a classification")
small = ["-n", "1", "--out", RUN, "--set", "train.batch=1", "--set", "train.microbatches=1"]
refused(["train", lined, "--set", "data.window=2"] + small, "feed 'inputs': the rows of /text have different lengths", "found a window")
refused(["train", lined, "--set", "data.inputs=/text"] + small, "feed 'inputs': the rows of /text have different lengths", "found none")
refused(["train", lined, "--set", "data.length=4", "--set", "data.standardise=channel"] + small, "nothing to standardise by")
plain = config(f"'text {words}'", model=tokens)
refused(["train", plain, "--set", "data.length=4"] + small, "length, begin and end are for rows of different lengths, but /text")
refused(["train", plain, "--set", "data.window=2", "--set", "augment.mask=0.2"] + small, "has no special tokens, so none for the mask")
refused(["train", config(good), "--set", "data.split=[0.5,0.5,0]", "--set", "data.group=/kind"] + small, "no dataset '/kind' in it to group by")
text = config(f"'text {words} --vocabulary characters.h5'", model="[{embedding: {width: 2}}, {linear: 7}]")
lockstep.call("train", text, "-n", 1, "--out", lockstep.path("found"), data__window=2, train__batch=2, train__microbatches=1)
refused(["train", config(f"'text {words} --vocabulary nowhere.h5'"), "--out", RUN, "--set", "data.window=2"],
        lockstep.path("nowhere.h5"), "No such file")
refused(["data", "import", "csv", ragged, "--out", ragged + "/x.h5"], "ragged.csv", "not a folder")
refused(["data", "info", ragged], "ragged.csv")
short = lockstep.call("data", "info", lockstep.path("short.h5")).stdout
lockstep.check("targets  none: " in short and "/targets has 64" in short, f"data info hides why:\n{short}")
lockstep.check(not os.path.exists(lockstep.path("out.h5")), "a failed import left its output")

# Where to write.
path = config(good)
refused(["train", path, "--out", good + "/run"], "good.h5")
refused(["train", path, "--out", good], "good.h5")

# A run of another model.
lockstep.call("train", path, "-n", 1, "--out", RUN)
refused(["predict", RUN], "--data FILE is missing", "usage: lockstep predict RUN")
refused(["predict", RUN, "--data", good], "--out FILE is missing")
refused(["predict", RUN, "--data", good, "--out", good + "/x.h5"], "good.h5' is a file, not a folder")
refused(["predict", RUN, "--data", good, "--out", lockstep.path("nowhere/x.h5")], "nowhere' does not exist")
os.mkfifo(lockstep.path("pipe.h5"))
refused(["predict", RUN, "--data", good, "--out", lockstep.path("pipe.h5")], "pipe.h5: it is not a regular file")
refused(["predict", RUN, "--data", table("wide.h5", features=6), "--out", lockstep.path("out.h5")],
        "inputs: samples of 6, but the model of this run has learned from 4")
refused(["evaluate", RUN, "--data", lockstep.path("pairs.h5")], "layer linear1", "the data has 2")
begins(["train", config(good, extra="  watch: acuracy\n"), "-n", "1", "--out", lockstep.path("watch")],
       path + ":8:10: error: train.watch: expected one of loss, accuracy, precision, recall, f1, auroc, log_loss,")
begins(["train", config(good, model="[{linear: 1}]", extra="task: regression\n"), "-n", "1", "--out", lockstep.path("watch"),
        "--set", "train.watch=accuracy"],
       "--set train.watch=accuracy: error: train.watch: expected one of loss, r2, mse, mae; found 'accuracy'")
begins(["train", config(good, extra="loss: {class_weights: [1, 2]}\n"), "-n", "1", "--out", lockstep.path("watch")],
       path + ": error: layer loss: class_weights expects 3 numbers, one per output, found 2")
# A label beyond the outputs passes two losses only if both ignore it.
beyond = table("beyond.h5")
with h5py.File(beyond, "a") as file:
    file["targets"][7] = 5
for first, second in ("{name: a}", "{name: b, ignored_label: 5}"), ("{name: a, ignored_label: 5}", "{name: b}"):
    refused(["train", config(beyond, extra=f"losses: [cross_entropy: {first}, cross_entropy: {second}]\n"), "-n", "1", "--out",
             lockstep.path("watch")], "beyond.h5: /targets: row 7 (from 0): is 5; expected a label from 0 to 2")
lockstep.call("train", config(beyond, extra="losses: [cross_entropy: {name: a, ignored_label: 5}, "
                              "cross_entropy: {name: b, ignored_label: 5}]\n"), "-n", 1, "--out", lockstep.path("both"))
begins(["train", config(good, extra="loss: {class_weights: [0, 0, 0]}\n"), "-n", "1", "--out", lockstep.path("watch")],
       path + ": error: layer loss: class_weights are all 0: there is nothing to learn")
begins(["train", config(good, extra="start: {need: [linear1]}\n"), "-n", "1", "--out", lockstep.path("watch")],
       path + ":8:15: error: start.need is about another run, but start.from, which names it, is not given")
refused(["train", config(good, extra="augment: {mixup: 0.2}\nlosses: [squared_error]\n"), "-n", "1", "--out", lockstep.path("watch")],
        "augment.mixup is for cross_entropy and binary_cross_entropy", "found the loss squared_error")
lockstep.check(not os.path.exists(lockstep.path("watch")), "a refused start left a run folder")
path = config(good, model="\n  - linear: {units: 3, bias: false}")
refused(["train", path, "-n", "1", "--out", RUN], "model.linear1.bias was true, is false")
refused(["train", config(good), "-n", "1", "--out", RUN, "--set", "optimizer.name=sgd"],
        "optimizer.name was adam, is sgd")
refused(["train", config(good, extra="losses: [cross_entropy: {name: loss, label_smoothing: 0.1}]\n"), "-n", "1", "--out", RUN],
        "losses.loss.label_smoothing was 0, is 0.1")
two = """{generator: [noise: 2, linear: 4], discriminator: [linear: 1]}"""
lockstep.call("train", config(good, model=two, extra="task: gan\n"), "-n", 1, "--out", lockstep.path("gan"))
refused(["train", config(good, model=two, extra="task: gan\nphases: {generator: {every: 2}}\n"), "-n", "1", "--out",
         lockstep.path("gan")], "phases.generator.every was 1, is 2")
