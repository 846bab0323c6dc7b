"""What was learned from the columns of the training data holds for every other table: names, words, fill values, ids."""
import csv
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import h5py
import numpy

from lockstep import PROGRAM, call, check, equal, newest_checkpoint, parameters, path, result, train

os.environ["LOCKSTEP_CACHE"] = path("cache")
random = numpy.random.default_rng(3)
KINDS, CITIES = ["ant", "bee", "cow"], ["Bonn", "Köln", "Trier"]


def write(name, header, rows, order=None, encoding="utf-8"):
    """A CSV file with the columns in that order; returns its path."""
    order = header if order is None else order
    with open(path(name), "w", newline="", encoding=encoding) as file:
        writer = csv.writer(file)
        writer.writerow(order)
        for row in rows:
            cells = dict(zip(header, row))
            writer.writerow([cells.get(column, "") for column in order])
    return path(name)


def config(name, train_source, more="", model="[linear: 16, relu, linear: 3]", epochs=20):
    with open(path(name), "w") as file:
        file.write(f'data:\n  train: "{train_source}"\n{more}model: {model}\n'
                   f"train: {{epochs: {epochs}, batch: 64, microbatches: 4}}\noptimizer: {{learning_rate: 0.05}}\n")
    return path(name)


def imported(*words):
    if os.path.exists(path("out.h5")):
        os.remove(path("out.h5"))
    call("data", "import", "csv", *words, "--out", path("out.h5"))
    return h5py.File(path("out.h5"), "r")


def refused(words, *parts):
    done = call(*words, expect=2, timeout=60)
    for part in parts:
        check(part in done.stderr, f"{words}: expected {part!r} in\n{done.stderr}")


def accuracy(run, source):
    words = call("evaluate", run, "--data", source).stdout.split()
    return float(words[words.index("accuracy") + 1])


# A classifier of three kinds by a number, a city that shifts it and a number that may be missing.
HEADER = ["name", "x", "city", "noise", "kind"]


def rows(count, kinds=KINDS):
    made = []
    while len(made) < count:
        x, city = random.uniform(0, 3), random.integers(3)
        kind = KINDS[(int(x) + city) % 3]
        if kind in kinds:
            made.append([f"r{len(made)}", f"{x:.4f}", CITIES[city], "" if random.random() < 0.2 else f"{x + 5:.3f}", kind])
    return made


training = rows(480)
train_csv = write("train.csv", HEADER, training)
options = "--target kind --categorical city,kind --id name --missing mean --encoding one-hot"
other = rows(150, ["bee", "cow"])
test_csv = write("test.csv", HEADER, other, order=["kind", "noise", "city", "x"])
source = f"csv {train_csv} {options}"
one = config("one.yaml", source, f'  validation: "csv {test_csv}"\n  standardise: feature\n', epochs=16)
run = path("one")
found = train(one, run)
check(found["validation"]["accuracy"] > 0.9, f"validation on fewer kinds, another order: {found['validation']}")
check(abs(accuracy(run, f"csv {test_csv}") - found["validation"]["accuracy"]) < 1e-8, "evaluate reads like training")
check(accuracy(run, f"csv {test_csv} --target kind --categorical kind,city") > 0.9, "options that agree are no error")
shown = call("checkpoint", "show", run).stdout
for word in ("x", "city", "Bonn, Köln, Trier", "ant, bee, cow", "missing: ", "one-hot", "input.mean", "rows, "):
    check(word in shown, f"checkpoint show: expected {word!r} in\n{shown}")
with open(path("one", "schema.json")) as file:
    learned = {column["name"]: column for column in json.load(file)["columns"]}
known = [float(row[3]) for row in training if row[3]]
check(abs(learned["noise"]["fill"] - numpy.mean(known)) < 1e-4, "the fill value is the training data's mean")

# Predictions carry ids, names of classes, and where they come from.
names = ["name", "x", "city", "noise"]
unseen = [row[:4] for row in other[:50]]
given = write("given.csv", names, unseen)
call("predict", run, "--data", f"csv {given}", "--out", path("p.csv"))
call("predict", run, "--data", f"csv {given}", "--out", path("p.h5"), "--logits")
call("predict", run, "--data", f"csv {given}", "--out", path("p.npy"))
with open(path("p.csv"), newline="") as file:
    table = list(csv.DictReader(file))
with h5py.File(path("p.h5")) as file:
    equal(sorted(file), ["classes", "ids", "logits", "outputs"], "datasets of predictions")
    outputs, logits, classes = file["outputs"][:], file["logits"][:], file["classes"][:]
    equal([name.decode() for name in file["ids"]], [row[0] for row in unseen], "ids")
    equal(list(file["classes"].attrs["names"]), KINDS, "names of classes")
    equal(sorted(file.attrs), ["digest", "input", "outputs", "run", "step"], "where predictions come from")
    equal(file.attrs["digest"], result(run)["parameters_digest"], "the digest of the parameters")
equal(list(table[0]), ["name", "class", "p_ant", "p_bee", "p_cow"], "columns of predictions")
equal([row["name"] for row in table], [row[0] for row in unseen], "ids in CSV")
equal([row["class"] for row in table], [KINDS[i] for i in classes], "classes in CSV")
powers = numpy.exp(logits.astype("f8") - logits.max(1, keepdims=True))
check(numpy.allclose(outputs, powers / powers.sum(1, keepdims=True), atol=1e-6), "probabilities are the softmax of logits")
check(numpy.array_equal(numpy.load(path("p.npy")), outputs), "NumPy's file has the same")
check(numpy.allclose([[float(row[f"p_{kind}"]) for kind in KINDS] for row in table], outputs, atol=1e-7), "and CSV, too")
refused(["predict", run, "--data", f"csv {given}", "--out", path("p.xlsx")], "expected FILE.h5, FILE.csv or FILE.npy")
refused(["predict", run, "--data", f"csv {given}", "--out", path("q.npy"), "--logits"], "holds one array")
with open(given) as file:
    subprocess.run([PROGRAM, "predict", run, "--data", "-", "--out", path("piped.csv")], stdin=file, check=True, stdout=subprocess.DEVNULL)
check(open(path("piped.csv")).read() == open(path("p.csv")).read(), "standard input is read alike")

# What does not fit names the place.
bad = write("bad-word.csv", names, unseen[:3] + [["r", "1", "Ulm", "2"]])
refused(["predict", run, "--data", f"csv {bad}", "--out", path("x.csv")], "bad-word.csv:5:", "'city'", "no word 'Ulm'", "--unknown category")
lacking = write("lacking.csv", names, unseen, order=["name", "x", "noise"])
refused(["predict", run, "--data", f"csv {lacking}", "--out", path("x.csv")], "lacking.csv:1:1", "the column 'city'", "is missing")
more = write("more.csv", names + ["age"], [row + ["7"] for row in unseen])
refused(["predict", run, "--data", f"csv {more}", "--out", path("x.csv")], "more.csv:1:", "no column 'age'", "--drop age")
call("predict", run, "--data", f"csv {more} --drop age", "--out", path("x.csv"))
capitals = write("capitals.csv", ["Name", *names[1:3], "Noise"], unseen)
refused(["predict", run, "--data", f"csv {capitals}", "--out", path("x.csv")], "capitals.csv:1:1", "no column 'Name'", "--rename Name=name")
call("predict", run, "--data", f"csv {capitals} --rename Name=name,Noise=noise", "--out", path("y.csv"))
check(open(path("y.csv")).read() == open(path("p.csv")).read(), "renamed columns are the same")
refused(["evaluate", run, "--data", f"csv {given}"], "the column 'kind'", "is missing")
for option, *parts in (("--encoding ordinal", "one-hot"), ("--date-rule hour", "days"), ("--missing median", "(mean)"),
                       ("--id x", "'x' is no id", "(input, a number)"), ("--dates noise", "'noise' is no date", "number"),
                       ("--columns x,noise", "'city' is an input"), ("--drop city", "'city' is an input"),
                       ("--target city", "'city' is no target"), ("--categorical x", "'x' is no category"),
                       ("--id nam", "no column 'nam' in the training data", "did you mean 'name'")):
    refused(["evaluate", run, "--data", f"csv {test_csv} {option}"], option.split(",")[0].split()[0], *parts)
check(accuracy(run, f"csv {test_csv} --columns x,city,noise --date-rule days --missing drop") > 0.8, "options that agree")
long_id = write("long.csv", ["name", "x", "y"], [["a" * 1024, 1, 2], ["b" * 1025, 3, 4]])
refused(["data", "import", "csv", long_id, "--id", "name", "--out", path("long.h5")], "long.csv:3:1", "'name'", "1025 bytes", "1024")
with open(path("nameless.csv"), "w") as file:
    file.writelines(",".join(row) + "\n" for row in other)
check(accuracy(run, f"csv {path('nameless.csv')} --no-header") > 0.9, "a file without header is matched by place")
with open(path("nameless.csv"), "w") as file:
    file.writelines(",".join(row[:3]) + "\n" for row in other)
refused(["evaluate", run, "--data", f"csv {path('nameless.csv')} --no-header"], "expected 5 columns", "found 3")

with open(path("semicolons.csv"), "w") as file:
    file.write(open(test_csv).read().replace(",", ";"))
refused(["evaluate", run, "--data", f"csv {path('semicolons.csv')}"], "semicolons.csv:1:1", "one column", "--separator")
counted = write("counted.csv", ["a", "t"], [[1, 1], [2, 2], [3, 3]])
refused(["train", config("counted.yaml", f"csv {counted}", model="[linear: 3]"), "-n", "1", "--out", path("counted")],
        "expected a label from 0 to 2", "--categorical t")

# Tables that were imported on their own are compared.
call("data", "import", "csv", test_csv, "--categorical", "city,kind", "--target", "kind", "--missing", "mean", "--out", path("own.h5"))
refused(["evaluate", run, "--data", path("own.h5")], "own.h5: not the columns of the run's training data", "--like")
call("data", "import", "csv", test_csv, "--like", path("one", "schema.json"), "--out", path("like.h5"))
check(abs(accuracy(run, path("like.h5")) - found["validation"]["accuracy"]) < 1e-8, "an import with --like")

# Unknown words are a category where the training data was read so.
two = config("two.yaml", f"csv {train_csv} {options} --unknown category", epochs=5)
train(two, path("two"))
call("predict", path("two"), "--data", f"csv {bad}", "--out", path("x.csv"))

# Missing cells: a statistic of the training part alone; of words a category of its own.
table_csv = write("table.csv", ["a", "b", "y"], [[i, "" if i % 3 == 0 else 10 * i, i % 2] for i in range(1, 31)])
for rule, statistic in (("mean", numpy.mean), ("median", numpy.median)):
    three = config("three.yaml", f"csv {table_csv} --missing {rule}", "  split: [0.5, 0.2, 0.3]\n  split_order: file\n",
                   model="[linear: 2]", epochs=1)
    train(three, path(rule), train__batch=5, train__microbatches=1)
    with open(path(rule, "schema.json")) as file:
        fill = json.load(file)["columns"][1]["fill"]
    equal(fill, statistic([10.0 * i for i in range(1, 16) if i % 3]), f"{rule} of the training part")
with imported(table_csv, "--missing", "median") as file:
    values = file["inputs"][:, 1]
    equal(values[2], numpy.median([10.0 * i for i in range(1, 31) if i % 3]), "median in the file itself")
with imported(table_csv, "--missing", "-7.5") as file:
    equal(file["inputs"][2, 1], -7.5, "a constant")
with imported(write("gap.csv", ["c", "y"], [["b", 1], ["", 0], ["a", 1]]), "--categorical", "c", "--missing", "zero") as file:
    equal(list(file["inputs"][:, 0]), [1, 2, 0], "a missing word is the last category")
    equal(list(file["inputs"].attrs["categories:c"]), ["a", "b", "missing"], "its name")

# Numbers or words.
odd = ["N/A", "null", "None", "#N/A", "<NA>", ".", "-"]
placeholders = write("odd.csv", [*"abcdefg", "t"], [[1500] * 7 + [0], odd + [1], [900] * 7 + [0]])
with imported(placeholders, "--categorical", "auto", "--missing", "zero") as file:
    equal(file["inputs"][:].tolist(), [[1500] * 7, [0] * 7, [900] * 7], f"missing numbers: {odd}")
with open(path("comma.csv"), "w") as file:
    file.write("CO;C6H6;T;;\r\n2,6;11,9;13,6;;\r\n2;9,4;13,3;;\r\n;;;;\r\n")
with imported(path("comma.csv"), "--separator", ";", "--decimal", ",", "--target", "C6H6") as file:
    equal(file["inputs"][:].tolist(), [[2.6, 13.6], [2, 13.3]], "decimal commas")
with open(path("padded.data"), "w") as file:
    file.write("  18.0   8   307.0      3504.   1\t\"a car\"  \n15.0   8   350.0      3693.   1 \"b car\"\n\n26.0   4   97.00      1835.   2 \"a car\"")
with imported(path("padded.data"), "--no-header", "--separator", "space", "--target", "1", "--categorical", "6") as file:
    equal(file["inputs"][:].tolist(), [[8, 307, 3504, 1, 0], [8, 350, 3693, 1, 1], [4, 97, 1835, 2, 0]], "runs of blanks")

# Numbers may be names.
with open(path("years.csv"), "w") as file:
    file.write("1990,1991\n1,2\n3,4\n")
with imported(path("years.csv"), "--no-header=false") as file:
    equal(list(file["inputs"].attrs["columns"]), ["1990"], "numbers that are names")

# Columns: chosen, left out, renamed; several targets, another file of them, several files; dates.
wide = write("wide.csv", ["id", "a", "b", "c", "d"], [["u", 1, 2, 3, 4], ["v", 5, 6, 7, 8]])
with imported(wide, "--id", "id", "--drop", "b", "--rename", "a=first", "--target", "c,d") as file:
    equal(list(file["inputs"].attrs["columns"]), ["first"], "renamed")
    equal(file["targets"][:].tolist(), [[3, 4], [7, 8]], "two targets")
    equal([name.decode() for name in file["table/ids"]], ["u", "v"], "ids")
with imported(wide, "--columns", "a,c", "--target", "d") as file:
    equal(file["inputs"][:].tolist(), [[1, 3], [5, 7]], "chosen columns")
more_rows = write("more-rows.csv", ["d", "c", "b", "a", "id"], [[40, 30, 20, 10, "w"]])
with imported(wide, more_rows, "--id", "id") as file:
    equal(file["inputs"][:].tolist(), [[1, 2, 3], [5, 6, 7], [10, 20, 30]], "two files as one table")
answers = write("answers.csv", ["height"], [[0.5], [1.5]])
with imported(wide, "--drop", "id", "--targets", answers) as file:
    equal(file["inputs"].shape, (2, 4), "inputs beside another file of targets")
    equal(file["targets"][:].tolist(), [0.5, 1.5], "targets of another file")
refused(["data", "import", "csv", wide, "--drop", "id", "--targets", write("few.csv", ["h"], [[1]]), "--out", path("bad.h5")], "few.csv: 1 rows", "has 2")

# A column of words goes to an embedding by itself.
four = path("four.yaml")
with open(four, "w") as file:
    file.write(f'''data:
  train: "csv {train_csv} --target kind --categorical city,kind --drop name,noise --encoding feed"
  feeds: {{inputs: inputs, city: city, targets: targets}}
model:
  main:
    - linear: {{units: 8, name: numbers}}
    - embedding: {{width: 4, from: city, name: places}}
    - flatten: {{name: flat}}
    - concat: {{of: [numbers, flat]}}
    - linear: 16
    - relu
    - linear: 3
train: {{epochs: 16, batch: 64, microbatches: 4}}
optimizer: {{learning_rate: 0.05}}
''')
found = train(four, path("four"))
check(found["train"]["accuracy"] > 0.9, f"cities in an embedding: {found['train']}")

# Other data under the same name is noticed; it may be said that this is meant.
with h5py.File(path("d.h5"), "w") as file:
    file["inputs"], file["targets"] = random.normal(size=(64, 2)).astype("f4"), (numpy.arange(64) % 2).astype("i4")
five = config("five.yaml", path("d.h5"), model="[linear: 2]", epochs=3)
train(five, path("five"), train__epochs=1)
with h5py.File(path("d.h5"), "a") as file:
    file["inputs"][...] = 0
refused(["train", five, "-n", "1", "--out", path("five")], "d.h5", "is not what the run", "digest", "--accept-data")
call("train", five, "-n", "1", "--out", path("five"), "--accept-data")

# Also with fewer batches than have gone by in the epoch; and then as usual.
short = dict(train__batch=8, train__microbatches=2, train__epochs=9)
train(five, path("shorter"), **short, train__steps_max=7)
with h5py.File(path("d.h5"), "w") as file:
    file["inputs"], file["targets"] = random.normal(size=(24, 2)).astype("f4"), (numpy.arange(24) % 2).astype("i4")
refused(["train", five, "-n", "1", "--out", path("shorter"), "--set", "train.batch=8", "--set", "train.microbatches=2"],
        "is not what the run")
call("train", five, "-n", "2", "--out", path("shorter"), "--accept-data", **short, train__steps_max=9)
found = train(five, path("shorter"), **short)
equal((found["status"], found["epochs"]), ("done", 9), "a run that goes on with less data")

# Splits: strata keep their shares, and the order of the file may be kept.
strata = write("strata.csv", ["x", "kind"], [[i, "rare" if i % 10 == 0 else "often"] for i in range(200)])
six = config("six.yaml", f"csv {strata} --categorical kind", "  split: [0.7, 0.1, 0.2]\n  stratify: true\n", model="[linear: 2]", epochs=1)
train(six, path("six"), train__batch=10, train__microbatches=1)
confusion = call("evaluate", path("six"), "--confusion").stdout
counts = [line.split() for line in confusion.splitlines() if line.startswith(("  often", "  rare"))]
equal([(line[0], sum(map(int, line[1:]))) for line in counts], [("often", 18), ("rare", 2), ("often", 36), ("rare", 4)],
      "classes of validation and test")

# Targets of any size are learned as well as small ones; answers and errors are in their own units.
lines = [[f"{x:.4f}", f"{90000 + 5000 * x:.2f}", f"{-0.003 * x:.6f}"] for x in random.normal(size=200)]
seven = config("seven.yaml", f"csv {write('heights.csv', ['x', 'far', 'near'], lines)} --target far,near",
               "  split: [0.8, 0, 0.2]\n  standardise_targets: true\ntask: regression\n", model="[linear: 2]", epochs=30)
measured = train(seven, path("seven"), ranks=2)["test"]
check(measured["r2_1"] > 0.99 and measured["r2_2"] > 0.99, f"both targets: {measured}")
call("predict", path("seven"), "--data", f"csv {path('heights.csv')}", "--out", path("seven.csv"))
with open(path("seven.csv"), newline="") as file:
    table = list(csv.DictReader(file))
equal(list(table[0]), ["row", "far", "near"], "columns of a regression")
for i, name in enumerate(("far", "near"), 1):
    error = numpy.array([float(row[name]) for row in table]) - [float(line[i]) for line in lines]
    shown = call("evaluate", path("seven"), "--data", f"csv {path('heights.csv')}").stdout.split()
    check(abs(float(shown[shown.index(f"mae_{i}") + 1]) / numpy.abs(error).mean() - 1) < 5e-3, f"the error of {name}")

# Timestamps, 40 s apart on average: floats are 128 s apart there. What a model sees of them is what NumPy
# standardises in double, from a table as from HDF5, of other data, too, and where cells are missing.
times = 1.7e9 + numpy.sort(random.uniform(0, 8000, 200)).round(3)
waves = numpy.sin((times - times[0]) / 600)
cells = [["" if i % 9 == 0 else f"{t:.3f}", f"{w:.5f}", f"{2 * t - 1.7e9:.3f}"] for i, (t, w) in enumerate(zip(times, waves))]
known = numpy.array([float(row[0]) if row[0] else numpy.nan for row in cells])
known[numpy.isnan(known)] = numpy.nanmean(known)
after = numpy.array([float(row[2]) for row in cells])
numbers = numpy.stack([known, [float(row[1]) for row in cells]], 1)
with h5py.File(path("times.h5"), "w") as file:
    file["inputs"], file["targets"] = numbers, after
clocks = write("clocks.csv", ["time", "wave", "after"], cells)
mean, scale = numbers.mean(0), 1 / numbers.std(0)
seen = (numbers - mean) * scale
for name, source in (("csv", f"csv {clocks} --missing mean"), ("hdf5", path("times.h5"))):
    eight = config(f"{name}.yaml", source, "  standardise: feature\n  standardise_targets: true\ntask: regression\n",
                   model="[linear: 1]", epochs=60)
    run = path(f"times-{name}")
    measured = train(eight, run, ranks=2 if name == "csv" else 1)["train"]
    check(measured["r2"] > 0.85, f"{name}: learned from timestamps: {measured}")
    values = parameters(newest_checkpoint(run))
    call("predict", run, "--data", source, "--out", path("t.h5"), "--layer", "linear1")
    with h5py.File(path("t.h5")) as file:
        layer, outputs = file["layer"][:, 0].astype("f8"), file["outputs"][:, 0]
    weights, bias = values["linear1.weight"].astype("f8")[:, 0], values["linear1.bias"].astype("f8")
    answer = seen @ weights + bias
    check(numpy.abs(layer - answer).max() < 1e-6, f"{name}: standardised as in double")
    check(numpy.abs(outputs - (layer * after.std() + after.mean())).max() < 1e-3, f"{name}: answers keep their digits")
    shown = call("checkpoint", "show", run).stdout
    check(f"centre of inputs (place: value)\n  0: {mean[0]:.10g}" in shown, f"{name}: expected the centre in\n{shown}")
    check("input.scale" in shown and f"{scale[1]:.5g}" in shown.split("constants")[1], f"constants in\n{shown}")
    if name == "csv":
        fifth = answer[5]
        train(eight, path("stopped"), train__steps_max=100)
        equal(train(eight, path("stopped"))["parameters_digest"],
              result(run)["parameters_digest"], "what was learned comes from the checkpoint, on another number of ranks")
call("data", "import", "csv", write("both.csv", ["a", "time", "price"], [[i, 1700000000 + i, i / 4] for i in range(40)]), "--target",
     "time,price", "--out", path("both.h5"))
with h5py.File(path("both.h5")) as file:
    equal(file["targets"][:, 0].tolist(), [1700000000 + i for i in range(40)], "whole targets beside fractions")
few = write("few-times.csv", ["time", "wave", "after"], [[cells[5][0], cells[5][1], 0]])
call("predict", path("times-csv"), "--data", f"csv {few}", "--out", path("few.h5"), "--layer", "linear1")
with h5py.File(path("few.h5")) as file:
    check(abs(file["layer"][0, 0] - fifth) < 1e-6, "a single row of other data")
plain = config("plain.yaml", f"csv {clocks} --missing mean", "task: regression\n", model="[linear: 1]", epochs=1)
said = call("train", plain, "-n", 1, "--out", path("plain"), expect=None, launcher__mpirun="/bin/true").stderr
for name, cure in (("time", "data.standardise: feature"), ("after", "data.standardise_targets: true")):
    check(f"column '{name}': a model gets its numbers rounded" in said and cure in said and "'wave'" not in said, said)

# Images that are changed keep their black: nothing is taken off them.
with h5py.File(path("bright.h5"), "w") as file:
    file["inputs"], file["targets"] = (250 + random.integers(0, 2, (16, 4, 4, 1))).astype("u1"), (numpy.arange(16) % 2).astype("i4")
nine = config("moved.yaml", path("bright.h5"), "  standardise: channel\naugment: {shift: 1}\n", model="[flatten, linear: 2]", epochs=1)
train(nine, path("moved"), train__batch=8, train__microbatches=1)
check("centre of inputs" not in call("checkpoint", "show", path("moved")).stdout, "augmented images are not centred")

# A column of texts becomes tokens; other tables are read with the run's words.
talk = [["good day", "kind"], ["a good, good day", "kind"], ["bad day", "rude"], ["go away", "rude"]] * 5
spoken = write("spoken.csv", ["said", "how"], talk)
call("data", "import", "csv", spoken, "--text", "said", "--categorical", "how", "--out", path("spoken.h5"))
with h5py.File(path("spoken.h5")) as file:
    words, ends, text = file["said"].attrs["vocabulary"], file["said.ends"][:], file["said"][:]
    rows = [" ".join(words[token] for token in text[first:end]) for first, end in zip([0, *ends], ends)]
equal(rows, ["good day", "a good , good day", "bad day", "go away"] * 5, "texts as tokens")
nine = config("spoken.yaml", f"csv {spoken} --text said --categorical how", "  feeds:\n    inputs: {column: said, length: 8}\n"
              "    targets: {column: targets}\n", model="[embedding: {width: 4}, reduce: {kind: sum, lengths: inputs_length}, linear: 2]",
              epochs=40)
run = path("spoken")
train(nine, run, optimizer__learning_rate=0.05)
later = write("later.csv", ["how", "said"], [["rude", "go away, day"], ["kind", "what a good day"]])
call("predict", run, "--data", f"csv {later}", "--out", path("said.csv"))
equal([line.split(",")[1] for line in open(path("said.csv")).read().split()[1:]], ["rude", "kind"], "classes of other texts")
call("data", "import", "csv", later, "--like", path("spoken.h5"), "--out", path("later.h5"))
with h5py.File(path("later.h5")) as file, h5py.File(path("spoken.h5")) as first:
    equal(list(file["said"].attrs["vocabulary"]), list(first["said"].attrs["vocabulary"]), "the words of other data")
# Beside it a column of timestamps, which the feed does not read; and a model that reads only that.
timed = write("timed.csv", ["time", "said", "how"], [[f"{1.7e9 + i:.1f}", *row] for i, row in enumerate(talk)])
for name, feeds, model in (("said", "inputs: {column: said, length: 8}", "[embedding: {width: 4}, reduce: sum, linear: 2]"),
                           ("time", "inputs: {column: inputs}", "[linear: 2]")):
    ten = config("timed.yaml", f"csv {timed} --text said --categorical how", f"  validation: csv {timed}\n  standardise: "
                 f"{'none' if name == 'said' else 'feature'}\n  feeds:\n    {feeds}\n    targets: {{column: targets}}\n", model=model, epochs=1)
    train(ten, path("timed-" + name))
    call("predict", path("timed-" + name), "--data", f"csv {timed}", "--out", path("timed.h5"))
for words, said in ((["--unit", "word"], "--unit is about texts: --text says which column holds them"),
                    (["--text", "said", "--drop", "said"], "--drop leaves out 'said', which --text names"),
                    (["--text", "what"], "--text: there is no column 'what'"),
                    (["--text", "how", "--target", "how"], "--text: expected one column that is no target, found 'how'")):
    done = call("data", "import", "csv", spoken, *words, "--categorical", "how", "--out", path("x.h5"), expect=2)
    check(said in done.stderr, done.stderr)
silent = write("silent.csv", ["said", "how"], talk[:1] + [["", "kind"]])
done = call("data", "import", "csv", silent, "--text", "said", "--categorical", "how", "--out", path("x.h5"), expect=2)
check("silent.csv:3:1: error: column 'said' (--text): expected a text, found none" in done.stderr, done.stderr)
