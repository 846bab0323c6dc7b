"""export writes what safetensors, NumPy and h5py read; import-weights begins a run with it bit for bit, and with PyTorch's
weights so that the model answers as PyTorch did (recorded by support/record_weights.py). What does not fit
is said, and touches nothing; damaged files are a unit test's.

  weights_go_out_and_come_in.py [MODEL...]     without names: all that were recorded"""
import json
import os
import resource
import signal
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import h5py
import lockstep
import numpy
from lockstep import call, check, equal, path

ALLOWED = 1e-5
RECORDED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support/weights.h5")


def write(name, content):
    with open(path(name), "w" if isinstance(content, str) else "wb") as file:
        file.write(content)
    return path(name)


def read_safetensors(name):
    """Metadata, and name -> array."""
    with open(name, "rb") as file:
        content = file.read()
    length = struct.unpack("<Q", content[:8])[0]
    header, data = json.loads(content[8:8 + length]), content[8 + length:]
    check(length % 8 == 0, f"the values begin at byte {8 + length}")
    notes = header.pop("__metadata__")
    equal({entry["dtype"] for entry in header.values()}, {"F32"}, "types of exported tensors")
    places = sorted(entry["data_offsets"] for entry in header.values())
    equal([places[0][0], places[-1][1]] + [b for _, b in places[:-1]], [0, len(data)] + [a for a, _ in places[1:]], "offsets")
    return notes, {name: numpy.frombuffer(data[slice(*entry["data_offsets"])], "<f4").reshape(entry["shape"])
                   for name, entry in header.items()}


def write_safetensors(name, tensors, notes=None):
    """tensors: name -> (type, array)."""
    header, data = {"__metadata__": notes or {"format": "pt"}}, b""
    for key, (kind, values) in tensors.items():
        content = values.tobytes()
        header[key] = {"dtype": kind, "shape": list(values.shape), "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    return write(name, struct.pack("<Q", len(text)) + text + data)


def same(found, expected, what):
    equal(sorted(found), sorted(expected), f"names {what}")
    for key, values in expected.items():
        check(found[key].shape == values.shape and found[key].tobytes() == values.tobytes(), f"{what}: {key} differs")


def parameters(run):
    return lockstep.parameters(lockstep.newest_checkpoint(run))


def refused(parts, *words, code=2, **settings):
    """import-weights ends with an error of at most six lines that has all parts, and leaves no run."""
    run = path("refused")
    done = call("import-weights", *words, "--out", run, expect=code, **settings)
    for part in parts:
        check(part in done.stderr, f"expected '{part}', found\n{done.stderr}")
    check(len(done.stderr.splitlines()) <= 6, f"more than six lines:\n{done.stderr}")
    check(not os.path.exists(run), f"{run} is there after an error")


# PyTorch's models.
def answers_as_pytorch(name, group):
    data, run, answers = path(name + ".h5"), path(name), path(name + "-answers.h5")
    with h5py.File(data, "w") as file:
        for key, values in group["feeds"].items():
            file[key] = values[()]
    config, names = write(name + ".yaml", group.attrs["config"]), write(name + ".map", group.attrs["map"])
    weights = write(name + ".safetensors", group["file"][()].tobytes())
    done = call("import-weights", weights, "--config", config, "--map", names, "--out", run, data__train=data)
    call("predict", run, "--data", data, "--layer", group.attrs["layer"], "--out", answers)
    with h5py.File(answers) as file:
        found, expected = file["layer"][()], group["outputs"][()]
    difference = abs(found - expected).max() / abs(expected).max()
    print(f"{name}: {difference:.1e}")
    check(difference <= ALLOWED, f"{name}: outputs differ by {difference:.1e} of the largest, at most {ALLOWED}")
    return done.stdout


said = {}
with h5py.File(RECORDED) as recorded:
    for name in sys.argv[1:] or recorded:
        said[name] = answers_as_pytorch(name, recorded[name])
for name, text in (("resnet", "F16 in the file, every one of which is a float32"), ("llama", "BF16 in the file"), ("gpt2", "[in, out] in the file, as the shapes show"), ("gpt2", "F64 in the file, rounded to float32"),
                   ("classifier", "linear1.weight: rows that are images of 3x4x4 have their channels first in the file"),
                   ("translator", "(1 of its 29 tensors left out)")):
    check(name not in said or text in said[name], f"{name}: expected '{text}', found\n{said.get(name)}")

# Without a map, by shapes alone.
done = call("import-weights", path("resnet.safetensors"), "--config", path("resnet.yaml"), "--in-order", "--out", path("guessed"),
            data__train=path("resnet.h5"))
check("by shape alone" in done.stdout and "  layer3.0.bn2: stage3_0.batch_norm2\n" in done.stdout, done.stdout)
same(parameters(path("guessed")), parameters(path("resnet")), "in order")

# A run that was trained, out and in again: all kinds of parameters, standardised data far from zero.
dice = numpy.random.default_rng(4)
DATA = path("images.h5")
with h5py.File(DATA, "w") as file:
    file["inputs"] = dice.normal(1e5, 3, size=(24, 6, 6, 2))
    file["targets"] = (numpy.arange(24) % 3).astype("i4")
CONFIG = write("images.yaml", f"""data: {{train: {DATA}, standardise: channel}}
loss: {{class_weights: [1, 2, 1]}}
model: [{{conv2d: {{filters: 3, name: conv}}}}, batch_norm, relu, flatten, {{linear: {{units: 48, name: square}}}}, relu, {{linear: {{units: 3, name: head}}}}]
train: {{epochs: 2, batch: 8, microbatches: 2, average: 0.5}}
""")
first, second = path("first"), path("second")
call("worker", CONFIG, "--out", first)
moved = path("moved")
os.rename(DATA, moved)  # export reads no data
out = {kind: path("out." + kind) for kind in ("safetensors", "npz", "h5")}
for kind, file in out.items():
    done = call("export", first, "--format", kind, "--out", file)
    check(f"{kind}, 13 parameters of step 6" in done.stdout, done.stdout)
notes, tensors = read_safetensors(out["safetensors"])
with h5py.File(os.path.join(lockstep.newest_checkpoint(first), "index.h5")) as file:  # what evaluate uses: the average
    kept = {name: item[()] for array in ("parameters", "average") for name, item in file[array].items()}
same(tensors, kept, "of safetensors")
with numpy.load(out["npz"]) as file:
    same(dict(file), tensors, "of npz")
with h5py.File(out["h5"]) as file:
    same({name: item[()] for name, item in file.items()}, tensors, "of h5")
    equal([file.attrs["step"][0], file.attrs["digest"][0]], ["6", notes["digest"]], "attributes of h5")
equal((notes["step"], notes["run"], notes["digest"]), ("6", first, lockstep.digest(tensors)), "metadata")
checkpoint = lockstep.newest_checkpoint(first)
call("export", checkpoint, "--format", "npz", "--out", path("again.npz"))
check(open(path("again.npz"), "rb").read() == open(out["npz"], "rb").read(), "a checkpoint by its name gives other bytes")
os.rename(moved, DATA)

done = call("import-weights", out["safetensors"], "--config", CONFIG, "--out", second)
check("12 of 12 parameters are those of" in done.stdout, done.stdout)
same(parameters(second), tensors, "of the second run")
told = [call("predict", run, "--data", DATA, "--out", path(f"told{i}.npy")) for i, run in enumerate((first, second))]
check(numpy.array_equal(*(numpy.load(path(f"told{i}.npy")) for i in (0, 1))), "answers of the second run")
call("worker", CONFIG, "--out", second, train__steps_max=2)  # and trains on
equal(lockstep.result(second)["start"]["from"], out["safetensors"], "where the run says it began")
tuned = path("tuned")
call("worker", CONFIG, "--out", tuned, start__from=second, train__steps_max=1)

# Maps: a rule with a star, several targets, what is left out, what begins as without the file; a dry run writes nothing.
MLP = write("mlp.yaml", f"data: {{train: {DATA}}}\nmodel: [flatten, linear: 72, tanh, linear: 3]\ntrain: {{batch: 8, microbatches: 2}}\n")
torch = {f"net.{i}.{leaf}": ("F32", dice.normal(size=shape).astype("f4"))
         for i, (leaf, shape) in ((0, ("weight", (72, 72))), (0, ("bias", (72,))), (2, ("weight", (3, 72))), (2, ("bias", (3,))))}
names = write("mlp.map", '{"net.0": {"to": "linear1", "flat": "channels_last"}, "net.2": "linear2"}')
weights = write_safetensors("mlp.safetensors", torch)
done = call("import-weights", weights, "--config", MLP, "--map", names, "--out", path("refused"), "--dry-run")
check("net.2.weight F32 3x72 -> linear2.weight 72x3" in done.stdout and not os.path.exists(path("refused")), done.stdout)
call("import-weights", weights, "--config", MLP, "--map", names, "--out", path("mlp"))
check(numpy.array_equal(parameters(path("mlp"))["linear1.weight"], torch["net.0.weight"][1].T), "a square matrix, turned")
call("import-weights", weights, "--config", MLP, "--map", write("part.map", "net.0:\n'*.2': linear2\n"),
     "--except", "linear1", "--out", path("part"))
done = call("import-weights", weights, "--config", MLP, "--map", names, "--out", path("part"), expect=2)
check("has begun already" in done.stderr, done.stderr)

# What does not fit.
refused(["this model has nothing for these tensors", "net.0.weight (72x72)", "`theirs:` and nothing"], weights, "--config", MLP)
refused(["no tensor for these parameters", "linear2.bias (3)", "--except"], weights, "--config", MLP, "--map",
        write("a.map", "net.0: linear1\nnet.2.weight: linear2.weight\nnet.2.bias:\n"))
refused(["net.0.weight is 72x72, expected 3x72 for linear2.weight, which is 72x3 here", "net.2.bias is 3, expected 72"], weights,
        "--config", MLP, "--map", write("b.map", "net.0: linear2\nnet.2: linear1\n"))
refused(["b.map:2:1: error: 'net.1' is no tensor of"], weights, "--config", MLP, "--map", write("b.map", "net.0: linear1\nnet.1: linear2\nnet.2: linear2\n"))
refused(["given twice", "linear1.weight, the second time by net.2.weight"], weights, "--config", MLP, "--map", write("c.map", "net.0: linear1\nnet.2: linear1\n"))
square = dict(torch, **{"net.2.weight": ("F32", torch["net.2.weight"][1].T.copy())})
refused(["other matrices lie [in, out]", "net.0.weight (72x72)", "layout: in_out"], write_safetensors("square.safetensors", square),
        "--config", MLP, "--map", names)
if "llama" in said:
    refused(["rotary positions turn these", "model.layers.0.self_attn.q_proj.weight", "rotary: pairs"], path("llama.safetensors"), "--config",
            path("llama.yaml"), "--map", write("c.map", open(path("llama.map")).read().replace("halves", "unsaid")), data__train=path("llama.h5"))
refused(["--except: the model has no parameter 'lineer1'"], weights, "--config", MLP, "--map", names, "--except", "lineer1")
refused(["--config CONFIG is missing"], weights)
refused(["start.from", "leave this out"], weights, "--config", MLP, start__from=first)
odd = write_safetensors("odd.safetensors", dict(torch, **{"net.2.weight": ("F64", numpy.full((3, 72), 1e300))}))
refused(["odd.safetensors: tensor 'net.2.weight': value 0 is not finite as a float (F64)"], odd, "--config", MLP, "--map", names)

for words, part in ((("export", first, "--format", "pickle", "--out", path("x")), "expected one of safetensors, npz, h5"),
                    (("export", first, "--format", "npz"), "--out FILE is missing"),
                    (("export", first, "--format", "npz", "--out", path("none", "x")), "does not exist")):
    done = call(*words, expect=2)
    check(part in done.stderr and not os.path.exists(path("x")), done.stderr)

# What a full disk keeps from being written leaves nothing behind, and no crash.
def little_room():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


done = subprocess.run([lockstep.PROGRAM, "export", first, "--format", "h5", "--out", path("x.h5")], stderr=subprocess.PIPE, text=True,
                      preexec_fn=little_room)
check(done.returncode == 3 and "x.h5: File too large" in done.stderr and not [f for f in os.listdir(path()) if f.startswith("x")],
      f"{done.returncode}: {done.stderr}")
