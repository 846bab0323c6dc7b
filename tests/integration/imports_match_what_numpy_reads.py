"""Real data sets, imported by the program and read again with nothing but NumPy."""
import gzip
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import h5py
import numpy

from lockstep import call, check, equal, path

DATA = os.environ["LOCKSTEP_DATA"]


def data(*parts):
    return os.path.join(DATA, *parts)


def imported(*words):
    out = path("out.h5")
    call("data", "import", *words, "--out", out)
    return h5py.File(out, "r")


def same(file, inputs, targets, what):
    for name, expected in (("inputs", inputs), ("targets", targets)):
        found = file[name]
        equal(found.shape, expected.shape, f"{what}: shape of {name}")
        equal(found.dtype, expected.dtype, f"{what}: type of {name}")
        check(found.chunks is None, f"{what}: {name} is contiguous")
        check(numpy.array_equal(found[()], expected), f"{what}: values of {name}")


def idx():
    images, labels, names = [], [], []
    for part in ("00000-19999", "20000-39999"):
        for kind, skip, into in (("images-idx3", 16, images), ("labels-idx1", 8, labels)):
            names.append(data("mnist", f"train-{part}-{kind}-ubyte.gz"))
            with gzip.open(names[-1]) as file:
                into.append(numpy.frombuffer(file.read()[skip:], "u1"))
    with imported("idx", *names) as file:
        same(file, numpy.concatenate(images).reshape(40000, 28, 28, 1), numpy.concatenate(labels).astype("i4"), "mnist")
        equal(list(file.attrs["source"]), names, "mnist: attribute source")


def cifar():
    names = [data("signdigits", f"train_batch_{i}.bin.gz") for i in (1, 2)]
    records = numpy.concatenate([numpy.frombuffer(gzip.open(name).read(), "u1") for name in names]).reshape(-1, 3073)
    images = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    with imported(*names) as file:
        same(file, images, records[:, 0].astype("i4"), "signdigits")


def csv():
    name = data("tabular", "breast_cancer.csv")
    table = numpy.loadtxt(name, delimiter=",", skiprows=1)
    with imported("csv", name, "--skip-lines", 1, "--no-header", "--target", -1) as file:
        same(file, table[:, :-1].astype("f4"), table[:, -1].astype("i4"), "breast_cancer")

    name = data("tabular", "concrete.csv")
    table = numpy.loadtxt(name, delimiter=",", skiprows=1)
    with imported(name) as file:
        same(file, table[:, :-1].astype("f4"), table[:, -1].astype("f4"), "concrete")
        equal(file["inputs"].attrs["columns"][0], "cement", "concrete: first column")
        equal(list(file["targets"].attrs["columns"]), ["compressive_strength"], "concrete: target")

    name = data("tabular", "diamonds.csv.gz")
    rows = [line.split(",") for line in gzip.open(name, "rt").read().splitlines()]
    columns = dict(zip(rows[0], zip(*rows[1:])))
    cuts = sorted(set(columns["cut"]))
    with imported(name, "--target", "price", "--categorical", "cut,color,clarity") as file:
        equal(list(file["inputs"].attrs["categories:cut"]), cuts, "diamonds: categories of cut")
        equal(list(file["inputs"][:, 1]), [cuts.index(cut) for cut in columns["cut"]], "diamonds: cut")
        equal(list(file["targets"][:]), [int(price) for price in columns["price"]], "diamonds: price")

    rows = [line.split(",") for line in open(data("timeseries", "co2.csv")).read().splitlines()[1:]]
    known = [row for row in rows if row[1] not in ("", "NA", "?")]
    done = call("data", "import", data("timeseries", "co2.csv"), "--out", path("none.h5"), expect=2)
    line = 2 + next(i for i, row in enumerate(rows) if row[1] in ("", "NA", "?"))
    check(f"co2.csv:{line}:10: error: no value in column 'co2'" in done.stderr, f"co2: {done.stderr}")
    check(not os.path.exists(path("none.h5")), "a failed import leaves no file")
    with imported(data("timeseries", "co2.csv"), "--missing", "drop") as file:
        equal(list(file["targets"][:]), [float(row[1]) for row in known], "co2: known values")

    words = [line.split(",")[-1] for line in open(data("concept", "zoo.csv")).read().splitlines()[1:]]
    with imported(data("concept", "zoo.csv"), "--target", "type", "--categorical", "auto") as file:
        kinds = list(file["targets"].attrs["categories:type"])
        equal([kinds[i] for i in file["targets"]], words, "zoo: type")


def npy():
    generator = numpy.random.default_rng(1)
    for kind in ("u1", "i1", "u2", "i2", "i4", "u4", "i8", "u8", "f4", "f8"):
        inputs = (generator.random((7, 3, 2)) * 100).astype(kind)
        targets = numpy.arange(7, dtype="i8")
        numpy.save(path("x.npy"), inputs)
        numpy.save(path("y.npy"), targets)
        with imported("npy", path("x.npy"), path("y.npy")) as file:
            same(file, inputs, targets, "npy " + kind)


def text():
    name = data("text", "tinyshakespeare.txt")
    words = open(name, encoding="utf-8", newline="").read()
    with imported("text", name) as file:
        tokens, vocabulary = file["text"], file["text"].attrs["vocabulary"]
        equal(tokens.dtype, "u1", "text: type")
        check(tokens.chunks is None, "text: contiguous")
        equal(list(vocabulary), sorted(set(words)), "text: vocabulary")
        equal("".join(vocabulary[tokens[:]]), words, "text: characters")
    with imported("text", name, "--unit", "byte") as file:
        equal(bytes(file["text"][:]), words.encode(), "text: bytes")
    with imported(name, "--unit", "word", "--special", "--words", 1000) as file:
        tokens, vocabulary = file["text"][:], file["text"].attrs["vocabulary"]
        equal(file["text"].dtype, "u2", "text: type of words")
        equal(len(vocabulary), 1005, "text: words besides the special ones")
        known = [word for word in re.findall(r"\w+'?|[^\w\s]|\n", words, re.ASCII)]
        numbers = {word: i for i, word in enumerate(vocabulary) if i > 4}
        equal(list(tokens), [numbers.get(word, 3) for word in known], "text: words")


def series():
    name = data("timeseries", "ETTh1.csv")
    rows = [line.split(",") for line in open(name).read().splitlines()]
    with imported("csv", name, "--series", "--drop", "date") as file:
        equal(list(file["series"].attrs["channels"]), rows[0][1:], "series: channels")
        expected = numpy.array([row[1:] for row in rows[1:]], "f8").astype("f4")
        check(numpy.array_equal(file["series"][:], expected), "series: values")


for test in (idx, cifar, csv, npy, text, series):
    test()
