"""--threads of every command that computes: the same results, a note where threads stay idle, and settings of mpirun that
let the threads of a rank go where there is room."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import h5py
import lockstep
import numpy

random = numpy.random.default_rng(3)
inputs = random.normal(size=(100, 6)).astype("f4")
with h5py.File(lockstep.path("table.h5"), "w") as file:
    file["inputs"], file["targets"] = inputs, (inputs[:, 0] > 0).astype("i4")
config = lockstep.path("config.yaml")
with open(config, "w") as file:
    file.write(f"""data: {{train: {lockstep.path("table.h5")}, test: {lockstep.path("table.h5")}}}
model:
  - linear: 40
  - batch_norm
  - relu
  - linear: 2
train: {{epochs: 3, batch: 24, microbatches: 4}}
""")
IDLE = "8 threads, but a rank has only 2 of the 4 microbatches: the other threads stay without work"

# train: the option beats the config; a run goes on with other threads.
plain = lockstep.train(config, lockstep.path("plain"), 2)
run = lockstep.path("threads")
done = lockstep.call("train", config, "-n", 2, "--threads", 8, "--out", run, train__epochs=1, compute__threads=2)
lockstep.check(done.stderr.count(IDLE) == 1, done.stderr)
with open(os.path.join(run, "config.yaml")) as file:
    lockstep.check("threads: 8" in file.read(), "threads in the resolved config")
done = lockstep.call("train", config, "-n", 1, "--threads", 2, "--out", run)
lockstep.check("without work" not in done.stderr, done.stderr)
lockstep.equal(lockstep.result(run)["parameters_digest"], plain["parameters_digest"], "digest")

# evaluate, predict
shown = [lockstep.call("evaluate", run, "--threads", threads).stdout for threads in (1, 3)]
lockstep.equal(shown[1], shown[0], "evaluate with 3 threads")
outputs = []
for threads in (1, 2, 3):
    path = lockstep.path(f"outputs-{threads}.h5")
    lockstep.call("predict", run, "--data", lockstep.path("table.h5"), "--out", path, "--threads", threads)
    with h5py.File(path) as file:
        outputs.append((file["outputs"][()].tobytes(), file["classes"][()].tobytes()))
lockstep.check(len(outputs[0][0]) == 100 * 2 * 4 and outputs.count(outputs[0]) == 3, "outputs with 1, 2, 3 threads")

# OpenBLAS, called from several threads at once. Its bits may differ, its sums do not.
loss = [lockstep.train(config, lockstep.path(f"openblas-{threads}"), 1, compute__gemm="openblas",
                       compute__threads=threads)["test"]["loss"] for threads in (1, 4)]
lockstep.check(abs(loss[1] / loss[0] - 1) < 1e-3 and abs(loss[0] / plain["test"]["loss"] - 1) < 1e-3, f"test loss {loss}")

# bench says what it ran.
line = json.loads(lockstep.call("bench", "mlp", "--threads", 2, "--microbatches", 2, "--seconds", 0.1).stdout)
lockstep.equal((line["threads"], line["batch_per_proc"]), (2, 128), "threads and batch of bench")

# mpirun's environment. The fake one writes it down and starts nothing.
fake, seen = lockstep.path("mpirun"), lockstep.path("seen")
with open(fake, "w") as file:
    file.write(f"#!/bin/sh\n{{ env; printf '%s ' \"$@\"; }} > {seen}\n")
os.chmod(fake, 0o755)


def started(*options, **settings):
    for name in ("OMP_WAIT_POLICY", "OMPI_MCA_hwloc_base_binding_policy"):
        os.environ.pop(name, None)
    os.environ.update({key: value for key, value in settings.items()})
    lockstep.call("train", config, "--out", lockstep.path("never"), *options, expect=None, launcher__mpirun=fake)
    with open(seen) as file:
        return file.read()


text = started("-n", 4, "--threads", 4000)
lockstep.check("OMP_WAIT_POLICY=passive" in text and "--threads 4000" in text, text)
lockstep.check("OMPI_MCA_hwloc_base_binding_policy=none" in text, text)
text = started("-n", 4, "--threads", 4000, OMP_WAIT_POLICY="active")
lockstep.check("OMP_WAIT_POLICY=active" in text, "what the user has set stays")
lockstep.check("OMP_WAIT_POLICY" not in started("-n", 4), "one thread needs no policy")
text = started("-n", 4, "--threads", 2, PBS_NODEFILE="hosts")
lockstep.check("OMPI_MCA_hwloc_base_binding_policy=none" in text, "threads on several hosts are not bound to a core")
text = started("-n", 4, PBS_NODEFILE="hosts")
lockstep.check("OMPI_MCA_hwloc_base_binding_policy" not in text, "one thread: mpirun knows best")
text = started("--threads", 4000)
lockstep.check("-n 1 " in text, "a rank of more threads than cores is the only one")
