"""Each config of configs/ has a row in benchmarks/quality, and its loss falls within a few steps."""
import concurrent.futures
import glob
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import lockstep

STEPS = {"train__steps_max": 8, "log__every_steps": 4, "schedule__warmup_steps": 0}
# What takes long with its own batch; a small batch needs a small rate.
SMALLER = {"signdigits-resnet110": (8, 0.001), "signdigits-plain110": (8, 0.001), "fashion-mnist-resnet": (16, 0.01),
           "fashion-mnist-dcgan": (16, 0.0003), "eng-fra-transformer": (32, 0.001), "eng-fra-lstm": (32, 0.001)}
# Pairs enough for some translations, which a run makes at its end.
PAIRS = lockstep.path("pairs.tsv")
with open(os.path.join(os.environ["LOCKSTEP_DATA"], "parallel/tatoeba-eng-fra.tsv")) as file, open(PAIRS, "w") as few:
    few.writelines(line for number, line in enumerate(file) if number % 200 == 0)
RESTLESS = ("fashion-mnist-dcgan", "fashion-mnist-deep-tanh")  # two that fight; one network of three explodes
# Without the full test part, which takes longer than the steps; where it is cut off (data.split), it is small.
MADE = ("function", "shuttle", "signs", "canvas", "speeches")
FASHION = lockstep.fashion_subset("fashion", 2000, 200)


def losses(run):
    """The mean loss of the first steps, and of the last; of a GAN, whose losses need not fall, none."""
    return [line["loss"] for line in lockstep.metrics(run) if line["split"] == "train" and "loss" in line]


rows = subprocess.run([os.path.join(lockstep.SOURCE, "benchmarks/quality"), "--list"], capture_output=True, text=True,
                      check=True).stdout.split()
names = [os.path.basename(path)[:-len(".yaml")] for path in glob.glob(os.path.join(lockstep.SOURCE, "configs/*.yaml"))]
lockstep.equal(sorted(names), sorted(rows), "configs, and rows of benchmarks/quality")

folder = lockstep.path("configs")
shutil.copytree(os.path.join(lockstep.SOURCE, "configs"), folder, ignore=shutil.ignore_patterns("made"))
subprocess.run([os.path.join(folder, "make_data"), "--few", *sorted(MADE)], check=True, stdout=subprocess.DEVNULL)


def learns(name):
    settings = dict(STEPS)
    if name in SMALLER:
        settings["train__batch"], settings["optimizer__learning_rate"] = SMALLER[name]
    if name.startswith("fashion"):
        settings.update(FASHION)
    if name.startswith("etth1"): # begins where repeating the last value ends
        settings.update(train__steps_max=60, log__every_steps=30)
    if name == "shakespeare-bert-finetune":
        settings["start__from"] = ""
    if name.startswith("eng-fra"):
        settings["data__train"] = f"pairs {PAIRS} --words 500"
    run = lockstep.path(name)
    result = lockstep.train(os.path.join(folder, name + ".yaml"), run, **settings)
    lockstep.equal(result["steps"], settings["train__steps_max"], name)
    seen = losses(run)
    lockstep.check(name in RESTLESS or seen[-1] < seen[0], f"{name}: the loss goes from {seen}")
    shutil.rmtree(run)


with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    list(pool.map(learns, sorted(names)))
