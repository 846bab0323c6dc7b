"""report, plot and compare: pages and charts are well-formed, and show what the run's files hold and nothing else."""
import base64
import csv
import json
import math
import os
import re
import shutil
import struct
import subprocess
import sys
import xml.etree.ElementTree as tree

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import h5py
import lockstep
import numpy

SVG = "{http://www.w3.org/2000/svg}"
run, image = lockstep.path("a <b> & 'c'"), lockstep.path("pictures")


def lines_of(folder):
    with open(os.path.join(folder, "metrics.jsonl")) as file:
        return [json.loads(line) for line in file]


def work(config, folder, **settings):
    """Trains without the launcher, which takes half the time."""
    lockstep.call("worker", config, "--out", folder, **settings)


def page_of(*runs, options=()):
    out = lockstep.path("page.html")
    lockstep.call("report", *runs, "--out", out, *options)
    lockstep.check(os.path.getsize(out) < 3e6, f"{runs}: a page of {os.path.getsize(out)} bytes")
    with open(out) as file:
        text = file.read()
    lockstep.check(not re.search(r"<script|(src|href)=\"(?!data:)|url\(|@import", text), "the page asks for something")
    return tree.fromstring(text.replace("<!DOCTYPE html>", "", 1)), text


def section(page, name):
    found = [node for node in page.iter("section") if node.get("id") == name]
    return found[0] if found else None


def text_of(node):
    return re.sub(r"\s+", " ", " ".join(node.itertext()))


def matrix_of(page):
    return [[int(cell.text) for cell in row.iter("td")] for row in page.find(".//table[@class='confusion']/tbody")]


def check_chart(chart, lines, metric, x="step"):
    """Markers lie where the axes' numbers say, and tooltips say what metrics.jsonl does."""
    lockstep.equal(chart.get("role"), "img", "role of a chart")
    named = [chart.find(f".//*[@id='{word}']") for word in chart.get("aria-labelledby").split()]
    lockstep.check(all(node is not None and node.text for node in named), "a chart without a text alternative")
    scale = {}
    for axis, place in (("x", "x"), ("y", "y")):
        ticks = [(float(node.text.replace("k", "e3")), float(node.get(place))) for node in chart.iter(SVG + "text")
                 if node.get("class") == axis]
        lockstep.check(len(ticks) >= 2, f"{metric}: {len(ticks)} numbers on the axis {axis}")
        log = axis == "y" and any(node.text == "log scale" for node in chart.iter(SVG + "text"))
        scale[axis] = (ticks, math.log if log else float)
    seen = 0
    for group in chart.iter(SVG + "g"):
        part, at, value = re.fullmatch(r"(.*), (?:step |epoch )?([-\d.e+]+)(?: s)?: (.*)", group.find(SVG + "title").text).groups()
        wanted = [line for line in lines if line["split"] == part.split(", ")[-1] and metric in line and
                  (f"{line[metric]:.6g}" == value) and (x != "step" or line["step"] == float(at))]
        lockstep.check(wanted, f"{metric}: the chart says {part} {at} {value}, the file does not")
        marker = group[1]
        where = (marker.get("cx"), marker.get("cy")) if marker.get("cx") else re.findall(r"[\d.]+", marker.get("transform"))[:2]
        lockstep.check(0 < float(where[0]) < float(chart.get("width")) and 0 < float(where[1]) < float(chart.get("height")),
                       f"{metric} at {at}: a marker beside the picture")
        for axis, number, found in (("x", float(at), float(where[0])), ("y", wanted[0][metric], float(where[1]))):
            (ticks, of) = scale[axis]
            (low, first), (high, last) = ticks[0], ticks[-1]
            if axis == "y":
                first, last = first - 4, last - 4
            expected = first + (of(number) - of(low)) / (of(high) - of(low)) * (last - first)
            lockstep.check(abs(found - expected) < 0.7, f"{metric} at {at}: {axis} {found}, expected {expected}")
        seen += 1
    lockstep.check(seen, f"{metric}: a chart without a marker")


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return (crc >> 15 | crc << 17) + 0xA282EAD8 & 0xFFFFFFFF


def fields_of(data):
    """Number -> value of a protocol buffer's message: a varint, 8 or 4 bytes, or counted bytes."""
    at, found = 0, {}

    def varint():
        nonlocal at
        value, shift = 0, 0
        while True:
            at += 1
            value |= (data[at - 1] & 127) << shift
            if data[at - 1] < 128:
                return value
            shift += 7
    while at < len(data):
        key = varint()
        size = {1: 8, 5: 4}.get(key & 7)
        if key & 7 == 0:
            found[key >> 3] = varint()
            continue
        size = varint() if size is None else size
        found[key >> 3] = data[at:at + size]
        at += size
    return found


def events_of(folder):
    """{(step, tag): value} of the one event file; of an image the fields."""
    names = os.listdir(os.path.join(folder, "tensorboard"))
    lockstep.equal(len(names), 1, f"event files: {names}")
    with open(os.path.join(folder, "tensorboard", names[0]), "rb") as file:
        data = file.read()
    at, found = 0, {}
    while at < len(data):
        length, = struct.unpack_from("<Q", data, at)
        record = data[at + 12:at + 12 + length]
        lockstep.equal(struct.unpack_from("<I", data, at + 8)[0], crc32c(data[at:at + 8]), "CRC of a length")
        lockstep.equal(struct.unpack_from("<I", data, at + 12 + length)[0], crc32c(record), "CRC of a record")
        event = fields_of(record)
        if at == 0:
            lockstep.equal(event[3], b"brain.Event:2", "the first record")
        else:
            value = fields_of(fields_of(event[5])[1])
            found[event.get(2, 0), value[1].decode()] = (
                struct.unpack("<f", value[2])[0] if 2 in value else fields_of(value[4]))
        at += length + 16
    return found


def check_events(folder, images=()):
    wanted = {(line["step"], f"{line['split']}/{key}"): numpy.float32(value) for line in lines_of(folder)
              for key, value in line.items() if key not in ("step", "split", "epoch")}
    found = events_of(folder)
    for image in images:
        fields = found.pop(image)
        lockstep.equal(struct.unpack(">II", fields[4][16:24]), (fields[2], fields[1]), "size of an image among the events")
        lockstep.equal((fields[1], fields[2], fields[3]), (18, 30, 3), "16 samples of 6x5x3, six in a row")
    lockstep.equal(found, wanted, "events beside metrics.jsonl")


# A table whose words need escapes, and pictures, of which the model knows next to nothing.
rows = ["size,\"a<b>&\",kind"]
generator = numpy.random.default_rng(3)
for i in range(160):
    size, other = generator.normal(size=2)
    rows.append(f"{size:.4f},{other:.4f},{'<yes>' if size + 0.3 * other + 0.3 * generator.normal() > 0 else 'no & no'}")
with open(lockstep.path("table.csv"), "w") as file:
    file.write("\n".join(rows) + "\n")
with open(lockstep.path("table.yaml"), "w") as file:
    file.write(f"""task: classification
data: {{train: "csv {lockstep.path('table.csv')} --target kind --categorical kind", split: [0.6, 0.2, 0.2]}}
train: {{epochs: 4, batch: 16}}
optimizer: {{name: adam, learning_rate: 0.01}}
log: {{every_steps: 1}}
model: [linear: 4, relu, linear: 2]
""")
lockstep.train(lockstep.path("table.yaml"), run)
with h5py.File(lockstep.path("pictures.h5"), "w") as file:
    file["inputs"] = generator.integers(0, 256, (64, 6, 5, 3), dtype="u1")
    file["targets"] = generator.integers(0, 3, 64).astype("i4")
with open(lockstep.path("pictures.yaml"), "w") as file:
    file.write(f"""task: classification
data: {{train: "{lockstep.path('pictures.h5')}", test: "{lockstep.path('pictures.h5')}"}}
train: {{epochs: 2, batch: 16}}
optimizer: {{name: sgd, learning_rate: 0.01}}
model: [flatten, linear: 3]
""")
work(lockstep.path("pictures.yaml"), image, log__tensorboard="true")
check_events(image, [(0, "train/inputs")])
lines, result = lines_of(run), lockstep.result(run)

# plot: pictures, tables, the terminal.
svg = lockstep.path("plot.svg")
lockstep.call("plot", run, "--metric", "loss", "--metric", "gradient_norm", "--x", "epoch", "--out", svg)
charts = tree.parse(svg).getroot().findall(SVG + "svg")
lockstep.equal(len(charts), 2, "charts of two metrics")
for chart, metric in zip(charts, ("loss", "gradient_norm")):
    check_chart(chart, lines, metric, "epoch")
lockstep.call("plot", run, image, "--scale", "log", "--out", svg)
loss = tree.parse(svg).getroot().find(SVG + "svg")
legend = {node.find(SVG + "title").text.split(", ")[0] for node in loss.iter(SVG + "g")}
lockstep.equal(legend, {os.path.basename(run), "pictures"}, "runs in a chart of both")
check_chart(loss, lines + lines_of(image), "loss")
table = lockstep.path("plot.csv")
lockstep.call("plot", run, "--out", table)
with open(table, newline="") as file:
    read = list(csv.DictReader(file))
lockstep.equal([{k: v if k == "split" else float(v) for k, v in row.items() if v} for row in read],
               [{k: v if k == "split" else float(v) for k, v in line.items()} for line in lines], "the table of plot --out")
shown = lockstep.call("plot", run).stdout
lockstep.check(all(word in shown for word in ("loss", "a train: 24 points", "b validation: 4 points", "\u2514")), shown)
lockstep.check(max(map(len, shown.splitlines()[:18])) <= 80, "a chart wider than 80 columns")
missing = lockstep.call("plot", run, "--metric", "los", expect=2).stderr
lockstep.check("did you mean 'loss'?" in missing and "there are: loss, accuracy" in missing, missing)
lockstep.check("no such run directory" in lockstep.call("plot", lockstep.path("nowhere"), expect=2).stderr, "no run")
lockstep.check("FILE.svg or FILE.csv" in lockstep.call("plot", run, "--out", "x.png", expect=2).stderr, "another ending")

# A value that was none is a gap; half a line is one that is being written; a changed line is an error.
torn = lockstep.path("torn")
shutil.copytree(run, torn)
twins = [lockstep.path(f"twin{i}", "same") for i in range(3)]
for twin in twins:
    shutil.copytree(run, twin)
lockstep.call("report", *twins, "--records-only", "--out", lockstep.path("twins.html"))
with open(lockstep.path("twins.html")) as file:
    page = file.read()
lockstep.check(all(f">{twin}<" in page for twin in twins), "three runs of one name are not told apart by their paths")
with open(os.path.join(torn, "metrics.jsonl"), "a") as file:
    file.write('{"step": 41, "epoch": 4.1, "split": "train", "loss": null}\n{"step": 42, "epo')
shown = lockstep.call("plot", torn, "--metric", "loss").stdout
lockstep.check("1 values are not numbers" in shown, shown)
lockstep.check("went on" in text_of(page_of(torn, options=["--records-only"])[0]), "a result of before is not said to be one")
os.remove(os.path.join(torn, "result.json"))
lockstep.equal(matrix_of(page_of(torn)[0]), result["test"]["confusion"], "the confusion matrix of a run without a result")
with open(os.path.join(torn, "metrics.jsonl"), "a") as file:
    file.write("\n")
for command in ["plot", torn], ["report", torn, "--out", lockstep.path("torn.html")]:
    said = lockstep.call(*command, expect=4).stderr
    lockstep.check(f"metrics.jsonl:{len(lines) + 2}: error: expected" in said, said)
lockstep.check(not os.path.exists(lockstep.path("torn.html")), "a page of a damaged run")

# report: the table, with what explain says of it.
reasons = lockstep.path("explained")
lockstep.call("explain", run, "permutation_importance", "--out", reasons)
page, text = page_of(run, options=["--explained", reasons])
with h5py.File(os.path.join(reasons, "permutation_importance.h5")) as file:
    wanted = sorted(zip([f"{value:.4g}" for value in file["attributions"][:]], ["size", "a<b>&"]), key=lambda pair: -float(pair[0]))
    loss = f"Loss in {file.attrs['metric']}, which is {file['score'][()]:.4g} of {file.attrs['samples']} samples."
    lockstep.check(loss in text, f"the page does not say '{loss}'")
bars = [(text_of(row[1]), text_of(row[0])) for row in section(page, "explained").iter("tr")]
lockstep.equal(bars, wanted, "what the answers depend on")
lockstep.equal([text_of(node) for node in section(page, "explained").iter("h3")], ["permutation_importance"], "headings")
lockstep.check("train: the mean over the steps of the last epoch" in text, "what stands in the column of the training")
lockstep.check("other parameters" not in text, "explanations of this run are said to be of another")
lockstep.equal(page.find(".//h1").text, os.path.basename(run), "the page's title")
lockstep.check("<b>" not in text.replace("answer <b>", "").replace("label <b>", ""), "a name that was not escaped")
curves = section(page, "curves")
for x in "step", "epoch", "seconds":
    charts = {chart.find(SVG + "title").text: chart for node in curves.iter("figure") if node.get("class") == f"by-{x}"
              for chart in node.iter(SVG + "svg")}
    names = [key for key in lines[-1] if key not in ("step", "epoch", "split")] + ["learning_rate", "gradient_norm", "samples_per_s"]
    lockstep.equal(list(charts), [*names, "where the time goes"], f"charts along {x}")
    check_chart(charts["loss"], lines, "loss", x)
    check_chart(charts["accuracy"], lines, "accuracy", x)
ids = re.findall(r" id=\"([^\"]+)\"", text)
lockstep.equal(len(ids), len(set(ids)), "ids of the page")
cells = [[text_of(cell) for cell in row] for row in page.iter("tr")]
for part, column in ("train", 1), ("validation", 2), ("test", 3):
    for metric in "loss", "accuracy":
        found = [row[column] for row in cells if row[0] == metric]
        lockstep.equal(found, [f"{result[part][metric]:.6g}"], f"{part} {metric} of the page")
matrix = matrix_of(page)
lockstep.equal(matrix, result["test"]["confusion"], "the confusion matrix")
for name, scores in result["test"]["classes"].items():
    lockstep.check([name, str(scores["support"])] + [f"{scores[key]:.4f}" for key in ("precision", "recall", "f1")] in cells, name)
wrong = sum(map(sum, matrix)) - sum(matrix[k][k] for k in range(2))
mistakes = section(page, "mistakes")
lockstep.check(f"{wrong} of 32 samples are answered wrong" in text_of(mistakes), text_of(mistakes)[:200])
lockstep.check("a<b>&" in text_of(mistakes) and "<yes>" in text_of(mistakes), "names of columns and classes")
shares = [float(row[1][:-1]) for row in ([text_of(cell) for cell in row] for row in section(page, "time").iter("tr"))]
lockstep.check(abs(sum(shares) - 100) < 0.5, f"shares of the time: {shares}")
story = text_of(section(page, "story"))
lockstep.check(re.search(r"0 1 \S+ done \(at step 24\)", story) and "processor" in story, story)
with open(os.path.join(run, "config.yaml")) as file:
    lockstep.equal(page.find(".//details/pre").text, file.read(), "the config")

# report: files of explain, some as no config here would make them: each has its own heading, and something to see.
others = lockstep.path("others")
lockstep.call("explain", run, "saliency", "--faithfulness", "--out", others)
lockstep.call("explain", run, "neighbours", "--out", others)
strengths = {}
for name, method, shape in (("series", "occlusion", (3, 25, 2)), ("tokens", "occlusion", (3, 24)), ("deep", "saliency", (2, 4, 4, 8))):
    with h5py.File(os.path.join(others, name + ".h5"), "w") as file:
        values = file["attributions"] = generator.normal(size=shape)
        file.attrs["method"], strengths[name] = method, abs(values).mean(0)
        if name == "tokens":
            file.attrs["layer"] = "embedding1"
with h5py.File(os.path.join(reasons, "permutation_importance.h5"), "a") as file:
    file.attrs["metric"], file["score"][...], file.attrs["samples"] = "a<b>", 0.84, "32"
page, text = page_of(run, options=["--explained", reasons, "--explained", others])
parts = section(page, "explained")
found = {}
for node in parts:
    name = text_of(node) if node.tag == "h3" else name if found else ""
    found.setdefault(name, []).append(node)
lockstep.equal(list(found)[1:], [f"permutation_importance ({reasons})", f"saliency ({others}/deep.h5)", f"neighbours ({others})",
                                 f"saliency ({others}/saliency.h5)", f"occlusion ({others}/series.h5)",
                                 f"occlusion ({others}/tokens.h5)"], "headings of two folders")
said = {name: " ".join(text_of(node) for node in nodes) for name, nodes in found.items()}
lockstep.check("Loss in a<b>, which is 0.84 of 32 samples." in said[f"permutation_importance ({reasons})"], "what is lost")
lockstep.check(f"Numbers only: {others}/neighbours.h5 with distances [32, 5], elements [32]," in said[f"neighbours ({others})"], "numbers")
lockstep.check(f"Numbers only: {others}/deep.h5 with attributions [2, 4, 4, 8]." in said[f"saliency ({others}/deep.h5)"], "numbers")
for name, columns in ("series", ["size", "a<b>&"]), ("tokens", ["all samples"]):
    chart = [svg for node in found[f"occlusion ({others}/{name}.h5)"] for svg in node.iter(SVG + "svg")][0]
    points = [group.find(SVG + "title").text for group in chart.iter(SVG + "g")]
    for c, column in enumerate(columns):
        value = strengths[name].reshape(-1, len(columns))[0, c]
        lockstep.check(f"{column}, position 0: {value:.6g}" in points, f"{name}: {points}")
bars = [text_of(row) for node in found[f"occlusion ({others}/tokens.h5)"] for row in node.iter("tr")]
order = numpy.argsort(-strengths["tokens"])
lockstep.equal([bar.split()[:3] for bar in bars], [["position", str(k), f"{strengths['tokens'][k]:.4g}"] for k in order[:20]], "tokens")
lockstep.check("The 20 largest of 24." in said[f"occlusion ({others}/tokens.h5)"], "how many there are")
with h5py.File(os.path.join(others, "saliency.h5")) as file:
    curves = [file[name][:].astype("f8").mean(0) for name in ("deletion", "insertion")]
    checks = [((curve[1:] + curve[:-1]) / 2).mean() for curve in curves]
    checks += [file[name][:].astype("f8").mean() for name in ("noise_sensitivity", "random_weights_correlation")]
table = [node for node in found[f"saliency ({others}/saliency.h5)"] if node.get("class") == "read"][0]
read = [text_of(row[1]) for row in table.find("tbody")]
lockstep.check(numpy.allclose([float(value) for value in read], checks, rtol=1e-4, atol=1e-9), f"checks: {read}, expected {checks}")
ids = re.findall(r" id=\"([^\"]+)\"", text)
lockstep.equal(len(ids), len(set(ids)), "ids of a page with charts of explanations")

# report: a run that was given its parameters and is not trained yet; numbers of the training are told from the others.
weights, given = lockstep.path("weights.safetensors"), lockstep.path("given")
lockstep.call("export", run, "--format", "safetensors", "--out", weights)
lockstep.call("import-weights", weights, "--config", lockstep.path("table.yaml"), "--out", given)
page, text = page_of(given)
lockstep.check(f"begun by import-weights from {weights}, not trained yet" in text_of(page), text_of(page)[:500])
lockstep.check(f"begun by import-weights from {weights}" in text_of(section(page, "story")) and "broke off" not in text, "the start")
lockstep.check("still changed" not in text, "a note about results that there are none of")

# report: pictures, which are the samples that the page names.
page, text = page_of(image, options=["--explained", reasons])
lockstep.check("Of other parameters than those" in text, "explanations of another run are not said to be that")
with h5py.File(lockstep.path("pictures.h5")) as file:
    pixels = file["inputs"][:]
figures = [figure for figure in section(page, "mistakes").iter("figure")]
lockstep.check(len(figures) >= 4, f"{len(figures)} pictures of mistakes")
for figure in figures[:4]:
    png = base64.b64decode(figure.find("img").get("src").split(",")[1])
    lockstep.equal(struct.unpack(">II", png[16:24]), (5, 6), "size of a picture")
    number = int(figure.find("img").get("alt").split()[1])
    import zlib
    packed, at = b"", 8
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at:at + 8])
        packed += png[at + 8:at + 8 + size] if kind == b"IDAT" else b""
        at += size + 12
    raw = numpy.frombuffer(zlib.decompress(packed), "u1").reshape(6, 16)
    if not raw[:, 0].any():  # lines that PNG stores as they are
        lockstep.equal(raw[:, 1:].reshape(6, 5, 3).tolist(), pixels[number].tolist(), f"pixels of sample {number}")

# report: of an autoencoder, what it makes worst of samples, beside them.
remade = lockstep.path("remade")
with open(lockstep.path("remade.yaml"), "w") as file:
    file.write(f"""task: custom
data: {{train: {lockstep.path("pictures.h5")}, test: {lockstep.path("pictures.h5")}}}
model: [flatten, linear: 4, tanh, linear: 90]
losses: [binary_cross_entropy: {{target: inputs}}]
train: {{epochs: 2, batch: 16}}
""")
work(lockstep.path("remade.yaml"), remade)
lockstep.call("predict", remade, "--data", lockstep.path("pictures.h5"), "--out", lockstep.path("made.h5"), "--logits")
with h5py.File(lockstep.path("made.h5")) as file:
    made = 1 / (1 + numpy.exp(-file["logits"][:].astype("f8")))
errors = numpy.sqrt(((made - pixels.reshape(64, 90) / 255) ** 2).mean(1))
figures = [figure for figure in section(page_of(remade)[0], "mistakes").iter("figure")]
found = [text_of(figure.find("figcaption")) for figure in figures]
lockstep.equal(found, [f"sample {k} error {errors[k]:.4g}" for k in numpy.argsort(-errors)[:16]], "what is made worst")
lockstep.equal([len(figure.findall("img")) for figure in figures], [2] * 16, "a sample and what is made of it")

# report: of series, errors without their values; no word about how many of them are shown.
series = lockstep.path("series")
with h5py.File(lockstep.path("series.h5"), "w") as file:
    file["inputs"], file["targets"] = generator.normal(size=(48, 9, 1)).astype("f4"), generator.normal(size=48).astype("f4")
with open(lockstep.path("series.yaml"), "w") as file:
    file.write(f"""task: regression
data: {{train: {lockstep.path("series.h5")}, test: {lockstep.path("series.h5")}}}
model: [flatten, linear: 1]
train: {{epochs: 1, batch: 16}}
""")
work(lockstep.path("series.yaml"), series)
said = text_of(section(page_of(series)[0], "mistakes"))
lockstep.check("Largest errors" in said and "of a sample's" not in said, said)

# What is missing is said, or left out.
bare = lockstep.path("bare")
os.mkdir(bare)
shutil.copy(os.path.join(run, "metrics.jsonl"), bare)
page, text = page_of(bare)
lockstep.check("No result yet" in text and "no checkpoint" in text and "no config" in text, text_of(page)[:500])
lockstep.check(section(page, "classes") is None and "confusion" not in text_of(page.find(".//main")), "classes of a run that has none")
os.rename(lockstep.path("pictures.h5"), lockstep.path("moved.h5"))
said = lockstep.call("report", image, "--out", lockstep.path("page.html"))
lockstep.check("pictures.h5" in said.stderr, f"data that is gone: {said.stderr}")
with open(lockstep.path("page.html")) as file:
    lockstep.check("The model was not tried" in file.read(), "a page without data")
lockstep.check("FILE.html" in lockstep.call("report", run, "--out", "x.pdf", expect=2).stderr, "another ending")

# Several runs: what differs, and nothing else.
other = lockstep.path("other")
work(lockstep.path("table.yaml"), other, train__epochs=1, optimizer__learning_rate=0.02, log__tensorboard="true")
check_events(other)
work(lockstep.path("table.yaml"), other, train__epochs=2, optimizer__learning_rate=0.02, log__tensorboard="true")
check_events(other)
for command in ["watch", other, "--once"], ["checkpoint", "show", other]:  # started twice by hand: nobody saw how the first ended
    said = lockstep.call(*command).stdout
    lockstep.check("from step 6" in said and "broke off without a word" in said, said)
page, text = page_of(run, other)
keys = [text_of(row[0]) for row in section(page, "differences").iter("tr")][1:]
lockstep.equal(keys, ["train.epochs", "optimizer.learning_rate", "log.tensorboard"], "keys that differ")
row = [[text_of(cell) for cell in row] for row in section(page, "results").iter("tr") if row[0].text == "test.loss"][0]
lockstep.equal(row[1:], [f"{lockstep.result(folder)['test']['loss']:.6g}" for folder in (run, other)], "test.loss of both")
compared = lockstep.call("compare", run, other).stdout
lockstep.check(re.search(r"optimizer\.learning_rate +0\.01 +0\.02\n", compared) and "they differ" in compared, compared)
compared = lockstep.call("compare", run, run).stdout
lockstep.check("no key differs" in compared and "the same, bit for bit" in compared, compared)
