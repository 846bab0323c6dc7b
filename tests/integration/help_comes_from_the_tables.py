"""Help and version: every command explains itself, every key and every layer is in the help."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import lockstep

overview = lockstep.call("help").stdout
lockstep.equal(lockstep.call().stdout, overview, "lockstep without a word")
lockstep.equal(lockstep.call("--help").stdout, overview, "--help")
commands = re.findall(r"^  ([a-z-]+) +\S", overview, re.MULTILINE)
lockstep.equal(commands, ["train", "worker", "evaluate", "predict", "generate", "explain", "export", "import-weights", "watch", "report", "plot", "compare",
                          "inspect", "data", "checkpoint", "doctor", "bench", "help"],
               "commands")
for command in commands:
    text = lockstep.call("help", command).stdout
    lockstep.check(text.startswith(f"usage: lockstep {command} "), f"help {command}:\n{text}")
    lockstep.equal(lockstep.call(command, "--help").stdout, text, f"{command} --help")
    lockstep.check(not text.endswith("\n\n"), f"help {command} ends in an empty line")
    lockstep.check(max(map(len, text.splitlines())) <= 120, f"help {command}: a line of more than 120 characters")

config = lockstep.call("help", "config").stdout
for key in ("seed:", "epochs:", "steps_max:", "batch:", "microbatches: auto", "reduce: ordered", "isa: auto",
            "gemm: lockstep", "every_steps:", "keep: 2", "train: (required)", "split: []", "learning_rate:"):
    lockstep.check(re.search(rf"^  {re.escape(key)}", config, re.MULTILINE), f"help config has no '{key}'")
section = lockstep.call("help", "config", "checkpoint").stdout
lockstep.check(section.strip() in config and "may change when a run continues" in section, section)
model = lockstep.call("help", "config", "model").stdout
layers = re.findall(r"^- ([a-z0-9_]+)  #", model, re.MULTILINE)
for layer in ("linear", "conv2d", "batch_norm", "dropout", "residual", "embedding", "relu"):
    lockstep.check(layer in layers, f"help config model has no {layer}")
    lockstep.check(lockstep.call("help", "config", layer).stdout.strip() in model, f"help config {layer}")

lockstep.check("first_channel:" in lockstep.call("help", "config", "feeds").stdout, "help config feeds")
missing = lockstep.call("help", "config", "kl_norml", expect=2).stderr
lockstep.check("did you mean 'kl_normal'?" in missing, missing)

losses = lockstep.call("help", "config", "losses").stdout
with open(os.path.join(lockstep.SOURCE, "core/tasks/list.h")) as file:
    listed = re.findall(r"^ +X\((\w+)\)", file.read(), re.MULTILINE)
lockstep.check("cross_entropy" in listed, f"the list of losses could not be read: {listed}")
lockstep.equal(re.findall(r"^- ([a-z0-9_]+)  #", losses, re.MULTILINE), listed, "help config losses")
phases = lockstep.call("help", "config", "phases").stdout
for word in ("  gan: discriminator, generator\n", "every: 1", "optimizer", "schedule"):
    lockstep.check(word in phases, f"help config phases does not say {word}:\n{phases}")

codes = lockstep.call("help", "exit-codes").stdout
lockstep.check(re.search(r"^  0  done$", codes, re.MULTILINE) and re.search(r"^  2  usage", codes, re.MULTILINE), codes)

version = lockstep.call("--version").stdout
for name in ("lockstep", "commit", "numerics", "MPI", "HDF5", "BLAS"):
    lockstep.check(re.search(rf"^{name} +\S", version, re.MULTILINE), f"--version has no {name}:\n{version}")
head = subprocess.run(["git", "-C", lockstep.SOURCE, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True)
if head.returncode == 0:
    lockstep.check(re.search(r"^commit +[0-9a-f]{12}( with changes)?$", version, re.MULTILINE), version)

# A full disk behind standard output is a failure, not a short text.
with open("/dev/full", "w") as full:
    lockstep.equal(subprocess.run([lockstep.PROGRAM, "help"], stdout=full, stderr=subprocess.DEVNULL).returncode, 3,
                   "exit code with a full standard output")
