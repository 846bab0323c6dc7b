"""Each config of configs/ ends in the same parameters, measures and metrics on 1, 2 and 4 ranks, and when a worker of 2
ranks is killed and another number of ranks goes on.

  every_config_ends_in_the_same_bits.py [CONFIG...]"""
import os
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import lockstep
from small_configs import NAMES, small

# Enough epochs for any kill to come before the end; where they end is train.steps_max, which changes no schedule.
ENDLESS = {"train__epochs": 1000000, "train__patience": 0, "checkpoint__every_steps": 2, "log__every_steps": 1}
MORE = 3  # steps behind those that the killed run had committed
SAME = ("steps", "epochs", "parameters_digest", "train", "validation", "test")


def killed(config, run, settings):
    """Trains on 2 ranks until something is committed, then a worker is killed. Returns the step to go on from."""
    words = lockstep.command("train", config, "-n", 2, "--out", run, **settings)
    launcher = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 120
    while not lockstep.committed(run) and launcher.poll() is None and time.monotonic() < end:
        time.sleep(0.005)
    workers = lockstep.workers(launcher.pid)
    if workers:
        os.kill(workers[-1], signal.SIGKILL)
    said = launcher.communicate(timeout=60)[1]
    lockstep.check(workers and launcher.returncode != 0, f"{run}: there was no worker to kill, or it was not missed\n{said}")
    return lockstep.committed(run)


def outcome(run):
    found = lockstep.result(run)
    return {**{key: found.get(key) for key in SAME}, "metrics": lockstep.metrics(run)}


def ends_alike(name, others):
    config, settings = small(name)
    settings = {**ENDLESS, **settings}
    run = lockstep.path(name + "-killed")
    step = killed(config, run, settings)
    settings["train__steps_max"] = step + MORE
    result = lockstep.train(config, run, others, **settings)
    lockstep.equal((result["resumed_from_step"], result["world_size"]), (step, others), f"{name}: step gone on from, ranks")
    expected = outcome(run)
    for ranks in (1, 2, 4):
        run = lockstep.path(f"{name}-{ranks}")
        lockstep.equal(lockstep.train(config, run, ranks, **settings)["world_size"], ranks, f"{name}: ranks")
        lockstep.equal(outcome(run), expected, f"{name}: {ranks} ranks, beside 2 that were killed at step {step} and {others} from there on")
        shutil.rmtree(run)
    print(f"{name}: {expected['parameters_digest']} after {expected['steps']} steps", flush=True)


for number, name in enumerate(sys.argv[1:] or NAMES):
    ends_alike(name, 1 if number % 2 else 4)
