"""index.h5 shows every tensor under its name, with the values that the shards hold, wherever the folder lies."""
import os
import subprocess
import sys
import tempfile

import h5py
import numpy

EXPECTED = {
    "head.weight": (20, 70), "head.bias": (70,), "stage1.block0.conv1.weight": (3, 3, 4, 140),
    "stage1.block0.norm.mean": (40,), "embedding.table": (1000, 24), "standardise.offset": (3,),
}
FIXED = {"standardise.offset"}  # what is never updated has no state


def assemble(folder, ranks, array, name):
    """The tensor, put together from the shards by their attributes alone."""
    whole = None
    for rank in range(ranks):
        with h5py.File(f"{folder}/shard-{rank:05d}-of-{ranks:05d}.h5", "r") as shard:
            for piece in shard.get(f"{array}/{name}", {}).values():
                axis, first, count = (int(piece.attrs[key]) for key in ("axis", "first", "count"))
                if whole is None:
                    whole = numpy.full(piece.attrs["shape"], numpy.nan, "f4")
                assert piece.dtype == numpy.dtype("<f4") and piece.shape[axis] == count, piece
                where = [slice(None)] * whole.ndim
                where[axis] = slice(first, first + count)
                whole[tuple(where)] = piece[()]
    return whole


def check(folder, ranks):
    with h5py.File(f"{folder}/index.h5", "r") as index:
        for array in ("parameters", "optimizer/moment1"):
            expected = {name: shape for name, shape in EXPECTED.items() if array == "parameters" or name not in FIXED}
            assert set(index[array]) == set(expected), sorted(index[array])
            for name, shape in expected.items():
                shown = index[f"{array}/{name}"]
                assert shown.shape == shape and shown.dtype == numpy.dtype("<f4"), (name, shown)
                values = shown[()]
                assert not numpy.isnan(values).any(), f"{array}/{name} has gaps"
                assert values.std() > 0.1 or values.size < 10, f"{array}/{name} has no values"
                assembled = assemble(folder, ranks, array, name)
                assert values.tobytes() == assembled.tobytes(), f"{array}/{name} differs"


def main():
    writer = sys.argv[1]
    with tempfile.TemporaryDirectory() as temporary:
        run = os.path.join(temporary, "run")
        os.mkdir(run)
        os.chdir("/")  # the index must find its shards by its own place, not by ours
        for step, ranks in ((1, 1), (2, 3), (3, 4)):
            subprocess.run([writer, "save", run, str(step), str(ranks), "4"], check=True)
            check(f"{run}/checkpoints/step-{step:010d}", ranks)
        moved = os.path.join(temporary, "moved")
        os.rename(f"{run}/checkpoints/step-0000000002", moved)
        check(moved, 3)
        os.unlink(f"{moved}/shard-00001-of-00003.h5")
        with h5py.File(f"{moved}/index.h5", "r") as index:
            table = index["parameters/embedding.table"][()]
            assert numpy.isnan(table).any() or numpy.isnan(
                index["parameters/stage1.block0.conv1.weight"][()]).any(), "a missing shard must show"


main()
