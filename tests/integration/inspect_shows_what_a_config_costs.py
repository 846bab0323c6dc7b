"""inspect: shapes, parameters and FLOPs of a network that was counted by hand; memory and messages by ranks."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import h5py
import lockstep
import numpy

with h5py.File(lockstep.path("images.h5"), "w") as file:
    file["inputs"] = numpy.zeros((64, 8, 8, 3), "u1")
    file["targets"] = (numpy.arange(64) % 10).astype("i4")
path = lockstep.path("config.yaml")
with open(path, "w") as file:
    file.write(f"""data:
  train: {lockstep.path("images.h5")}
model:
  - conv2d: {{filters: 16, padding: same, name: first}}
  - relu
  - max_pool: 2
  - flatten
  - linear: 10
train:
  epochs: 1
  batch: 32
  microbatches: 8
""")

text = lockstep.call("inspect", path, "-n", 2).stdout
lockstep.check("64 training samples of 8x8x3, batch 32 in 8 microbatches, 2 ranks" in text, text)
rows = {line.split()[0]: line.split() for line in text.splitlines() if line}
# 3x3x3x16 weights and 16 biases, 2 x 27 x 16 operations for each of 64 pixels; 4x4x16 inputs of the last layer.
for layer, shape, parameters, mflop in (("first", "8x8x16", 3 * 3 * 3 * 16 + 16, 64 * 2 * 27 * 16e-6),
                                        ("linear1", "10", 256 * 10 + 10, 2 * 256 * 10e-6)):
    lockstep.check(shape in rows[layer], f"{layer}: no shape {shape} in {rows[layer]}")
    lockstep.equal(int(rows[layer][-2]), parameters, f"parameters of {layer}")
    lockstep.check(abs(float(rows[layer][-1]) / mflop - 1) < 0.1, f"{layer}: {rows[layer][-1]} MFLOP, expected {mflop}")
lockstep.equal(int(rows["total"][-2]), 448 + 2570, "parameters")

dot = lockstep.call("inspect", path, "--dot").stdout
names = dict(re.findall(r'^    (p0\w+) \[label="([^\\"]*)', dot, re.MULTILINE))
edges = [(names[a], names[b]) for a, b in re.findall(r"^    (\w+) -> (\w+)", dot, re.MULTILINE)]
lockstep.check(("inputs", "first") in edges and ("flatten1", "linear1") in edges, edges)
lockstep.check("2570 parameters" in dot and dot.startswith("digraph") and dot.count("{") == dot.count("}"), dot)

for what in ("activations", "parameters", "gradients", "optimiser state", "together", "runs in"):
    lockstep.check(re.search(rf"^( *|.*){what}", text, re.MULTILINE), f"no line about {what}:\n{text}")
sent = {n: float(re.search(r"sends ([0-9.]+) MB", lockstep.call("inspect", path, "-n", n).stdout)[1]) for n in (1, 2, 4)}
lockstep.check(sent[1] == 0 < sent[2] < sent[4] * 2, f"bytes sent: {sent}")

# Threads: each has the graph of a rank with as many microbatches, and sums of its own.
def of_rank(ranks, *options):
    shown = lockstep.call("inspect", path, "-n", ranks, *options).stdout
    return shown, float(re.search(r"packed weights +([0-9.]+) MB", shown)[1]), int(re.search(r"gradients, (\d+)", shown)[1])


_, graph, buffers = of_rank(8)
shown, graphs, all_buffers = of_rank(2, "--threads", 4)
lockstep.check("2 ranks of 4 threads" in shown and "1 piece of at most 1 microbatch on each thread" in shown, shown)
lockstep.check(abs(graphs - 4 * graph) < 0.01, f"{graphs} MB of graphs, {graph} MB of one")
lockstep.equal((buffers, all_buffers), (1, 4), "gradient buffers")
lockstep.equal(of_rank(2, "--threads", 3)[2], 3, "gradient buffers of 1, 1 and 2 microbatches")
lockstep.equal(of_rank(2, "--threads", 9)[0], shown, "more threads than microbatches")
lockstep.check("portable kernels" in lockstep.call("inspect", path, compute__isa="portable").stdout, "compute.isa")

# Every config of the source can be inspected where its data is there.
if os.environ.get("LOCKSTEP_DATA"):
    for name in ("breast-cancer-perceptron", "concrete-mlp"):
        lockstep.check("total" in lockstep.call("inspect", lockstep.config(name)).stdout, name)
