"""A sample that only one rank meets, a NaN, ends all ranks within seconds, with that rank's message; an index beyond the
embedding is found before the first step. Exit code 2; once training had begun, a result that says `failed`; and when the file
is mended, the same command goes on."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import h5py
import lockstep
import numpy

CONFIG = """task: classification
data: {train: %s}
model:
%s  - linear: 3
train:
  epochs: 2
  batch: 16
  microbatches: 4
"""
SECONDS = 20  # generous for sanitizers; mpirun itself takes one to notice


def case(name, inputs, bad_at, bad, layers, *said):
    data, run, config = lockstep.path(name + ".h5"), lockstep.path(name), lockstep.path(name + ".yaml")
    good = inputs[bad_at]
    inputs[bad_at] = bad
    with h5py.File(data, "w") as file:
        file["inputs"], file["targets"] = inputs, numpy.arange(len(inputs), dtype="i4") % 3
    with open(config, "w") as file:
        file.write(CONFIG % (data, layers))
    start = time.monotonic()
    done = lockstep.call("train", config, "-n", 3, "--out", run, expect=2)
    lockstep.check(time.monotonic() - start < SECONDS, f"{name}: took {time.monotonic() - start:.1f} s to end")
    for part in (f"row {bad_at[0]}", *said):
        lockstep.check(part in done.stderr, f"{name}: '{part}' is not said:\n{done.stderr}")
    if "rank " in said:  # training had begun
        lockstep.equal(lockstep.result(run)["status"], "failed", "status")
    else:
        lockstep.check(not os.path.exists(run), f"{name}: {run} was made for a run that could not begin")
    with h5py.File(data, "r+") as file:
        file["inputs"][bad_at] = good
    lockstep.equal(lockstep.train(config, run, 3)["status"], "done", "status once the file is mended")


random = numpy.random.default_rng(1)
case("nan", random.normal(size=(64, 5)).astype("f4"), (33, 2), float("nan"), "", "nan.h5", "rank ")
case("index", random.integers(0, 10, (64, 5)).astype("i4"), (41, 4), 64,
     "  - embedding: {vocabulary: 10, width: 3}\n  - flatten\n", "index.h5", "is 64; expected an index from 0 to 9")
