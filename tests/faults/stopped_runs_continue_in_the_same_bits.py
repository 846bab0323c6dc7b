"""A run that was stopped, limited or ended goes on as one that never was: a signal, train.steps_max, more epochs under
a schedule, early stopping, leftovers of a killed start, data that has changed."""
import os
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import h5py
import lockstep
import numpy

STOPPED = 75


def write(name, text):
    with open(lockstep.path(name), "w") as file:
        file.write(text)
    return lockstep.path(name)


def table(name, rows, noise=0.0, constant=False):
    random = numpy.random.default_rng(rows)
    inputs = random.normal(size=(rows, 6)).astype("f4")
    targets = inputs.sum(axis=1) + noise * random.normal(size=rows)
    with h5py.File(lockstep.path(name), "w") as file:
        file["inputs"], file["targets"] = inputs, targets.astype("f4")
    return lockstep.path(name)


CONFIG = write("config.yaml", f"""
task: {{kind: regression}}
data: {{train: {table("train.h5", 250)}, validation: {table("validation.h5", 60, 3.0)}, test: {table("test.h5", 50)}}}
model: [{{linear: 16}}, tanh, {{linear: 1}}]
train: {{epochs: 4, batch: 32, microbatches: 4}}
schedule: {{name: cosine}}
log: {{every_steps: 3}}
""")
SAME = ("status", "steps", "epochs", "parameters_digest", "train", "validation", "test")


def same(run, undisturbed):
    for key in SAME:
        lockstep.equal(lockstep.result(run)[key], lockstep.result(undisturbed)[key], f"{key} of {run}")
    lockstep.equal(lockstep.metrics(run), lockstep.metrics(undisturbed), f"metrics.jsonl of {run}")


undisturbed = lockstep.path("undisturbed")
lockstep.train(CONFIG, undisturbed, 2)

# A limit in the middle of an epoch, then none.
run = lockstep.path("limited")
limited = lockstep.train(CONFIG, run, 3, train__steps_max=11)
lockstep.equal((limited["status"], limited["steps"], limited["epochs"]), ("stopped", 11, 1), "a limited run")
last = [(line["step"], line["split"], line["loss"]) for line in lockstep.metrics(run) if line["step"] == 11]
lockstep.equal([(step, split) for step, split, _ in last], [(11, split) for split in ("train", "validation", "test") if limited[split]],
               "what is told of a step that no line was due after")
lockstep.equal([loss for _, split, loss in last if split != "train"],
               [limited[split]["loss"] for split in ("validation", "test") if limited[split]], "what it says")
again = lockstep.call("train", CONFIG, "-n", 1, "--out", run, train__steps_max=11)
lockstep.check("stopped after 11 steps" in again.stdout, f"expected the result again, found\n{again.stdout}")
lockstep.equal(lockstep.train(CONFIG, run, 1)["resumed_from_step"], 11, "resumed_from_step")
same(run, undisturbed)

# What a killed start has left behind is gone after the next one.
run = lockstep.path("leftovers")
lockstep.train(CONFIG, run, 1, train__steps_max=5)
for name in ("tmp-0000000009-1", "removing-0000000003"):
    os.makedirs(os.path.join(run, "checkpoints", name))
lockstep.train(CONFIG, run, 2)
left = [name for name in os.listdir(os.path.join(run, "checkpoints")) if not name.startswith("step-")]
lockstep.equal(left, [], "leftovers")
same(run, undisturbed)

# More epochs: the schedule keeps the length of the first start.
run = lockstep.path("longer")
lockstep.train(CONFIG, run, 2, train__epochs=2)
before = [line for line in lockstep.metrics(run) if line["split"] == "train"]
longer = lockstep.train(CONFIG, run, 2, train__epochs=3)
lockstep.equal((longer["status"], longer["epochs"], longer["resumed_from_step"]), ("done", 3, 16), "a longer run")
after = [line for line in lockstep.metrics(run) if line["split"] == "train"]
lockstep.equal(after[:len(before)], before, "what was logged before")
lockstep.equal({line["learning_rate"] for line in after[len(before):]}, {0.0}, "learning rates behind the schedule")

# Early stopping: the same end however often it was interrupted.
early = dict(train__epochs=60, train__patience=2, schedule__name="constant", optimizer__learning_rate=0.05)
stopped_early = lockstep.path("early")
expected = lockstep.train(CONFIG, stopped_early, 2, **early)
lockstep.equal(expected["status"], "early_stopped", "status")
run = lockstep.path("early-limited")
for limit in range(5, expected["steps"], 17):
    lockstep.train(CONFIG, run, limit % 4 + 1, train__steps_max=limit, **early)
lockstep.train(CONFIG, run, 3, **early)
same(run, stopped_early)
lockstep.train(CONFIG, run, 1, **{**early, "train__epochs": 70})
lockstep.equal(lockstep.result(run)["parameters_digest"], expected["parameters_digest"], "more epochs after early stopping")

# A metric that is never a number: the run has failed, and says so.
run = lockstep.path("not-a-number")
diverging = dict(early, optimizer__name="sgd", optimizer__learning_rate=1e30, schedule__name="constant",
                 train__stop_not_finite="false", train__watch="loss")
diverged = lockstep.call("train", CONFIG, "-n", 2, "--out", run, expect=5, **diverging)
lockstep.check("no loss that is a number for 2 epochs" in diverged.stderr, f"a run that diverged says\n{diverged.stderr}")

# A signal. In the last step it changes nothing: the run is at its end, and reported in full.
run = lockstep.path("signal")
for settings, code, status, tested in (({"train__steps_max": 1}, 0, "stopped", True), ({"train__epochs": 100000}, STOPPED, "stopped", False)):
    worker = subprocess.Popen(lockstep.command("worker", CONFIG, "--out", run, **settings), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    lockstep.wait_until(lambda: os.path.exists(os.path.join(run, "ranks", "rank-0.json")), 30, "a worker")
    worker.send_signal(signal.SIGUSR1)
    lockstep.equal(worker.wait(60), code, f"exit code with {settings}")
    result = lockstep.result(run)
    lockstep.equal((result["status"], result["test"] is not None), (status, tested), f"the result with {settings}")
    shutil.rmtree(os.path.join(run, "ranks"))
lockstep.train(CONFIG, run, 3)
same(run, undisturbed)

# Data that has changed is no continuation, and neither is another config, whatever else is broken.
run = lockstep.path("changed")
lockstep.train(CONFIG, run, 1, train__steps_max=12)
table("train.h5", 240)
refused = lockstep.call("train", CONFIG, "-n", 2, "--out", run, expect=2)
lockstep.check("the train data is not what the run in" in refused.stderr, f"expected what differs, found\n{refused.stderr}")
manifest = os.path.join(lockstep.newest_checkpoint(run), "manifest")
lockstep.train(CONFIG, lockstep.path("other"), 1, train__steps_max=1)
with open(manifest, "a") as file:
    file.write("damage")
names = sorted(os.listdir(os.path.join(run, "checkpoints")))
lockstep.call("train", CONFIG, "-n", 1, "--out", run, expect=2, optimizer__name="sgd")
lockstep.equal(sorted(os.listdir(os.path.join(run, "checkpoints"))), names, "checkpoints after a refusal")
