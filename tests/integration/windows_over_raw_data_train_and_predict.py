"""Texts and series named in a config are imported, cut into windows, and give the same bits on any number of ranks."""
import collections
import json
import math
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import h5py
import numpy

from lockstep import call, check, equal, newest_checkpoint, path, result, train

DATA = os.environ["LOCKSTEP_DATA"]
TEXT = os.path.join(DATA, "text", "tinyshakespeare.txt")
SERIES = os.path.join(DATA, "timeseries", "ETTh1.csv")
MODEL = """model:
  - embedding: {width: 16}
  - linear: {units: vocabulary}
train: {epochs: 1, batch: 64, microbatches: 4, steps_max: 6}
optimizer: {name: adam, learning_rate: 0.01}
"""


def write(name, text, mode="w"):
    with open(path(name), mode) as file:
        file.write(text)
    return path(name)


def language():
    words = open(TEXT, encoding="utf-8", newline="").read()
    config = write("text.yaml", "data: {train: 'text text/tinyshakespeare.txt', window: 64, split: [0.9, 0.1, 0]}\n" + MODEL)
    run = path("text")
    digests = {train(config, run if ranks == 1 else path(f"text{ranks}"), ranks)["parameters_digest"] for ranks in (1, 2)}
    equal(len(digests), 1, "text: digests on 1 and 2 ranks")
    vocabulary = json.load(open(os.path.join(run, "vocabulary.json")))["/text"]
    equal(vocabulary, {"unit": "char", "tokens": sorted(set(words))}, "text: the run's vocabulary")

    # The same windows written as rows, with the targets that a window has: the same model, the same measures.
    tokens = numpy.array([vocabulary["tokens"].index(c) for c in words[:64 * 100 + 1]], "u1")
    with h5py.File(path("rows.h5"), "w") as file:
        file["inputs"] = tokens[:-1].reshape(100, 64)
        file["targets"] = tokens[1:].reshape(100, 64)
    beginning = write("beginning.txt", words[:64 * 100 + 1])
    measured = {call("evaluate", run, "--data", source).stdout for source in (path("rows.h5"), beginning)}
    equal(len(measured), 1, f"text: windows and rows are measured alike: {measured}")
    with h5py.File(path("rows.h5"), "a") as file:
        del file["targets"]
    call("predict", run, "--data", path("rows.h5"), "--out", path("rows-out.h5"))
    call("predict", run, "--data", beginning, "--out", path("text-out.h5"))
    with h5py.File(path("rows-out.h5")) as rows, h5py.File(path("text-out.h5")) as windows:
        equal(rows["outputs"].shape, (100, 64, 65), "text: outputs")
        check(numpy.array_equal(rows["outputs"], windows["outputs"]), "text: windows and rows are predicted alike")

    # Another text is read with the run's vocabulary, and must keep to it.
    done = call("predict", run, "--data", write("odd.txt", words[:70] + "\n\u00e9"), "--out", path("x.h5"), expect=2)
    line, column = words[:70].count("\n") + 2, 1
    check(f"odd.txt:{line}:{column}: error: '\u00e9' is not in the vocabulary" in done.stderr, done.stderr)
    call("data", "import", beginning, "--unit", "byte", "--out", path("bytes.h5"))
    done = call("predict", run, "--data", path("bytes.h5"), "--out", path("x.h5"), expect=2)
    check("bytes.h5: not the vocabulary of the run" in done.stderr, done.stderr)
    done = call("predict", run, "--data", write("short.txt", words[:20]), "--out", path("x.h5"), expect=2)
    check("imported as " in done.stderr and "/text has 20 rows, but a window" in done.stderr, done.stderr)
    parts = write("parts.yaml", f"data: {{train: '{TEXT}', validation: '{beginning}', window: 64}}\n" + MODEL)
    train(parts, path("parts"))
    small = write("small.yaml", "data: {train: 'text text/tinyshakespeare.txt', window: 64}\n" + MODEL.replace("{units: vocabulary}", "60"))
    done = call("train", small, "--out", path("small"), expect=2)
    check("expected a label from 0 to 59" in done.stderr, done.stderr)

    # A run that goes on keeps its words, even where another text has as many.
    again = write("again.txt", words)
    config = write("again.yaml", f"data: {{train: '{again}', window: 64}}\n" + MODEL)
    train(config, path("again"))
    write("again.txt", words.replace("z", "\u00e9"))
    done = call("train", config, "--out", path("again"), expect=2, train__steps_max=8)
    check("not the vocabulary of the run" in done.stderr, done.stderr)
    check(json.load(open(path("again", "vocabulary.json")))["/text"] == vocabulary, "text: the words of a run have changed")


def forecast():
    rows = numpy.array([line.split(",")[1:] for line in open(SERIES).read().splitlines()[1:]], "f8").astype("f4")
    config = write("series.yaml", """task: regression
data:
  train: csv timeseries/ETTh1.csv --series --drop date
  window: 48
  horizon: 12
  stride: 7
  target_channels: [5, 6]
  standardise: channel
  split: [0.7, 0.1, 0.2]
model:
  - slice: {axis: -1, first: 5, count: 2, name: targets_before}
  - last
  - repeat_vector: {count: 12, name: repeat_last}
  - slice: {from: targets_before, axis: 1, first: -24, count: 12, name: day_before}
  - flatten: {from: inputs}
  - linear: 24
  - reshape: [12, 2]
losses:
  - squared_error: {baselines: [repeat_last, day_before]}
train: {epochs: 1, batch: 32, microbatches: 4, steps_max: 5}
""")
    run = path("series")
    results = [train(config, run if ranks == 1 else path(f"series{ranks}"), ranks) for ranks in (1, 2)]
    equal(results[0]["parameters_digest"], results[1]["parameters_digest"], "series: digests on 1 and 2 ranks")
    equal(results[0]["test"], results[1]["test"], "series: measures on 1 and 2 ranks")
    # (17420 - 60) / 7 + 1 windows; the training part lacks the eight that share rows with the next one.
    windows = (len(rows) - 60) // 7 + 1
    count = windows - round(0.1 * windows) - round(0.2 * windows) - 59 // 7
    seen = rows[:(count - 1) * 7 + 48].astype("f8")
    step = sorted(os.listdir(os.path.join(run, "checkpoints")))[-1]
    with h5py.File(os.path.join(run, "checkpoints", step, "index.h5")) as index:
        mean, scale = index["parameters/input.mean"][:], index["parameters/input.scale"][:]
        check(numpy.allclose(mean, seen.mean(0), rtol=1e-5), f"series: means {mean}, expected {seen.mean(0)}")
        check(numpy.allclose(scale, 1 / seen.std(0), rtol=1e-5), f"series: scales {scale}")
        check(numpy.array_equal(index["parameters/target.mean"][:], mean[5:]), "series: the targets' means")
        check(numpy.array_equal(index["parameters/target.scale"][:], scale[5:]), "series: the targets' scales")
    # What a forecast is put beside, in the units in which errors are measured.
    first = (windows - round(0.2 * windows)) * 7
    scaled = ((rows[first:].astype("f8") - seen.mean(0)) / seen.std(0))[:, 5:]
    starts = range(0, len(scaled) - 59, 7)
    errors = {"repeat_last": numpy.mean([(scaled[s + 48:s + 60] - scaled[s + 47])**2 for s in starts]),
              "day_before": numpy.mean([(scaled[s + 48:s + 60] - scaled[s + 24:s + 36])**2 for s in starts])}
    for name, mse in list(errors.items()) + [("baseline", min(errors.values()))]:
        found = results[0]["test"][name + "_mse"]
        check(abs(found / mse - 1) < 1e-5, f"series: {name}_mse {found}, expected {mse}")
    check(abs(results[0]["test"]["mse"] / results[0]["test"]["loss"] - 1) < 1e-5, "series: mse")
    call("predict", run, "--data", "csv timeseries/ETTh1.csv --series --drop date", "--out", path("forecast.h5"))
    with h5py.File(path("forecast.h5")) as file:
        # What is predicted need not lie in the data: also behind its end.
        equal(file["outputs"].shape, ((len(rows) - 48) // 7 + 1, 12, 2), "series: outputs")
        said = numpy.array([scaled[s + 48:s + 60] for s in starts])
        wrong = file["outputs"][first // 7:first // 7 + len(said)] - said
    for name, error in (("mse", (wrong**2).mean()), ("mae", abs(wrong).mean()), ("r2", 1 - (wrong**2).mean() / said.var())):
        check(abs(results[0]["test"][name] / error - 1) < 1e-5, f"series: {name} {results[0]['test'][name]}, expected {error}")
    # Windows cut beforehand are scaled by the channels that they were cut from.
    at = numpy.arange(0, 400, 7)
    for name, channels in (("two", slice(5, 7)), ("all", slice(0, 7))):
        with h5py.File(path(name + ".h5"), "w") as file:
            file["inputs"] = [rows[i:i + 48] for i in at]
            file["targets"] = [rows[i + 48:i + 60, channels] for i in at]
        with open(config) as file:
            text = file.read().replace("csv timeseries/ETTh1.csv --series --drop date", path(name + ".h5"))
        train(write(name + ".yaml", text), path(name))
        with h5py.File(newest_checkpoint(path(name)) + "/index.h5") as index:
            for what in ("mean", "scale"):
                check(numpy.array_equal(index[f"parameters/target.{what}"][:], index[f"parameters/input.{what}"][5:]),
                      f"{name} channels in windows cut beforehand: the targets' {what}")


def same_bits(name, text, **settings):
    """Trains on 1 and 2 ranks, which must end in the same bits; returns the run."""
    config = write(name + ".yaml", text)
    results = [train(config, path(f"{name}{ranks}"), ranks, **settings) for ranks in (1, 2)]
    equal(results[0]["parameters_digest"], results[1]["parameters_digest"], f"{name}: digests on 1 and 2 ranks")
    equal(results[0]["validation"], results[1]["validation"], f"{name}: validation on 1 and 2 ranks")
    return path(name + "1")


def ragged(file, column):
    """The rows of a ragged column as lists of the texts of its tokens."""
    words, tokens, ends = list(file[column].attrs["vocabulary"]), file[column][:], file[column + ".ends"][:]
    equal(words[:5], ["<padding>", "<begin>", "<end>", "<unknown>", "<mask>"], f"{column}: special tokens")
    return [[words[t] for t in tokens[a:b]] for a, b in zip([0, *ends[:-1]], ends)]


LINES = """data: {train: 'text text/names.txt --lines', length: 12, split: [0.9, 0.1, 0]}
model:
  - embedding: {width: 16}
  - position
  - residual: {activation: none, body: [layer_norm, {attention: {heads: 2, MASK: true, lengths: inputs_length}}]}
  - linear: {units: vocabulary}
train: {epochs: 1, batch: 64, microbatches: 4, steps_max: 4}
optimizer: {name: adam, learning_rate: 0.01}
"""


def lines():
    names = open(os.path.join(DATA, "text", "names.txt")).read().split()
    call("data", "import", "text", os.path.join(DATA, "text", "names.txt"), "--lines", "--out", path("names.h5"))
    with h5py.File(path("names.h5")) as file:
        equal(["".join(row) for row in ragged(file, "text")], names, "lines: names read back")
        words = list(file["text"].attrs["vocabulary"])
    info = call("data", "info", path("names.h5")).stdout
    check("/text      32033 rows of different lengths, uint8, a vocabulary of 31" in info, info)
    run = same_bits("lines", "task: language_model\n" + LINES.replace("MASK", "causal"))
    check("ignored_label: 0" in open(os.path.join(run, "config.yaml")).read(), "lines: padding is left out of the loss")

    # The same samples as plain rows; one name has to be cut.
    some = names[:40] + ["x" * 20]
    rows = numpy.zeros((len(some), 12), "u1")
    for row, name in zip(rows, some):
        tokens = ([1] + [words.index(c) for c in name])[:12]
        row[:len(tokens)] = tokens
    with h5py.File(path("rows-of-names.h5"), "w") as file:
        file["inputs"] = rows
        file["inputs_length"] = (rows > 0).sum(1).astype("i4")
    source = write("some.txt", "\n".join(some[:7]) + "\n\r\n\n" + "\r\n".join(some[7:]))
    call("predict", run, "--data", f"text {source} --lines", "--out", path("names-out.h5"))
    call("predict", run, "--data", path("rows-of-names.h5"), "--out", path("names-rows-out.h5"))
    with h5py.File(path("names-out.h5")) as a, h5py.File(path("names-rows-out.h5")) as b:
        equal(a["outputs"].shape, (41, 12, 31), "lines: outputs")
        check(numpy.array_equal(a["outputs"], b["outputs"]), "lines: lines and rows are predicted alike")
    made = call("generate", run, "--prompt", "an", "--count", 40, "--tokens", 30).stdout.split("\n----\n")
    check(len(made) == 40 and all(name.startswith("an") for name in made), f"lines: names made up {made}")
    check(min(map(len, made)) < 32, "lines: no name ends before the last token")


def pairs():
    source = os.path.join(DATA, "parallel", "tatoeba-eng-fra.tsv")
    both = [line.split("\t") for line in open(source, encoding="utf-8").read().splitlines()]
    call("data", "import", "pairs", source, "--words", 300, "--columns", "2,1", "--out", path("swapped.h5"))
    call("data", "import", source, "--unit", "char", "--out", path("pairs.h5"))
    with h5py.File(path("pairs.h5")) as file, h5py.File(path("swapped.h5")) as swapped:
        for side, column in enumerate(("source", "target")):
            equal(["".join(row) for row in ragged(file, column)], [pair[side] for pair in both], f"pairs: {column}")
            text, ends = bytes(file[column + ".text"][:]), file[column + ".text.ends"][:]
            equal([text[a:b].decode() for a, b in zip([0, *ends[:-1]], ends)], [pair[side] for pair in both],
                  f"pairs: the text of {column}")
        equal(len(swapped["target"].attrs["vocabulary"]), 305, "pairs: words of the vocabulary")
        equal(ragged(swapped, "target")[0], ["<unknown>", "!"], "pairs: the first line")
    run = same_bits("pairs", """task: {kind: translation, beams: 1}
data:
  train: "pairs parallel/tatoeba-eng-fra.tsv --words 300"
  split: [0.96, 0.02, 0.02]
  group: source
  feeds:
    source: {column: source, length: 8}
    before: {column: target, length: 9, begin: 1}
    targets: {column: target, length: 9, end: 2}
model:
  - input: source
  - embedding: {width: 16, name: memory}
  - input: before
  - embedding: {width: 16, name: words}
  - residual: {activation: none, body: [layer_norm, {attention: {heads: 2, causal: true, lengths: before_length}}]}
  - residual: {activation: none, body: [layer_norm, {attention: {heads: 2, memory: memory, lengths: source_length}}]}
  - linear: {units: vocabulary}
train: {epochs: 1, batch: 64, microbatches: 4, steps_max: 4}
""")
    config = open(os.path.join(run, "config.yaml")).read()
    check("ignored_label: 0" in config and "perplexity: true" in config, "pairs: the loss of a translation")
    check({"bleu", "bleu_all"} <= set(result(run)["test"]), "pairs: BLEU of the test part")
    check("bleu" not in result(run)["validation"], "pairs: BLEU of the validation part")
    words = json.load(open(os.path.join(run, "vocabulary.json")))
    equal(sorted(words), ["source", "target"], "pairs: the run's vocabularies")
    translations(run, words["target"]["tokens"])


def translations(run, words):
    """One line for each line; and one sequence alone takes the likeliest word each time, as predict sees it."""
    sentences = ["Come in .", "", "I am not a child ."]
    given = "\n".join(sentences) + "\n"
    lines = call("generate", run, given=given).stdout.split("\n")
    equal((len(lines), lines[1], lines[3]), (4, "", ""), f"translations: {lines}")
    lines = call("generate", run, "--beams", 1, given=given).stdout.split("\n")
    pairs = write("translated.tsv", "".join(f"{a}\t{b or '.'}\n" for a, b in zip(sentences, lines) if a))
    call("predict", run, "--data", f"pairs {pairs} --words 300", "--out", path("translated.h5"))
    with h5py.File(path("translated.h5")) as file:
        for sentence, outputs in zip((lines[0], lines[2]), file["outputs"][:]):
            outputs[:, :5] = -numpy.inf  # what is never written, and the end
            found = [words[k] for k in outputs.argmax(1)]
            said = re.findall(r"\w+['\u2019]?|[^\w\s]", sentence)
            check(said, "translations: nothing was written")
            equal(said, found[:len(said)], "translations: the likeliest words")
    said = call("generate", run, given="a " * 12).stderr
    check("standard input:1: the sentence has 12 tokens, of which the model reads the first 8" in said, said)


def cut(text):
    """Into tokens, as mteval-v13a says, which sacreBLEU follows (Post 2018)."""
    for mark, stands_for in (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">")):
        text = text.replace(mark, stands_for)
    text = f" {text.lower()} "
    for pattern, put in ((r"([\{-\~\[-\` -\&\(-\+\:-\@\/])", r" \1 "), (r"([^0-9])([\.,])", r"\1 \2 "),
                         (r"([\.,])([^0-9])", r" \1 \2"), (r"([0-9])(-)", r"\1 \2 ")):
        text = re.sub(pattern, put, text)
    return text.split()


def bleu(translations, references):
    """Papineni et al. 2002, of a whole set, nothing smoothed."""
    grams = lambda tokens, n: collections.Counter(tuple(tokens[i:i + n]) for i in range(len(tokens) - n + 1))
    matches, found, length, wanted = [0] * 4, [0] * 4, 0, 0
    for translation, some in zip(map(cut, translations), references):
        some = list(map(cut, some))
        length += len(translation)
        wanted += min((abs(len(r) - len(translation)), len(r)) for r in some)[1]
        for n in range(4):
            here, best = grams(translation, n + 1), collections.Counter()
            for reference in some:
                best |= grams(reference, n + 1)
            matches[n] += sum((here & best).values())
            found[n] += sum(here.values())
    if not all(matches):
        return 0.0
    shares = math.prod(m / f for m, f in zip(matches, found)) ** 0.25
    return 100 * shares * min(1, math.exp(1 - wanted / length))


def judged():
    """BLEU of a run is the same on any number of ranks and in evaluate, and that of what generate writes."""
    who = {"I see": ["Je vois", "Moi, je vois"], "You have": ["Tu as"], "We eat": ["Nous mangeons", "On mange"]}
    pairs = [(f"{a} {colour} {thing}.", f"{b} l'{chose} {couleur}\u202f!")
             for a, all_of_them in who.items() for b in all_of_them
             for thing, chose in (("horses", "Animal 2-3"), ("grass", 'Herbe "3,5"'), ("bears", "Ours (a-b)."))
             for colour, couleur in (("red", "rouge"), ("black", "noir"))]
    toy = write("toy.tsv", "".join(f"{a}\t{b}\n" for a, b in pairs))
    config = write("toy.yaml", f"""task: {{kind: translation, beams: 2}}
data:
  train: "pairs {toy} --bpe 60 --lower"
  test: "pairs {toy}"
  feeds:
    source: {{column: source, length: 12}}
    before: {{column: target, length: 24, begin: 1}}
    targets: {{column: target, length: 24, end: 2}}
model:
  - input: source
  - embedding: {{width: 32, init_scale: 0.2}}
  - position: {{init_scale: 0.2, name: memory}}
  - input: before
  - embedding: {{width: 32, init_scale: 0.2}}
  - position: {{init_scale: 0.2}}
  - residual: {{activation: none, body: [layer_norm, {{attention: {{heads: 2, causal: true, lengths: before_length}}}}]}}
  - residual: {{activation: none, body: [layer_norm, {{attention: {{heads: 2, memory: memory, lengths: source_length}}}}]}}
  - layer_norm
  - linear: {{units: vocabulary}}
train: {{epochs: 40, batch: 16, microbatches: 4}}
optimizer: {{name: adam, learning_rate: 0.01}}
""")
    results = [train(config, path(f"toy{ranks}"), ranks) for ranks in (1, 2, 4)]
    for other in results[1:]:
        equal((other["parameters_digest"], other["test"]), (results[0]["parameters_digest"], results[0]["test"]),
              "judged: runs on several ranks")
    run, test = path("toy1"), results[0]["test"]
    again = json.loads(call("evaluate", run, "--json").stdout)["test"]
    equal((again["bleu"], again["bleu_all"]), (test["bleu"], test["bleu_all"]), "judged: the same run evaluated")
    sentences = list(dict(pairs))
    lines = call("generate", run, "--beams", 2, given="\n".join(sentences)).stdout.splitlines()
    references = [[b for a, b in pairs if a == sentence] for sentence in sentences]
    for name, some in (("bleu", [r[:1] for r in references]), ("bleu_all", references)):
        check(abs(test[name] - bleu(lines, some)) < 1e-9, f"judged: {name} {test[name]}, by hand {bleu(lines, some)}")
    check(20 < test["bleu"] <= test["bleu_all"], f"judged: {test}")


def masked():
    run = same_bits("masked", LINES.replace("MASK: true, ", "") + "losses: [cross_entropy: {perplexity: true}]\naugment: {mask: 0.15}\n")
    # Validation hides the same tokens every time.
    first = call("evaluate", run).stdout
    equal(call("evaluate", run).stdout, first, "masked: evaluated twice")
    loss = json.load(open(os.path.join(run, "result.json")))["validation"]["loss"]
    check(f"validation  loss {loss:.9g} " in first, f"masked: validation loss of the run {loss} and later:\n{first}")
    call("predict", run, "--data", path("names.h5"), "--out", path("masked-out.h5"))


for test in (language, forecast, lines, pairs, judged, masked):
    test()
