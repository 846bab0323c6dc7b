"""Exported models of ONNX: names, shapes and bits are the run's, any number of samples goes in, and what comes out is what
`predict` says. Arguments: the program that exports every case of every op (tests/gradients).
Run by ONNX Runtime where Python has it, or where $LOCKSTEP_ONNX_PYTHON (a command) says; else in NumPy (support/onnx_run.py)."""
import json
import os
import shlex
import shutil
import subprocess
import sys

SUPPORT = os.path.join(os.path.dirname(__file__), "../support")
sys.path.insert(0, SUPPORT)
import h5py
import lockstep
import numpy
import onnx
import onnx.numpy_helper

FOLDER = lockstep.path("onnx")
JOBS = []
random = numpy.random.default_rng(5)
os.mkdir(FOLDER)
shutil.copy(os.path.join(SUPPORT, "onnx_run.py"), FOLDER)


def job(what, model, inputs, expected):
    """To be run with the others, in one go."""
    number = len(JOBS)
    numpy.savez(os.path.join(FOLDER, f"{number}.npz"), **inputs)
    JOBS.append((what, expected, {"model": model, "inputs": f"{number}.npz", "output": f"{number}.npy"}))


def run_jobs():
    with open(os.path.join(FOLDER, "jobs.json"), "w") as file:
        json.dump([words for _, _, words in JOBS], file)
    python = shlex.split(os.environ.get("LOCKSTEP_ONNX_PYTHON", sys.executable))
    done = subprocess.run([*python, os.path.join(FOLDER, "onnx_run.py"), FOLDER], cwd=FOLDER, capture_output=True, text=True)
    lockstep.check(done.returncode == 0, f"{done.stdout}{done.stderr}")
    for what, expected, words in JOBS:
        found = numpy.load(os.path.join(FOLDER, words["output"]))
        lockstep.equal(found.shape, expected.shape, f"the shape of {what}")
        error = abs(found.astype("f8") - expected).max() / max(abs(expected).max(), 1e-6)
        lockstep.check(error < 1e-5, f"{what}: the largest difference is {error:.2g} of the largest output")
    print(f"{len(JOBS)} models agree, run by {done.stdout.strip()}")


# --- every case of every op
subprocess.run([sys.argv[1]], env={**os.environ, "LS_ONNX_CASES": FOLDER}, check=True, stdout=subprocess.DEVNULL)
with open(os.path.join(FOLDER, "cases.json")) as lines:
    for number, line in enumerate(lines):
        case = json.loads(line)
        with open(os.path.join(FOLDER, f"{number}.bin"), "rb") as file:
            def take(kind, shape):
                return numpy.frombuffer(file.read(4 * int(numpy.prod(shape))), kind).reshape(shape)
            inputs = {i["name"]: take(i["type"], i["shape"]) for i in case["inputs"]}
            job(case["name"], f"{number}.onnx", inputs, take("f4", case["output"]).astype("f8"))


# --- families, trained for a step or two
def model_of(name, data, text, expect=0):
    """The run and the model exported from it."""
    config, run, file = lockstep.path(name + ".yaml"), lockstep.path("runs", name), os.path.join(FOLDER, name + ".onnx")
    with open(config, "w") as to:
        to.write(f"data: {{train: {data}{text}\ntrain: {{epochs: 1, batch: 16, microbatches: 2}}\n")
    lockstep.train(config, run)
    done = lockstep.call("export", run, "--format", "onnx", "--out", file, expect=expect)
    return run, file, done


def data_of(name, **arrays):
    with h5py.File(lockstep.path(name + ".h5"), "w") as file:
        for key, values in arrays.items():
            file[key] = values
    return lockstep.path(name + ".h5")


def check_model(name, run, path, feeds):
    """The parts of the file: versions, names, shapes, bits."""
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    lockstep.equal([(o.domain, o.version) for o in model.opset_import], [("", 17)], f"operators of {name}")
    lockstep.equal(model.ir_version, 8, f"the version of {name}")
    shapes = {v.name: (v.type.tensor_type.elem_type, [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim])
              for v in model.graph.input}
    wanted = {key: (6 if values.dtype == "i4" else 1, ["batch", *values.shape[1:]]) for key, values in feeds.items()}
    lockstep.equal(shapes, wanted, f"inputs of {name}")
    lockstep.equal([v.name for v in model.graph.output], ["logits"], f"outputs of {name}")
    saved = lockstep.parameters(lockstep.newest_checkpoint(run))
    found = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    lockstep.equal(sorted(found), sorted(saved), f"parameters of {name}")
    for key, values in found.items():
        lockstep.equal((values.shape, values.tobytes()), (saved[key].shape, saved[key].tobytes()), f"{key} of {name}")
    notes = {entry.key: entry.value for entry in model.metadata_props}
    lockstep.equal((notes["run"], notes["step"], notes["digest"]),
                   (name, str(lockstep.result(run)["steps"]), lockstep.result(run)["parameters_digest"]), f"notes of {name}")
    return notes


def family(name, arrays, text, dataset="logits"):
    """Trains, exports, and asks predict and the exported model about the first 7 rows, and about 1. arrays: as they are
    stored, and as the model sees them."""
    stored, seen = arrays
    run, path, _ = model_of(name, data_of(name, **stored), text)
    seen = {key: values for key, values in seen.items()}
    notes = check_model(name, run, path, seen)
    few = data_of(name + "-few", **{key: values[:7] for key, values in stored.items()})
    answers = lockstep.path(name + "-answers.h5")
    lockstep.call("predict", run, "--data", few, "--out", answers, *(["--logits"] if dataset == "logits" else []))
    with h5py.File(answers) as file:
        expected = file[dataset][()].astype("f8")
    for rows in 7, 1:
        job(f"{name}, {rows} rows", path, {key: values[:rows] for key, values in seen.items()}, expected[:rows])
    return notes


pixels = random.integers(0, 256, (48, 9, 8, 3), "u1")
targets = numpy.arange(48, dtype="i4") % 4
CNN = """, standardise: channel}
task: classification
model:
  - layer_norm
  - conv2d: {filters: 8, kernel: 3}
  - batch_norm
  - relu
  - residual: {body: [{conv2d: {filters: 8, kernel: 3, padding: 1}}, batch_norm]}
  - conv2d: {filters: 16, kernel: 3, stride: 2, groups: 2}
  - max_pool: 2
  - batch_norm
  - dropout: 0.5
  - flatten
  - linear: 4"""
notes = family("cnn", ({"inputs": pixels, "targets": targets}, {"inputs": (pixels / numpy.float32(255)).astype("f4")}), CNN)
lockstep.equal(notes["answers"], "softmax", "what the network's answers are")

tokens, lengths = random.integers(0, 11, (48, 6), "i4"), random.integers(0, 7, 48, "i4")
LSTM = """
  feeds: {words: {column: words}, count: {column: count}, targets: {column: targets}}}
task: classification
model:
  - input: words
  - embedding: {vocabulary: 11, width: 5}
  - lstm: {units: 4, bidirectional: true, lengths: count}
  - reduce: {kind: max, lengths: count}
  - linear: 4"""
words = {"words": tokens, "count": lengths}
family("lstm", ({**words, "targets": targets}, words), LSTM.replace("\n  feeds", ", feeds", 1))

GPT = """}
task: language_model
model:
  - embedding: {vocabulary: 11, width: 8, name: tokens}
  - position
  - residual: {activation: none, body: [layer_norm, {attention: {heads: 2, causal: true, rotary: true}}]}
  - residual: {activation: none, body: [layer_norm, {linear: 16}, gelu, {linear: 8}]}
  - rms_norm
  - linear: {units: 11, bias: false}"""
family("gpt", ({"inputs": tokens, "targets": numpy.roll(tokens, -1, 1)}, {"inputs": tokens}), GPT)

# Targets in the units of the data, in another shape than the outputs.
table = random.normal(50, 9, (48, 5)).astype("f4")
TABLE = """, standardise: feature, standardise_targets: true}
task: regression
model:
  - batch_norm
  - concat: {branches: [{linear: 6}, {sequential: {body: [{linear: 1}, layer_norm]}}]} # of one channel, and of several
  - layer_norm
  - tanh
  - linear: 6
  - reshape: [3, 2]"""
several = numpy.hstack([table, table[:, :1]]) * 100 + 7
family("table", ({"inputs": table, "targets": several}, {"inputs": table}), TABLE, "outputs")

# Names that cannot be told apart; what is there stays.
file = os.path.join(FOLDER, "clash.onnx")
with open(file, "w") as to:
    to.write("mine")
_, _, done = model_of("clash", data_of("clash", logits=table, targets=targets), """, feeds: {logits: {column: logits},
  targets: {column: targets}}}
task: classification
model: [{linear: {units: 4, from: logits}}]""", expect=2)
lockstep.check("two of these are called 'logits'" in done.stderr, done.stderr)
lockstep.equal(open(file).read(), "mine", "the file that was there")

run_jobs()
