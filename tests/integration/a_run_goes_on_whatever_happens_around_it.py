"""Files of a run that are removed, cut or made unreadable, a folder that goes away, a reader that goes away, launchers of
others, too little memory: training goes on where it can, else it says why, and never claims what is not so."""
import atexit
import json
import os
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import h5py
import lockstep
import numpy
import xxhash

INVALID, SYSTEM, DAMAGED, LOCKED, STOPPED = 2, 3, 4, 7, 75
random = numpy.random.default_rng(5)
with h5py.File(lockstep.path("data.h5"), "w") as file:
    file["inputs"] = random.normal(size=(160, 6)).astype("f4")
    file["targets"] = (numpy.arange(160) % 3).astype("i4")
CONFIG = lockstep.path("config.yaml")
OPEN_MPI_4 = "Open MPI v4" in lockstep.call("--version").stdout
with open(CONFIG, "w") as file:
    file.write(f"data: {{train: {lockstep.path('data.h5')}}}\nmodel: [linear: 8, relu, linear: 3]\n"
               "train: {epochs: 4, batch: 32, microbatches: 4}\nlog: {every_steps: 2}\n")
EXPECTED = lockstep.train(CONFIG, lockstep.path("expected"))["parameters_digest"]
LINES = lockstep.metrics(lockstep.path("expected"))
WHOLE = lockstep.path("half")
lockstep.train(CONFIG, WHOLE, 2, train__epochs=2)


def half(name):
    """A copy of a run of two epochs of four, with two checkpoints."""
    run = lockstep.path(name)
    shutil.copytree(WHOLE, run, symlinks=True)
    return run


def goes_on(run, *texts):
    """Without mpirun: then a run needs no folder for messages (of Open MPI 4), and others beside it do not matter."""
    if OPEN_MPI_4:
        os.environ["TMPDIR"] = "/dev/null"
    done = lockstep.call("worker", CONFIG, "--out", run)
    os.environ.pop("TMPDIR", None)
    lockstep.equal(lockstep.result(run)["parameters_digest"], EXPECTED, f"the end of {run}")
    for text in texts:
        lockstep.check(text in done.stderr, f"expected {text!r}, found\n{done.stderr}")
    return done


if not OPEN_MPI_4:
    os.environ["TMPDIR"] = "/dev/null"
    refused = lockstep.call("worker", CONFIG, "--out", lockstep.path("nowhere"), expect=SYSTEM)
    lockstep.check("MPI cannot make its files in /dev/null: " in refused.stderr, refused.stderr)
    del os.environ["TMPDIR"]


def overwrite(text):
    def change(path):
        with open(path, "w") as file:
            file.write(text)
    return change


# metrics.jsonl is worth less than the checkpoint.
for name, change, left in (("removed", os.remove, 0), ("cut", lambda path: os.truncate(path, os.path.getsize(path) * 2 // 3), 3),
                           ("overwritten", overwrite("no metrics\n" * 99), 0)):
    run = half(name)
    change(os.path.join(run, "metrics.jsonl"))
    goes_on(run, "metrics.jsonl is not what the checkpoint of step 10 saw")
    found = lockstep.metrics(run)
    behind = [line for line in LINES if line["step"] > 10]
    lockstep.check(found[-len(behind):] == behind and len(found) - len(behind) in (left, left + 1), f"{name}: {found}")
    lockstep.equal(os.path.exists(os.path.join(run, "metrics.jsonl.damaged")), name != "removed", f"{name}: what was there")


# The newest checkpoint cannot be read, or its state is none: the one before is used.
def manifest_with(changes):
    def change(folder):
        path = os.path.join(folder, "manifest")
        with open(path) as file:
            manifest = json.loads(file.read().rsplit("digest: ", 1)[0])
        manifest["state"].update(changes)
        text = json.dumps(manifest, indent=1) + "\n"
        with open(path, "w") as file:
            file.write(f"{text}digest: {xxhash.xxh64(text.encode()).hexdigest()}\n")
    return change


def pipe(folder):
    os.remove(os.path.join(folder, "manifest"))
    os.mkfifo(os.path.join(folder, "manifest"))


for name, change in (("pipe", pipe), ("step", manifest_with({"step": 9}))):  # others: the unit tests of both
    run = half(name)
    change(lockstep.newest_checkpoint(run))
    lockstep.call("checkpoint", "verify", run, expect=DAMAGED)
    goes_on(run, "the checkpoint of step 10 is damaged and set aside as damaged-step-0000000010")
run = half("beyond")
for folder in os.listdir(os.path.join(run, "checkpoints")):
    manifest_with({"index": 3})(os.path.join(run, "checkpoints", folder))
refused = lockstep.call("worker", CONFIG, "--out", run, expect=DAMAGED)
lockstep.check("at batch 3 of epoch" in refused.stderr, refused.stderr)


# Somebody works on the folder while it trains.
def start(run):
    """Returns when it has saved a checkpoint."""
    folder = os.path.join(run, "checkpoints")
    before = set(os.listdir(folder)) if os.path.exists(folder) else set()
    words = lockstep.command("train", CONFIG, "-n", 2, "--out", run, train__epochs=100000, checkpoint__every_epochs=50)
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    atexit.register(process.kill)
    lockstep.wait_until(lambda: os.path.exists(folder)
                        and any(name.startswith("step-") for name in set(os.listdir(folder)) - before), 30, "a checkpoint")
    return process


def ends(process, code, text):
    out, err = process.communicate(timeout=30)
    lockstep.equal(process.returncode, code, f"exit code; {out}{err}")
    lockstep.check(text in err and len(err.splitlines()) <= 6, f"expected {text!r}, found\n{err}")


run = lockstep.path("locked")
process = start(run)
os.remove(os.path.join(run, "LOCK"))
os.remove(os.path.join(run, "metrics.jsonl"))
lockstep.call("train", CONFIG, "-n", 1, "--out", run, expect=LOCKED)
time.sleep(0.3)
process.send_signal(signal.SIGHUP)
ends(process, STOPPED, "metrics.jsonl was removed or replaced by somebody else; it is written again")
lockstep.equal(lockstep.metrics(run)[0]["step"], 2, "the first line of a file that is written again")
process = start(run)
os.rename(run, run + "-renamed")
ends(process, SYSTEM, "was deleted or renamed while it was training")
process = start(run)
shutil.rmtree(run, ignore_errors=True)
shutil.rmtree(run, ignore_errors=True)
process.communicate(timeout=30)
lockstep.check(process.returncode == SYSTEM and not os.path.exists(os.path.join(run, "result.json")),
               f"a deleted folder: exit code {process.returncode}")
shutil.rmtree(run, ignore_errors=True)
process = start(run)
overwrite("7\n")(os.path.join(run, "incarnation"))
ends(process, LOCKED, "has been taken over by a later start of lockstep (number 7, this is number ")

# Nobody reads the output, or there is none.
run = lockstep.path("unread")
process = subprocess.Popen(lockstep.command("train", CONFIG, "-n", 2, "--out", run, log__progress_seconds=0.1),
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
process.stdout.close()
lockstep.equal(process.wait(60), 0, "the exit code of a run that nobody reads")
lockstep.equal(lockstep.result(run)["parameters_digest"], EXPECTED, "the end of a run that nobody reads")
for command in ("train", "worker"):
    run = lockstep.path("closed-" + command)
    done = subprocess.run(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *lockstep.command(command, CONFIG, "--out", run)], timeout=60)
    lockstep.equal(done.returncode, 0, f"{command} without descriptors")
    lockstep.equal(lockstep.result(run)["parameters_digest"], EXPECTED, f"the end of {command} without descriptors")
    lockstep.call("checkpoint", "verify", run)

# Done is only what every rank has said.
run = lockstep.path("nothing")
false = lockstep.call("train", CONFIG, "-n", 2, "--out", run, expect=SYSTEM, launcher__mpirun="/bin/true")
lockstep.check("no rank has started" in false.stderr and "the command was: /bin/true -n 2 " in false.stderr, false.stderr)

# The config is edited in the moment between what `train` tries and what its ranks read.
with open(CONFIG) as file, open(lockstep.path("edited.yaml"), "w") as copy:
    copy.write(file.read())
with open(lockstep.path("slow"), "w") as file:
    file.write(f"#!/bin/sh\nsed -i 's/linear: 8/linear: 9/' {lockstep.path('edited.yaml')}\nexec mpirun \"$@\"\n")
os.chmod(lockstep.path("slow"), 0o755)
done = lockstep.call("train", lockstep.path("edited.yaml"), "-n", 2, "--out", lockstep.path("edited"), expect=INVALID,
                     launcher__mpirun=lockstep.path("slow"))
lockstep.check("edited.yaml: it was changed after `lockstep train` had read it" in done.stderr, done.stderr)

# Launchers of others.
os.environ.update(PMI_SIZE="2", PMI_RANK="0")
for command, text in (("worker", "2 tasks were started, but each is alone to MPI"), ("train", "use `lockstep worker ")):
    lockstep.check(text in lockstep.call(command, CONFIG, "--out", run, expect=INVALID).stderr, f"{command} under PMI")
del os.environ["PMI_SIZE"], os.environ["PMI_RANK"]
os.environ["PALS_RANKID"] = "1"
lockstep.call("worker", CONFIG, "--out", run, expect=INVALID)
del os.environ["PALS_RANKID"]

# What the system does not give is no bug.
with open(lockstep.path("large.yaml"), "w") as file:
    file.write(f"data: {{train: {lockstep.path('data.h5')}}}\nmodel: [linear: 16000000, linear: 3]\n")
for words in (("inspect", lockstep.path("large.yaml")), ("train", lockstep.path("large.yaml"), "-n", "1", "--out", run)):
    limited = subprocess.run(["sh", "-c", 'ulimit -v 900000; exec "$@"', "sh", *lockstep.command(*words)],
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=60)
    lockstep.check(limited.returncode == SYSTEM and "out of memory" in limited.stderr, f"{limited}")
