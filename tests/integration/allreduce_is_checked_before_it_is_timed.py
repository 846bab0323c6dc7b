"""lockstep bench allreduce: a line for each size, from sums that the program has checked, with shared memory or without."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import lockstep

for ranks, arguments, sharing in ((1, (), 1), (2, (), 2), (3, (), 3), (2, ("--messages",), 1)):
    text = lockstep.call("bench", "allreduce", "-n", ranks, "--seconds", 0.02, *arguments).stdout
    lines = [json.loads(line) for line in text.splitlines()]
    lockstep.equal([line["bytes"] for line in lines], [2**20, 2**22, 2**24, 2**26], f"sizes on {ranks} ranks")
    for line in lines:
        lockstep.equal((line["ranks"], line["ranks_sharing"]), (ranks, sharing), f"ranks in {line}")
        lockstep.check(line["ordered_us"] > 0 and line["mpi_allreduce_us"] > 0 and line["repeats"] >= 5, str(line))

wrong = lockstep.call("bench", "allreduce", "--sizes", "3", expect=2).stderr
lockstep.check("--sizes" in wrong, wrong)
