"""Each config of configs/ has a row in benchmarks/quality, and its loss falls within a few steps."""
import concurrent.futures
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import lockstep
from small_configs import NAMES, small

RESTLESS = ("fashion-mnist-dcgan", "fashion-mnist-deep-tanh")  # two that fight; one network of three explodes
SLOW = ("etth1-conv", "etth1-lstm", "shakespeare-speaker")  # begin where repeating the last value ends; drop much
STEPS = {"train__steps_max": 8, "log__every_steps": 4, "schedule__warmup_steps": 0}


def losses(run):
    """The mean loss of the first steps, and of the last; of a GAN none."""
    return [line["loss"] for line in lockstep.metrics(run) if line["split"] == "train" and "loss" in line]


rows = subprocess.run([os.path.join(lockstep.SOURCE, "benchmarks/quality"), "--list"], capture_output=True, text=True,
                      check=True).stdout.split()
lockstep.equal(NAMES, sorted(rows), "configs, and rows of benchmarks/quality")


def learns(name):
    config, smaller = small(name)
    settings = {**STEPS, **smaller}
    if name in SLOW:
        settings.update(train__steps_max=60, log__every_steps=30)
    run = lockstep.path(name)
    result = lockstep.train(config, run, **settings)
    lockstep.equal(result["steps"], settings["train__steps_max"], name)
    seen = losses(run)
    lockstep.check(name in RESTLESS or seen[-1] < seen[0], f"{name}: the loss goes from {seen}")
    shutil.rmtree(run)


with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    list(pool.map(learns, NAMES))
