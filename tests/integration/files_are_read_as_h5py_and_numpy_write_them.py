"""Files as people have them - booleans, planes, one-hot rows, chunks, archives, links - train as the plain ones do; files
that are damaged, unwritten or made to harm end with exit code 2."""
import json
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import h5py
import numpy

import lockstep
from lockstep import call, check, equal, path

os.environ["LOCKSTEP_CACHE"] = path("cache")
os.environ.pop("LOCKSTEP_DATA", None)
RANDOM = numpy.random.default_rng(3)


def write(name, inputs, targets, **how):
    os.makedirs(os.path.dirname(path(name)), exist_ok=True)
    with h5py.File(path(name), "w") as file:
        file.create_dataset("inputs", data=inputs, **how)
        file["targets"] = targets
    return path(name)


def config(train, model="[{linear: 2}]", extra="", name="c.yaml", batch=16):
    with open(path(name), "w") as file:
        file.write(f"data: {{train: {train}}}\nmodel: {model}\ntrain: {{epochs: 2, batch: {batch}, microbatches: 4}}\n{extra}")
    return path(name)


def digest(train, ranks=1, **settings):
    """parameters_digest after two epochs on a file."""
    run = path("run")
    shutil.rmtree(run, ignore_errors=True)
    model = settings.pop("model", "[{linear: 2}]")
    return lockstep.train(config(train, model), run, ranks, **settings)["parameters_digest"]


def refused(words, *parts):
    began = time.monotonic()
    done = call(*words, expect=2, timeout=60)
    check(time.monotonic() - began < 30, f"{words}: half a minute for a bad file")
    for part in parts:
        check(part in done.stderr, f"{words}: expected {part!r} in\n{done.stderr}")


def numbers():
    """What numpy reads without pickle is read with the same values."""
    x = numpy.arange(24, dtype="f4").reshape(6, 4)
    for kind in ("u1", "<u2", ">u4", "<u8", "i1", ">i2", "<i4", ">i8", "<f2", ">f4", ">f8"):
        numpy.save(path("x.npy"), x.astype(kind))
        check(numpy.array_equal(read("x.npy")["inputs"], x), f"values of {kind}")
    for name, array in (("bool", x > 3), ("columns", numpy.asfortranarray(x)), ("cube", numpy.asfortranarray(x.reshape(2, 3, 4))),
                        ("half columns", numpy.asfortranarray(x.astype(">f2"))), ("long", x.astype("g"))):
        numpy.save(path("x.npy"), array)
        found = read("x.npy")["inputs"]
        check(numpy.array_equal(found, array) and found.shape == array.shape, f"values of {name}")
        check((found.dtype == bool) == (array.dtype == bool), f"type of {name}")
    for save in (numpy.savez, numpy.savez_compressed):
        save(path("x.npz"), x_train=x, y_train=x[:, 0] > 8, names=numpy.array(["a", "b"]))
        found = read("x.npz")
        equal(sorted(found), ["x_train", "y_train"], "arrays of an archive")
        check(numpy.array_equal(found["x_train"], x) and numpy.array_equal(found["y_train"], x[:, 0] > 8), "an archive's values")
    whole = open(path("x.npz"), "rb").read()
    for damage in (whole[:-30], whole[:100] + b"xxxx" + whole[104:], b"PK\x05\x06" + bytes(18)):
        with open(path("bad.npz"), "wb") as file:
            file.write(damage)
        refused(["data", "import", path("bad.npz"), "--out", path("out.h5")], "bad.npz")


def read(name):
    call("data", "import", path(name), "--out", path("out.h5"))
    with h5py.File(path("out.h5"), "r") as file:
        return {key: file[key][()] for key in file}


def layouts():
    """Chunks and filters change no bit of a run, shuffled in full or in blocks, on one rank or two."""
    x = RANDOM.normal(size=(200, 24))
    y = (x[:, 0] > 0).astype("i4")
    plain = write("plain.h5", x, y)
    expected = digest(plain), digest(plain, data__shuffle="blocks", data__shuffle_block=7)
    check(expected[0] != expected[1], "a shuffle of blocks is another order")
    packed = write("gzip.h5", x, y, compression="gzip", shuffle=True, fletcher32=True, chunks=(30, 24))
    equal(digest(packed), expected[0], "digest of a packed file")
    columns = write("columns.h5", x.astype(">f8"), y, chunks=(200, 5), compression="gzip")
    equal(digest(columns, 2, data__shuffle="blocks", data__shuffle_block=7), expected[1], "blocks on two ranks")
    text = open(path("run", "config.yaml")).read()
    check("shuffle: blocks" in text, "the run's config says how it was shuffled")
    refused(["train", config(write("lzf.h5", x, y, compression="lzf")), "--out", path("r")], "lzf", "compression='gzip'")
    lines = [json.loads(line) for line in open(path("run", "metrics.jsonl"))]
    shares = [lines[0]["time_" + what] for what in ("data", "forward", "backward", "average", "update", "checkpoint")]
    check(all(0 <= share <= 1 for share in shares) and sum(shares) <= 1.01 and shares[1] > 0, f"shares of time: {shares}")


def images():
    """Planes in front are turned, and noticed where nobody said so; booleans and one-hot rows are what they mean."""
    x = RANDOM.integers(0, 256, (64, 8, 6, 3)).astype("u1")
    y = (x[:, 2, 2, 0] > 127).astype("i4")
    net = "[{conv2d: {filters: 2, kernel: 3}}, flatten, {linear: 2}]"
    last = digest(write("last.h5", x, y), model=net)
    first = write("first.h5", numpy.ascontiguousarray(x.transpose(0, 3, 1, 2)), y)
    equal(digest(first, model=net, data__layout="channels_first"), last, "digest of planes in front")
    refused(["train", config(first, "[{conv2d: {filters: 2, kernel: 9}}, flatten, {linear: 2}]"), "--out", path("r")],
            "data.layout: channels_first")
    refused(["train", config(write("flat.h5", x.reshape(64, -1), y)), "--out", path("r"), "--set",
             "data.layout=channels_first"], "three dimensions")
    hot = write("hot.h5", x, numpy.eye(2, dtype="f4")[y])
    equal(digest(hot, model=net), last, "digest of one-hot targets")
    info = call("data", "info", hot, path("last.h5")).stdout
    for part in ("one-hot", f"{(y == 0).sum()} of 0, {(y == 1).sum()} of 1", "uint8, read as inputs divided by 255"):
        check(part in info, f"data info lacks {part!r}:\n{info}")
    b = RANDOM.normal(size=(64, 4)) > 0
    digest(write("bool.h5", b, b[:, 0]))


def words():
    """Texts as targets are classes; other data is read with the words of the training data."""
    x = RANDOM.normal(size=(64, 4)).astype("f4")
    y = numpy.where(x[:, 0] > 0, "up", "down")
    train = write("words.h5", x, y.astype(object))
    fixed = write("fixed.h5", x[:32], numpy.full(32, "up").astype("S8"))  # one word of two, padded
    run = path("words")
    call("train", config(train), "-n", 1, "--out", run, data__test=fixed, data__validation=fixed, train__epochs=9,
         optimizer__learning_rate=0.1)
    lines = call("predict", run, "--data", train, "--out", path("words.csv")) and open(path("words.csv")).read().splitlines()
    equal(lines[0], "row,class,p_down,p_up", "the header of predictions")
    right = sum(line.split(",")[1] == word for line, word in zip(lines[1:], y))
    check(right > 56, f"{right} of 64 words are right")
    accuracy = [float(text.split("accuracy ")[1].split()[0])
                for text in call("evaluate", run, "--data", fixed).stdout.splitlines() if "accuracy " in text]
    check(abs(accuracy[0] - (x[:32, 0] > 0).mean()) < 0.15, f"accuracy on other data: {accuracy}")
    info = call("data", "info", train).stdout
    check("of 'down'," in info, f"data info: {info}")
    other = write("other.h5", x, numpy.where(x[:, 0] > 0, "left", "down").astype(object))
    refused(["evaluate", run, "--data", other], "the label 'left' is none of the 2 of the training data")
    refused(["train", config(write("text.h5", y.astype(object), x)), "--out", path("r")], "found text")


def damaged():
    x = RANDOM.normal(size=(64, 4)).astype("f4")
    y = (x[:, 0] > 0).astype("i4")
    bad = write("good.h5", x, y)
    whole = bytearray(open(bad, "rb").read())
    check(int.from_bytes(whole[0x78:0x80], "little") == 0x88, "the root's B-tree is where h5py puts it")
    whole[0x80:0x88] = b"\xff" * 8  # the names of the root lie nowhere: HDF5 crashes
    with open(path("damaged.h5"), "wb") as file:
        file.write(whole)
    refused(["data", "info", path("damaged.h5")], "damaged.h5")
    os.mkdir(path("some"))
    shutil.copy(path("damaged.h5"), path("some/0.h5"))
    shutil.copy(bad, path("some/1.h5"))
    for words in ((path("some/*.h5"),), (path("some/0.h5"), path("some/1.h5"))):
        done = call("data", "info", *words, expect=2, timeout=60)
        check(done.stderr.count("some/0.h5") == 1 and "some/1.h5\nsamples" in done.stdout, f"one file is refused, the next is shown: {done}")
    with h5py.File(path("claims.h5"), "w") as file:
        file.create_dataset("inputs", (2 ** 40, 4), "f4", chunks=(1024, 4), compression="gzip")
        file.create_dataset("targets", (2 ** 40,), "i4", chunks=(1024,))
    refused(["data", "info", path("claims.h5")], "were ever written")
    with h5py.File(path("hollow.h5"), "w") as file:
        file.create_dataset("inputs", (10 ** 7, 4), "f4")
        file.create_dataset("targets", (10 ** 7,), "i4")
    refused(["train", config(path("hollow.h5")), "-n", 1, "--out", path("r")], "claims 10000000 rows", "only 0 were ever written")
    chunked = write("chunked.h5", x, y, chunks=(16, 4), compression="gzip")
    whole = bytearray(open(chunked, "rb").read())
    with h5py.File(chunked) as file:
        at = file["inputs"].id.get_chunk_info(2).byte_offset
    whole[at + 4:at + 40] = b"\x55" * 36
    with open(path("torn.h5"), "wb") as file:
        file.write(whole)
    refused(["train", config(path("torn.h5")), "-n", 1, "--out", path("r")], "torn.h5", "cannot read rows")
    os.mkfifo(path("pipe.h5"))
    refused(["data", "info", path("pipe.h5")], "found a pipe or device")
    writer = h5py.File(path("live.h5"), "w", libver="latest")
    writer["inputs"], writer["targets"] = x, y
    writer.flush()
    refused(["data", "info", path("live.h5")], "another program")
    writer.close()
    call("data", "info", path("live.h5"))


def places():
    """Paths of a config begin in its folder, those of the command line in the current one; a run keeps absolute ones."""
    x = RANDOM.normal(size=(64, 4)).astype("f4")
    y = (x[:, 0] > 0).astype("i4")
    write("here/d.h5", x, y)
    write("there/d.h5", -x, y)
    write("there/t.h5", x, y)
    config("d.h5", name="here/c.yaml")
    elsewhere = path("there")

    def go(*words, code=0, folder=elsewhere):
        done = subprocess.run([lockstep.PROGRAM, *words], cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        equal(done.returncode, code, f"{words} in {folder}: {done.stderr}")
        return done

    go("train", "../here/c.yaml", "-n", "1", "--out", path("p1"), "--set", "data.test=t.h5")
    text = open(path("p1", "config.yaml")).read()
    for name in ("here/d.h5", "there/t.h5"):
        check(os.path.realpath(path(name)) in text, f"a config's own folder and the current one come first:\n{text}")
    go("evaluate", path("p1"), folder="/")
    go("evaluate", path("p1"), "--data", "d.h5")
    listed = go("data", "info", "*.h5").stdout
    check("128 in 2 files" in listed, f"a glob: {listed}")
    with h5py.File(path("groups.h5"), "w") as file:
        file["simulation/u"] = x
        file["names"] = ["a", "b"]
    listed = call("data", "info", path("groups.h5")).stdout
    check("/simulation/u" in listed and "64 rows of 4 float32" in listed and "/names" in listed, f"data info: {listed}")
    refused(["train", config(path("groups.h5")), "-n", 1, "--out", path("r")], "there is no dataset '/inputs' in it; it has /names")


def links():
    """Virtual datasets below the file's folder are the files that they join."""
    x = RANDOM.normal(size=(64, 4)).astype("f4")
    y = (x[:, 0] > 0).astype("i4")
    for part in range(2):
        write(f"joint/parts/{part}.h5", x[part * 32:][:32], y[part * 32:][:32])
    with h5py.File(path("joint/all.h5"), "w") as file:
        for name, array in (("inputs", x), ("targets", y)):
            layout = h5py.VirtualLayout(array.shape, array.dtype)
            for part in range(2):
                layout[part * 32:(part + 1) * 32] = h5py.VirtualSource(f"parts/{part}.h5", name, (32, *array.shape[1:]))
            file.create_virtual_dataset(name, layout)
    refused(["train", config(path("joint/all.h5")), "--out", path("r")], "data.links: same_folder")
    digest(path("joint/all.h5"), data__links="same_folder")
    os.rename(path("joint/parts/1.h5"), path("moved.h5"))
    refused(["train", config(path("joint/all.h5")), "--out", path("r"), "--set", "data.links=same_folder"], "parts/1.h5")


for test in [globals()[name] for name in sys.argv[1:]] or (numbers, layouts, images, words, damaged, places, links):
    test()
