"""Each config of configs/ on less data and in smaller batches, so that some steps of it take seconds. Needs $LOCKSTEP_DATA."""
import glob
import os
import re
import shutil
import subprocess

import lockstep

# What takes long with its own batch; a small batch needs a small rate.
SMALLER = {"signdigits-resnet110": (8, 0.001), "signdigits-plain110": (8, 0.001), "fashion-mnist-resnet": (16, 0.01),
           "fashion-mnist-dcgan": (16, 0.0003), "eng-fra-transformer": (32, 0.001), "eng-fra-lstm": (32, 0.001)}
NAMES = sorted(os.path.basename(path)[:-len(".yaml")] for path in glob.glob(os.path.join(lockstep.SOURCE, "configs/*.yaml")))
FOLDER = lockstep.path("configs")

# Pairs enough for some translations, which a run makes at its end.
PAIRS = lockstep.path("pairs.tsv")
with open(os.path.join(os.environ["LOCKSTEP_DATA"], "parallel/tatoeba-eng-fra.tsv")) as file, open(PAIRS, "w") as few:
    few.writelines(line for number, line in enumerate(file) if number % 200 == 0)
# Without the full test part, which takes longer than the steps; where it is cut off (data.split), it is small.
FASHION = lockstep.fashion_subset("fashion", 2000, 200)
shutil.copytree(os.path.join(lockstep.SOURCE, "configs"), FOLDER, ignore=shutil.ignore_patterns("made"))
TEXTS = {name: open(lockstep.config(name)).read() for name in NAMES}
MADE = {word for text in TEXTS.values() for word in re.findall(r"\bmade/(\w+)-", text)}
subprocess.run([os.path.join(FOLDER, "make_data"), "--few", *sorted(MADE)], check=True, stdout=subprocess.DEVNULL)


def small(name):
    """The config's path, and its settings."""
    settings = {}
    if name in SMALLER:
        settings["train__batch"], settings["optimizer__learning_rate"] = SMALLER[name]
    if name.startswith("fashion"):
        settings.update(FASHION)
    if name.startswith("eng-fra"):
        settings["data__train"] = f"pairs {PAIRS} --words 500"
    if re.search("^start:", TEXTS[name], re.MULTILINE):
        settings["start__from"] = ""  # a run that is not there
    return os.path.join(FOLDER, name + ".yaml"), settings
