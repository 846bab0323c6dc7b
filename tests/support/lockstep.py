"""What the scripts under tests/ share: running the program as a user would, and reading what it leaves behind."""
import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

import h5py
import numpy
import xxhash

PROGRAM = os.environ.get("LOCKSTEP") or os.path.realpath(
    os.path.join(os.path.dirname(__file__), "../../build/lockstep"))
SOURCE = os.environ.get("LOCKSTEP_SOURCE") or os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))
TIMES = ("seconds", "samples_per_s", "time_data", "time_forward", "time_backward", "time_average", "time_update",
         "time_checkpoint")

_folder = tempfile.mkdtemp(prefix="lockstep-test-")
atexit.register(shutil.rmtree, _folder, ignore_errors=True)


def path(*parts):
    """A path below this test's own folder, which goes away at the end."""
    return os.path.join(_folder, *parts)


def config(name):
    return os.path.join(SOURCE, "configs", name + ".yaml")


def command(*arguments, **settings):
    """The words of a call: positional ones, then key=value settings with dots written as __."""
    words = [PROGRAM, *map(str, arguments)]
    for key, value in settings.items():
        words += ["--set", f"{key.replace('__', '.')}={value}"]
    return words


def call(*arguments, expect=0, timeout=600, given="", **settings):
    """Runs the program on a standard input; its exit code must be the expected one. Returns stdout, stderr and both."""
    words = command(*arguments, **settings)
    done = subprocess.run(words, input=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=timeout)
    if expect is not None and done.returncode != expect:
        fail(f"{' '.join(words)}\nended with {done.returncode}, expected {expect}\n{done.stdout}{done.stderr}")
    return done


def train(config_path, run, ranks=1, expect=0, timeout=600, **settings):
    """Trains, and returns result.json."""
    call("train", config_path, "-n", ranks, "--out", run, expect=expect, timeout=timeout, **settings)
    return result(run)


def result(run):
    with open(os.path.join(run, "result.json")) as file:
        return json.load(file)


def metrics(run):
    """The lines of metrics.jsonl without their times."""
    with open(os.path.join(run, "metrics.jsonl")) as file:
        lines = [json.loads(line) for line in file]
    return [{k: v for k, v in line.items() if k not in TIMES} for line in lines]


def newest_checkpoint(run):
    folder = os.path.join(run, "checkpoints")
    return os.path.join(folder, max(name for name in os.listdir(folder) if name.startswith("step-")))


def committed(run):
    """The newest step that is committed; 0: none."""
    try:
        return max((int(name[5:]) for name in os.listdir(os.path.join(run, "checkpoints")) if name.startswith("step-")),
                   default=0)
    except OSError:
        return 0


def parameters(checkpoint):
    """Name -> array, as index.h5 shows them to h5py."""
    found = {}
    with h5py.File(os.path.join(checkpoint, "index.h5"), "r") as file:
        file["parameters"].visititems(
            lambda name, item: found.__setitem__(name, item[()]) if isinstance(item, h5py.Dataset) else None)
    return found


def digest(arrays):
    """The documented digest, worked out again: XXH64 over (name, NUL, plain little-endian float32)."""
    hash_ = xxhash.xxh64(seed=0)
    for name in sorted(arrays, key=lambda n: n.encode()):
        hash_.update(name.encode() + b"\0" + numpy.ascontiguousarray(arrays[name], dtype="<f4").tobytes())
    return hash_.hexdigest()


def fashion_subset(name, train_rows, test_rows):
    """Two HDF5 files with the first rows of the real Fashion-MNIST; returns settings for them."""
    import gzip
    settings = {}
    for part, prefix, rows in (("train", "train", train_rows), ("test", "t10k", test_rows)):
        base = "/usr/share/datasets/fashion-mnist/" + prefix
        with gzip.open(base + "-images-idx3-ubyte.gz") as file:
            images = numpy.frombuffer(file.read(16 + rows * 784)[16:], "u1").reshape(rows, 28, 28, 1)
        with gzip.open(base + "-labels-idx1-ubyte.gz") as file:
            labels = numpy.frombuffer(file.read(8 + rows)[8:], "u1").astype("i4")
        target = path(f"{name}-{part}.h5")
        with h5py.File(target, "w") as file:
            file["inputs"], file["targets"] = images, labels
        settings["data__" + part] = target
    return settings


def children(pid):
    """All descendants of a process."""
    found, todo = [], [pid]
    while todo:
        try:
            text = subprocess.run(["ps", "-o", "pid=", "--ppid", str(todo.pop())], capture_output=True, text=True).stdout
        except OSError:
            text = ""
        new = [int(word) for word in text.split()]
        found += new
        todo += new
    return found


def command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().decode().split("\0")
    except OSError:
        return []


def workers(launcher):
    """Ranks that a launcher has started."""
    return [pid for pid in children(launcher) if "worker" in command_line(pid)[1:2]]


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def wait_until(condition, seconds, what):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.02)
    fail(f"after {seconds} s still not: {what}")


def fail(text):
    print(text, file=sys.stderr)
    sys.exit(1)


def check(condition, text):
    if not condition:
        fail(text)


def first_difference(found, expected, where=""):
    """Where two JSON-like values first differ, in a line."""
    if isinstance(found, (list, tuple)) and isinstance(expected, (list, tuple)) and len(found) == len(expected):
        pairs = enumerate(zip(found, expected))
    elif isinstance(found, dict) and isinstance(expected, dict) and found.keys() == expected.keys():
        pairs = ((key, (found[key], expected[key])) for key in found)
    else:
        return f"{where} is {str(found)[:200]}, expected {str(expected)[:200]}"
    for key, (mine, other) in pairs:
        if mine != other:
            return first_difference(mine, other, f"{where}[{key}]")
    return f"{where} is equal"


def equal(found, expected, what):
    check(found == expected, f"{what}: {first_difference(found, expected)}")
