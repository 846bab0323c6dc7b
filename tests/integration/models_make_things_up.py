"""`lockstep generate`: text of a language model, images of a VAE and of a GAN; the same seed gives the same; a page shows
them."""
import os
import re
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import h5py
import lockstep
import numpy


def generate(run, *words, code=0):
    done = subprocess.run([os.environ["LOCKSTEP"], "generate", run, *map(str, words)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=120)
    lockstep.equal(done.returncode, code, f"exit code of generate {words}: {done.stderr}")
    return done.stderr if code else done.stdout


def png_size(path):
    with open(path, "rb") as file:
        head = file.read(24)
    lockstep.equal(head[:8], b"\x89PNG\r\n\x1a\n", "the PNG's first bytes")
    return struct.unpack(">II", head[16:24])


text = lockstep.path("text")
lockstep.train(lockstep.config("shakespeare-gpt"), text, 1, train__steps_max=30, data__split="[0.99, 0.01, 0]")
first = generate(text, "--prompt", "ROMEO:", "--tokens", 100, "--seed", 3)
lockstep.check(first.startswith("ROMEO:") and len(first) == 107, f"6 characters, 100 more and a line's end: {first!r}")
lockstep.equal(generate(text, "--prompt", "ROMEO:", "--tokens", 100, "--seed", 3), first, "the same seed again")
lockstep.check(generate(text, "--prompt", "ROMEO:", "--tokens", 100, "--seed", 4) != first, "another seed gives the same")
likeliest = generate(text, "--prompt", "A", "--tokens", 20, "--temperature", 0)
lockstep.equal(generate(text, "--prompt", "A", "--tokens", 20, "--top-k", 1, "--seed", 9), likeliest, "top-k of 1")
lockstep.equal(generate(text, "--prompt", "A", "--tokens", 20, "--top-p", 0.0001, "--seed", 9), likeliest, "top-p of next to 0")
lockstep.equal(generate(text, "--prompt", "ROMEO:", "--tokens", 100, "--seed", 3, "--top-p", 1), first, "top-p of 1")
two = generate(text, "--prompt", "ROMEO:", "--tokens", 100, "--seed", 3, "--count", 2)
lockstep.equal(two.split("----\n")[0], first, "the first of two texts")
lockstep.check("\u20ac" in generate(text, "--prompt", "\u20ac", code=2), "an unknown character is not named")
os.rename(os.path.join(text, "vocabulary.json"), lockstep.path("words.json"))
lockstep.check("has no vocabulary to write with" in generate(text, code=2), "a missing vocabulary is not named")

# What remembers in a state goes on beyond the windows that it was trained on.
lstm = lockstep.path("lstm")
lockstep.train(lockstep.config("shakespeare-lstm"), lstm, 1, train__steps_max=2, train__batch=8, data__split="[0.99, 0.01, 0]")
lockstep.equal(len(generate(lstm, "--prompt", "ROMEO:", "--tokens", 100)), 107, "characters of an LSTM")

# Where samples are lines, a page shows some of them, one below the other.
names, page = lockstep.path("names"), lockstep.path("names.html")
lockstep.call("worker", lockstep.config("names-rnn"), "--out", names, train__steps_max=2, data__split="[0.99, 0.005, 0.005]")
said = lockstep.call("report", names, "--out", page)
with open(page) as file:
    made = re.search(r"What it makes up.*?<pre>(.*?)</pre>", file.read(), re.DOTALL)
lockstep.check(made and made[1].count("\n") == 20 and "----" not in made[1] and not said.stderr, f"names on a page: {made and made[1]}")

# The generator learns in every third step; nothing is said of it in the others.
images = lockstep.path("gan")
with open(lockstep.config("fashion-mnist-dcgan")) as file, open(lockstep.path("gan.yaml"), "w") as copy:
    copy.write(file.read() + "phases: {generator: {every: 3}}\nlog: {every_steps: 1}\n")
lockstep.train(lockstep.path("gan.yaml"), images, 1, train__steps_max=3, **lockstep.fashion_subset("g", 200, 50))
said = [[key for key in line if key.startswith("generator.")] for line in lockstep.metrics(images) if line["split"] == "train"]
lockstep.equal(said, [["generator.loss", "generator.learning_rate", "generator.gradient_norm"], [], []],
               "what metrics.jsonl says of the generator")
out = lockstep.path("samples.h5")
generate(images, "--count", 300, "--out", out)
with h5py.File(out) as file:
    samples = file["samples"][:]
lockstep.equal(samples.shape, (300, 28, 28, 1), "shape of /samples")
lockstep.check(numpy.isfinite(samples).all() and samples.std() > 0, "samples that are no images")
generate(images, "--count", 20, "--out", out)
with h5py.File(out) as file:
    lockstep.check((file["samples"][:] == samples[:20]).all(), "20 images are not the first of 300")
generate(images, "--count", 9, "--out", lockstep.path("samples.png"))
lockstep.equal(png_size(lockstep.path("samples.png")), (3 * 28 + 2, 3 * 28 + 2), "size of nine images with lines between")
lockstep.check("FILE.png or FILE.h5" in generate(images, "--out", "x.gif", code=2), "another ending is not refused")

vae = lockstep.path("vae")
lockstep.train(lockstep.config("mnist-vae"), vae, 1, train__steps_max=3, train__epochs=1)
DATA = os.environ.pop("LOCKSTEP_DATA")  # images need no data
generate(vae, "--count", 4, "--out", out)
os.environ["LOCKSTEP_DATA"] = DATA
with h5py.File(out) as file:
    lockstep.equal(file["samples"].shape, (4, 28, 28, 1), "shape of a VAE's /samples")
    lockstep.check(0 <= file["samples"][:].min() and file["samples"][:].max() <= 1, "pixels beyond 0 to 1")
# What it makes of a picture are pixels; --logits: what its loss takes.
answers = []
with h5py.File(lockstep.path("images.h5"), "w") as file:
    file["inputs"] = numpy.random.default_rng(1).integers(0, 256, (5, 28, 28, 1)).astype("u1")
for more in ((), ("--logits",)):
    lockstep.call("predict", vae, "--data", lockstep.path("images.h5"), "--out", out, *more)
    with h5py.File(out) as file:
        answers.append({name: file[name][()].astype("f8") for name in file})
lockstep.equal([sorted(answer) for answer in answers], [["outputs"], ["logits", "outputs"]], "what predict says of a VAE")
lockstep.check(numpy.allclose(answers[0]["outputs"], 1 / (1 + numpy.exp(-answers[1]["logits"])), atol=1e-6), "pixels of a VAE")
lockstep.check("this model is not told a class" in generate(vae, "--class", 3, "--out", out, code=2), "a class for no use")

# A model that is told the class draws all in turn, or one; codes follow from the seed and the image's number alone.
told = lockstep.path("told")
lockstep.train(lockstep.config("mnist-cvae"), told, 1, train__steps_max=3, train__epochs=1)
drawn = []
for words in [], ["--class", 3]:
    generate(told, "--count", 20, *words, "--out", out)
    with h5py.File(out) as file:
        drawn.append(file["samples"][:])
alike = [(a == b).all() for a, b in zip(*drawn)]
lockstep.equal(alike, [n % 10 == 3 for n in range(20)], "which of 20 images in turn are those of class 3")
lockstep.check("expected a class from 0 to 9, found 10" in generate(told, "--class", 10, "--out", out, code=2), "class 10")
mlp = lockstep.path("mlp")
lockstep.train(lockstep.config("fashion-mnist-mlp"), mlp, 1, train__steps_max=2, **lockstep.fashion_subset("m", 200, 50))
lockstep.check("makes nothing up" in generate(mlp, code=2), "a classification is not refused")
