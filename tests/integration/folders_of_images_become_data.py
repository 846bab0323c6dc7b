"""`data import images`: PNG and JPEG files as Pillow reads them, class folders as targets, one size for all; what cannot
be read is named."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import h5py
import numpy
from PIL import Image

from lockstep import call, check, equal, path, train

random = numpy.random.default_rng(5)


def picture(*shape):
    """Smooth, as photographs are: JPEG keeps it nearly as it was."""
    coarse = random.integers(0, 256, (4, 4, *shape[2:])).astype("uint8")
    return numpy.asarray(Image.fromarray(coarse).resize((shape[1], shape[0]), Image.BICUBIC))


def save(name, pixels, **options):
    os.makedirs(os.path.dirname(name), exist_ok=True)
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(name, **options)
    return numpy.asarray(Image.open(name).convert("RGB" if image.mode not in ("L", "1") else "L"))


def imported(folder, *words):
    call("data", "import", "images", folder, *words, "--out", path("out.h5"))
    return h5py.File(path("out.h5"), "r")


def refused(folder, *texts, options=()):
    said = call("data", "import", "images", folder, *options, "--out", path("no.h5"), expect=2).stderr
    for text in texts:
        check(text in said, f"{text!r} in {said!r}")
    check(not os.path.exists(path("no.h5")), f"{folder} left a file")


def every_kind_of_file():
    folder = path("kinds")
    expected = {
        "cat/a.png": save(f"{folder}/cat/a.png", picture(10, 12, 3)),
        "cat/b.jpg": save(f"{folder}/cat/b.jpg", picture(10, 12, 3), quality=90),
        "cat/c.JPEG": save(f"{folder}/cat/c.JPEG", picture(10, 12), progressive=True),
        "dog/d.png": save(f"{folder}/dog/d.png", Image.fromarray(picture(10, 12, 3)).quantize(16)),
        "dog/e.png": save(f"{folder}/dog/e.png", picture(10, 12)),
        "dog/f.png": save(f"{folder}/dog/f.png", Image.fromarray(picture(10, 12, 3)).convert("RGBA")),
        "ant hill/g": save(f"{folder}/ant hill/g.png", Image.fromarray(picture(10, 12) > 99)),
    }
    os.rename(f"{folder}/ant hill/g.png", f"{folder}/ant hill/g")  # its bytes tell, not its name
    for name in (".hidden", "cat/.DS_Store"):
        with open(os.path.join(folder, name), "w") as file:
            file.write("no picture")
    with imported(folder) as file:
        equal([name.decode() for name in file["table/ids"]], sorted(expected), "ids")
        equal([name.decode() for name in file["targets"]], [name.split("/")[0] for name in sorted(expected)], "targets")
        equal(file["inputs"].shape, (7, 10, 12, 3), "one grey picture among coloured ones is coloured")
        for row, name in zip(file["inputs"], sorted(expected)):
            pixels = expected[name] if expected[name].ndim == 3 else numpy.repeat(expected[name][..., None], 3, 2)
            check(numpy.array_equal(row, pixels), name)


def grey_pictures_have_one_channel():
    folder = path("grey")
    pixels = [save(f"{folder}/{i}.png", picture(5, 7)) for i in range(3)]
    with imported(folder) as file:
        check("targets" not in file, "no class folders, no targets")
        check(numpy.array_equal(file["inputs"][..., 0], numpy.stack(pixels)), "grey values")


def sizes_are_made_one():
    folder = path("sizes")
    for i, (height, width) in enumerate([(40, 60), (33, 20), (8, 8), (16, 16), (100, 31)]):
        save(f"{folder}/{i}.png", picture(height, width, 3))
    refused(folder, "1.png: 33x20 pixels", "0.png has 40x60", "--size")
    for size, (height, width) in (("16", (16, 16)), ("16x12", (16, 12)), ("9x30", (9, 30))):
        with imported(folder, "--size", size) as file:
            equal(file["inputs"].shape, (5, height, width, 3), size)
            for i, row in enumerate(file["inputs"]):
                image = Image.open(f"{folder}/{i}.png")
                scale = min(image.height / height, image.width / width)
                left, top = max(0, image.width - width * scale) / 2, max(0, image.height - height * scale) / 2
                box = (left, top, min(image.width, left + width * scale), min(image.height, top + height * scale))
                pillow = numpy.asarray(image.resize((width, height), Image.BILINEAR, box=box)).astype(int)
                # At the borders of the part that is kept Pillow looks no further; we do.
                inner = (slice(2, -2), slice(2, -2))
                check(abs(pillow - row)[inner].max() <= 2, f"{size}, picture {i}: {abs(pillow - row)[inner].max()}")
    for size in ("0", "16x", "x", "16x16x3", "-4", "1e3", "99999"):
        refused(folder, "--size", f"found '{size}'", options=("--size", size))


def what_cannot_be_read_is_named():
    save(path("bad/a/fine.png"), picture(6, 6))
    bad = path("bad/a/bad.png")

    def with_bytes(data, *texts):
        with open(bad, "wb") as file:
            file.write(data)
        refused(path("bad"), "bad.png", *texts)
        os.remove(bad)

    with open(path("bad/a/fine.png"), "rb") as file:
        png = file.read()
    save(path("x/x.jpg"), picture(64, 64, 3))
    with open(path("x/x.jpg"), "rb") as file:
        jpeg = file.read()
    with_bytes(b"", "neither PNG nor JPEG")
    with_bytes(b"GIF89a" + bytes(100), "neither PNG nor JPEG")
    for cut in (9, 30, len(png) // 2, len(png) - 5):
        with_bytes(png[:cut])
    with_bytes(png[:50] + bytes([png[50] ^ 255]) + png[51:])
    for cut in (4, 200, len(jpeg) // 2, len(jpeg) - 2):
        with_bytes(jpeg[:cut])
    for image, text in ((Image.fromarray(picture(6, 6, 3)).convert("CMYK"), "CMYK"),
                        (Image.new("RGBA", (6, 6), (1, 2, 3, 128)), "transparent"),
                        (Image.fromarray(numpy.full((6, 6), 300, "uint16")), "16 bits")):
        image.save(bad, format="JPEG" if text == "CMYK" else "PNG")
        refused(path("bad"), "bad.png", text)
        os.remove(bad)
    os.mkfifo(bad)
    refused(path("bad"), "bad.png", "neither a file nor a folder")
    os.remove(bad)
    os.makedirs(path("bad/b"))
    refused(path("bad"), "/b: a class folder without a picture")
    os.makedirs(path("bad/b/c"))
    refused(path("bad"), "/b/c: a folder inside a class folder")
    os.rmdir(path("bad/b/c"))
    os.rmdir(path("bad/b"))
    save(path("bad/b.png"), picture(6, 6))
    refused(path("bad"), "files and class folders side by side")
    os.remove(path("bad/b.png"))
    os.symlink(path("bad"), path("bad/a/loop"))
    refused(path("bad"), "loop")
    os.makedirs(path("empty"))
    refused(path("empty"), "no picture in it")
    refused(path("nowhere"), "nowhere")
    refused(path("bad/a/fine.png"), "fine.png")


CONFIG = """
data:
  train: images FOLDER/train --size 8
  test: images FOLDER/test --size 8
task: classification
model: [flatten, linear: {units: 3}]
train: {epochs: 30, batch: 8}
optimizer: {name: adam, learning_rate: 0.02}
"""


def a_folder_trains_and_predicts():
    """Three classes by where it is bright; the test folder has two of them. A picture that is added is read the next time."""
    folder = path("real")
    for part, classes in (("train", ("top", "middle", "low")), ("test", ("middle", "low"))):
        for name in classes:
            for i in range(8):
                pixels = random.integers(0, 30, (8, 8, 3)).astype("uint8")
                pixels[{"top": 0, "middle": 3, "low": 6}[name]:][:2] += 200
                save(f"{folder}/{part}/{name}/{i}.png", pixels)
    with open(path("folders.yaml"), "w") as file:
        file.write(CONFIG.replace("FOLDER", folder))
    found = train(path("folders.yaml"), path("run"))
    check(found["test"]["accuracy"] > 0.9, found["test"])
    call("predict", path("run"), "--data", f"images {folder}/test --size 8", "--out", path("p.csv"))
    with open(path("p.csv")) as file:
        lines = file.read().splitlines()
    check(any("low/7.png" in line for line in lines) and len(lines) == 17, lines[:3])
    shown = call("data", "info", f"images {folder}/test --size 8").stdout
    check("samples  16 in 1 file" in shown and "'low'" in shown and "'middle'" in shown, shown)
    save(f"{folder}/test/middle/new.png", numpy.full((8, 8, 3), 130, "uint8"))
    call("predict", path("run"), "--data", f"images {folder}/test --size 8", "--out", path("q.csv"))
    with open(path("q.csv")) as file:
        check("middle/new.png" in file.read(), "a new picture is not in the cached import")


for scenario in (every_kind_of_file, grey_pictures_have_one_channel, sizes_are_made_one, what_cannot_be_read_is_named,
                 a_folder_trains_and_predicts):
    scenario()
