"""checkpoint list, verify and show: what a run saved; a flipped bit is found and named, with exit code 4."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import h5py
import lockstep
import numpy

random = numpy.random.default_rng(2)
with h5py.File(lockstep.path("table.h5"), "w") as file:
    file["inputs"] = random.normal(size=(64, 4)).astype("f4")
    file["targets"] = (numpy.arange(64) % 3).astype("i4")
path, run = lockstep.path("config.yaml"), lockstep.path("run")
with open(path, "w") as file:
    file.write(f"data:\n  train: {lockstep.path('table.h5')}\nmodel:\n  - linear: {{units: 3, name: head}}\n"
               "train:\n  epochs: 4\n  batch: 16\n  microbatches: 4\ncheckpoint:\n  every_steps: 4\n  keep: 3\n")
lockstep.train(path, run, ranks=2)

listed = lockstep.call("checkpoint", "list", run).stdout.splitlines()
lockstep.equal(len(listed), 3, "checkpoints")
lockstep.check(all("intact" in line and "2 ranks" in line for line in listed), listed)
lockstep.check(listed[-1].split()[:2] == ["step", "16"], listed[-1])
lockstep.call("checkpoint", "verify", run)
shown = lockstep.call("checkpoint", "show", run).stdout
for part in ("step 16, written by 2 ranks", "head.weight", "4x3", "head.bias", "shard-00001-of-00002.h5", "epoch"):
    lockstep.check(part in shown, f"show has no {part!r}:\n{shown}")
lockstep.check("step 8," in lockstep.call("checkpoint", "show", run, "--step", 8).stdout, "show --step 8")

shard = os.path.join(lockstep.newest_checkpoint(run), "shard-00000-of-00002.h5")
with open(shard, "r+b") as file:
    file.seek(os.path.getsize(shard) // 2)
    byte = file.read(1)[0]
    file.seek(-1, os.SEEK_CUR)
    file.write(bytes([byte ^ 4]))
found = lockstep.call("checkpoint", "verify", run, expect=4).stdout
lockstep.check("step 16" in found and "damaged: " in found and "shard-00000-of-00002.h5" in found, found)
lockstep.check("damaged" in lockstep.call("checkpoint", "list", run).stdout, "list")
lockstep.check("step 12," in lockstep.call("checkpoint", "show", run).stdout, "show takes the newest intact one")
lockstep.check("shard-00000" in lockstep.call("checkpoint", "show", run, "--step", 16, expect=4).stderr, "show --step 16")
lockstep.call("checkpoint", "list", lockstep.path(), expect=4)
