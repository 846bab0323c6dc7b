"""launcher.restarts: a run that loses a rank goes on from its newest checkpoint by itself and ends in the same bits; without
a new checkpoint it is given up after so many starts; a signal is no reason to start."""
import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import h5py
import lockstep
import numpy

LOST = 6
random = numpy.random.default_rng(1)
data, config = lockstep.path("data.h5"), lockstep.path("config.yaml")
with h5py.File(data, "w") as file:
    file["inputs"], file["targets"] = random.normal(size=(4000, 64)).astype("f4"), random.normal(size=4000).astype("f4")
with open(config, "w") as file:
    file.write(f"""
task: {{kind: regression}}
data: {{train: {data}, test: {data}}}
model: [{{linear: 256}}, tanh, {{linear: 256}}, tanh, {{linear: 1}}]
train: {{epochs: 10, batch: 64, microbatches: 4}}
checkpoint: {{every_steps: 50, every_epochs: 0}}
""")


def start(run, **settings):
    return subprocess.Popen(lockstep.command("train", config, "-n", 2, "--out", run, **settings), stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def send(launcher, number, run, step):
    """To a worker, when the run has committed that step."""
    lockstep.wait_until(lambda: launcher.poll() is not None or
                        any(int(name[5:]) >= step for name in os.listdir(run + "/checkpoints") if name.startswith("step-"))
                        if os.path.isdir(run + "/checkpoints") else launcher.poll() is not None, 60, "a checkpoint")
    workers = lockstep.workers(launcher.pid)
    lockstep.check(workers, f"{run}: there is no worker")
    os.kill(workers[-1], number)


undisturbed = lockstep.path("undisturbed")
expected = lockstep.train(config, undisturbed, 2)
run = lockstep.path("killed")
launcher = start(run, launcher__restarts=2)
send(launcher, signal.SIGKILL, run, 100)
_, err = launcher.communicate(timeout=120)
lockstep.equal(launcher.returncode, 0, f"exit code of a run that lost a rank; it says\n{err}")
lockstep.check("killed by signal 9" in err and "starting again from step " in err and "(1 of launcher.restarts 2)" in err, err)
starts = lockstep.call("checkpoint", "show", run).stdout.split("\nstarts\n")[1].split("\nparameters\n")[0].splitlines()
lockstep.check(len(starts) == 2 and re.search(r": rank \d died: killed by signal 9 \(Killed\) \(at step \d+\); started again by itself$", starts[0])
               and starts[1].endswith(f": done (at step {expected['steps']})"), f"starts: {starts}")
for key in ("steps", "parameters_digest", "train", "test"):
    lockstep.equal(lockstep.result(run)[key], expected[key], f"{key} of a run that lost a rank")

# Every start loses a rank before anything new is committed.
run = lockstep.path("hopeless")
launcher = start(run, launcher__restarts=2, checkpoint__every_steps=0, train__epochs=100000)
killed = 0
while launcher.poll() is None and killed < 10:
    workers = lockstep.workers(launcher.pid)
    if len(workers) == 2 and os.path.exists(run + "/ranks/rank-1.json"):
        os.kill(workers[0], signal.SIGKILL)
        killed += 1
        lockstep.wait_until(lambda: launcher.poll() is not None or lockstep.workers(launcher.pid) != workers, 30, "the next start")
    time.sleep(0.02)
err = launcher.communicate(timeout=60)[1]
lockstep.equal((launcher.returncode, killed), (LOST, 3), f"exit code and starts of a run that is given up; it says\n{err}")
lockstep.check("given up: 3 starts, and no new checkpoint since step 0" in err, err)

last = lockstep.call("report", run, "--records-only", "--out", lockstep.path("page.html")) and open(lockstep.path("page.html")).read()
lockstep.equal((last.count("; started again by itself"), last.count("died: killed by signal 9 (Killed)")), (2, 3), "starts of a report")

# A script in mpirun's place does not hand the launcher's death on; the first rank notices.
script = lockstep.path("mpirun")
with open(script, "w") as file:
    file.write("#!/bin/sh\nmpirun \"$@\"\nexit $?\n")
os.chmod(script, 0o755)
run = lockstep.path("left")
launcher = start(run, train__epochs=100000, launcher__mpirun=script)
send(launcher, 0, run, 50)
left = lockstep.workers(launcher.pid)
launcher.kill()
launcher.wait()
lockstep.check(left, "there are no workers")
lockstep.wait_until(lambda: not any(map(lockstep.alive, left)), 20, "the end of ranks whose launcher was killed")

# Whoever ends it, wants it to end.
run = lockstep.path("told")
launcher = start(run, launcher__restarts=2, train__epochs=100000)
send(launcher, 0, run, 50)
launcher.send_signal(signal.SIGTERM)
time.sleep(0.05)
launcher.send_signal(signal.SIGTERM)
err = launcher.communicate(timeout=60)[1]
lockstep.check(launcher.returncode in (LOST, 75) and "starting again" not in err, f"{launcher.returncode}: {err}")
