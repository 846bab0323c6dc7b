"""What `lockstep explain` writes to look at: pictures that name the class and the position that are explained, maps of
attention whose colours say their scale, samples beside their nearest training images, series as curves, words where
attributions are zero; no picture of an older file; and names of columns and classes in the HDF5 file."""
import os
import sys
import xml.etree.ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import h5py
import lockstep
import numpy

OUT = lockstep.path("out")
SVG = "{http://www.w3.org/2000/svg}"
draw = numpy.random.default_rng(3)


def train(name, model, arrays, names={}, task="classification", more=""):
    with h5py.File(lockstep.path(name + ".h5"), "w") as file:
        for key, value in arrays.items():
            file[key] = value
        for key, value in names.items():
            file[key].attrs["columns"] = value
    return begin(name, model, f"{{train: {lockstep.path(name + '.h5')}{more}}}", task)


def begin(name, model, data, task):
    with open(lockstep.path(name + ".yaml"), "w") as file:
        file.write(f"""
task: {task}
data: {data}
model: {model}
train: {{epochs: 1, batch: 8}}
""")
    lockstep.call("worker", lockstep.path(name + ".yaml"), "--out", lockstep.path(name))
    return lockstep.path(name)


def explain(run, method, *words):
    done = lockstep.call("explain", run, method, *words, "--out", OUT)
    with h5py.File(os.path.join(OUT, method + ".h5")) as file:
        found = {name: item[()] for name, item in file.items()}
        names = {name: [str(x) for v in item.attrs.values() for x in v] for name, item in file.items() if item.attrs}
        kinds = {key for item in file.values() for key in item.attrs}
        return found | {"of": dict(file.attrs), "names": names, "kinds": kinds, "said": done.stderr}


def drawing(method):
    """Its legend, and what else is written."""
    tree = xml.etree.ElementTree.parse(os.path.join(OUT, method + ".svg"))
    texts = ["".join(element.itertext()) for element in tree.iter(SVG + "text")]
    lockstep.check(texts[0].startswith(f"{method} of "), f"title of {method}: {texts[0]}")
    return tree, texts[1], texts[2:]


def pictures(method):
    return [name for name in (method + ".png", method + ".svg") if os.path.exists(os.path.join(OUT, name))]


classes = ["top", "middle", "bottom"]
images, labels = draw.integers(1, 200, (24, 6, 6, 1)).astype("u1"), numpy.arange(24).astype("i4") % 3
images[5] = 0
cnn = train("cnn", "[conv2d: {filters: 4, kernel: 3}, batch_norm, relu, flatten, linear: 3]",
            {"inputs": images, "targets": labels}, {"targets": classes}, more=f", test: {lockstep.path('cnn.h5')}")
found = explain(cnn, "input_times_gradient", "--target", "1", "--samples", "2:8")
tree, legend, texts = drawing("input_times_gradient")
lockstep.check(legend.startswith("Explained: the logit of class 1 (middle). Red speaks"), legend)
captions = [f"row {n}, label {classes[n % 3]}, predicted {classes[k]}" + (", explained middle" if k != 1 else "")
            for n, k in zip(range(2, 8), found["predicted"])]
zeros = ["no part speaks for it"]
lockstep.equal(texts, captions[:4] + zeros + captions[4:], "captions, and words beside the sample that is black")
lockstep.check("1 of 6 samples: all attributions are zero" in found["said"], found["said"])
lockstep.equal(found["names"]["predicted"], classes, "names of the predicted classes")
lockstep.equal([found["of"][k] for k in ("samples", "range", "elements")], ["6", "2:8", "class"], "attributes")
lockstep.check("position" not in found["of"], "a position where there is but one")

# Class scores that fall with what each convolution finds: no channel speaks for them.
silent = []
for target in range(3):
    found = explain(cnn, "grad_cam", "--target", target)
    silent.append(int((found["maps"].max((1, 2)) == 0).sum()))
    said = f"{silent[-1]} of 24 samples: all attributions are zero"
    lockstep.equal(silent[-1] > 0, said in found["said"], f"{silent[-1]} maps of zeros, said:\n{found['said']}")
    lockstep.equal(drawing("grad_cam")[2].count(zeros[0]), silent[-1], "words in place of the maps of zeros")
    lockstep.equal(silent[-1] > 0, "--layer relu1, the activation behind" in found["said"], f"advice:\n{found['said']}")
lockstep.check(max(silent) > 0, "no map is zero everywhere, which was to be seen")

found = explain(cnn, "neighbours", "--samples", "0:3", "--set", "count=2")
texts = drawing("neighbours")[2]
expected = []
for n in range(3):
    expected.append(f"row {n}, label {classes[n]}, predicted {classes[found['predicted'][n]]}")
    expected += [f"training {i}label {classes[i % 3]}distance {d:.4g}"
                 for i, d in zip(found["neighbours"][n], found["distances"][n])]
lockstep.equal(texts, expected, "samples and their nearest training images")
with open(os.path.join(OUT, "neighbours.png"), "rb") as file:
    lockstep.equal(file.read(24)[16:], (3 * 7 - 1).to_bytes(4, "big") * 2, "a sheet of 3 times 1 + 2 images")

# A table: its columns have names; numbers are no classes; and the picture of the images goes.
lockstep.equal(pictures("input_times_gradient"), ["input_times_gradient.png", "input_times_gradient.svg"], "pictures")
lockstep.call("explain", cnn, "input_times_gradient", "--samples", "0:99", "--out", OUT, expect=2)
lockstep.equal(len(pictures("input_times_gradient")), 2, "pictures after a call that fails")
columns = ["length", "width", "weight"]
table = train("table", "[linear: 2]", {"inputs": draw.normal(size=(16, 3)), "targets": draw.normal(size=(16, 2)).astype("f4")},
              {"inputs": columns}, task="regression")
found = explain(table, "input_times_gradient")
lockstep.equal(pictures("input_times_gradient"), [], "pictures beside the file of a table")
lockstep.check("predicted" not in found, "a table of numbers has predicted classes")
lockstep.equal(set(found["elements"]), {-1}, "elements where the mean of both outputs is explained")
lockstep.check("-1: the mean of all 2" in found["of"]["elements"], found["of"]["elements"])
lockstep.equal(list(explain(table, "input_times_gradient", "--target", 1)["elements"]), [1] * 16, "elements of one output")
found = explain(table, "integrated_gradients")
lockstep.equal([found["names"], found["kinds"]], [{"attributions": columns, "baseline": columns}, {"columns"}], "columns")
found = explain(table, "permutation_importance")
lockstep.equal([found["names"]["attributions"], found["of"]["metric"]], [columns, "R^2"], "names of its rows, and what is lost")

# A series of two channels: a curve and bars for each.
series = train("series", "[lstm: 4, last, linear: 1]",
               {"inputs": draw.normal(size=(16, 7, 2)), "targets": draw.normal(size=(16, 1)).astype("f4")},
               {"inputs": ["wind", "rain"]}, task="regression")
found = explain(series, "saliency", "--samples", "0:2")
tree, legend, texts = drawing("saliency")
most = numpy.abs(found["attributions"]).max((1, 2))
lockstep.equal([sum(t == name for t in texts) for name in ("wind", "rain", f"\u00b1{most[0]:.4g}", f"\u00b1{most[1]:.4g}")],
               [2] * 4, f"channels and scales in {texts}")
strokes = [path.get("stroke") for path in tree.iter(SVG + "path")]
lockstep.equal([strokes.count(colour) for colour in ("#000", "#d00000", "#0040d0")], [4] * 3, "curves and bars")
curve = next(path for path in tree.iter(SVG + "path") if path.get("stroke") == "#000").get("d")
lockstep.equal(curve.count("L"), 6, f"steps of the curve {curve}")
explain(series, "maximise")
lockstep.equal([path.get("stroke") for path in drawing("maximise")[0].iter(SVG + "path")].count("#000"), 2, "its curves")

# A text: the position that is explained, and where attention looks.
with open(lockstep.path("lines.txt"), "w") as file:
    file.write("one two & \n" * 12)
text = begin("text", "[embedding: {width: 4}, residual: {activation: none, body: [attention: {heads: 2, causal: true}]}, attention: {heads: 1, causal: true},"
             " linear: 8]", f"{{train: text {lockstep.path('lines.txt')}, window: 12}}", "language_model")
found = explain(text, "saliency", "--samples", "0:2", "--position", "3", "--target", "2")
tree, legend, texts = drawing("saliency")
lockstep.check("the logit of class 2 (&) at position 3" in legend, legend)
lockstep.check(texts[0].endswith((", predicted &, at position 3", ", explained &, at position 3")), texts[0])
lockstep.equal([found["of"][k] for k in ("position", "elements")], ["3", "position * classes + class"], "attributes")
lockstep.equal(found["names"]["predicted"], ["\n", " ", "&", "e", "n", "o", "t", "w"], "tokens as classes")
lockstep.equal(list(found["elements"]), [3 * 8 + 2] * 2, "elements")
found = explain(text, "attention", "--samples", "0:1")
tree, legend, texts = drawing("attention")
full = [numpy.sort(m[m > 0])[int(numpy.ceil(0.99 * (m > 0).sum())) - 1] for m in (
    found["rollout"][0], *found["residual1.attention1"][0], found["attention1"][0, 0])]
lockstep.equal([t for t in texts if "dark" in t or "att" in t or t == "rollout"],
               ["rollout", f"darkest {full[0]:.2g}", "residual1.attention1", f"head 0darkest {full[1]:.2g}",
                f"head 1darkest {full[2]:.2g}", "attention1", f"darkest {full[3]:.2g}"], "maps with their scales")
lockstep.check("A row is a position that looks" in legend and "square root" in legend, legend)
lockstep.equal(found["of"]["position"], "last", "the position that is explained")
