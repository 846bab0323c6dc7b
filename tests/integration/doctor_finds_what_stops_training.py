"""doctor: a healthy machine, then one without mpirun, with a wrong data folder, with a cache that cannot be written."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import lockstep


def doctor(expect=0, **environment):
    before = dict(os.environ)
    os.environ.update(LOCKSTEP_DATA=lockstep.path(), LOCKSTEP_CACHE=lockstep.path("cache", "below"))
    os.environ.update(environment)
    text = lockstep.call("doctor", "--json", expect=expect, timeout=60).stdout
    os.environ.clear()
    os.environ.update(before)
    return {line["check"]: line for line in map(json.loads, text.splitlines())}


found = doctor()
for check in ("instruction set", "cores", "speed", "memory", "huge pages", "shared memory", "MPI", "mpirun", "OpenBLAS",
              "HDF5", "oneDNN", "LOCKSTEP_DATA", "cache", "Fashion-MNIST"):
    lockstep.check(found[check]["state"] in ("ok", "note") and found[check]["text"], f"{check}: {found.get(check)}")
lockstep.check(not os.path.exists(lockstep.path("cache")), "doctor made the cache folder")

with open(lockstep.path("file"), "w"):
    pass
for check, code, environment in (("mpirun", 3, {"PATH": lockstep.path()}),
                                 ("LOCKSTEP_DATA", 2, {"LOCKSTEP_DATA": lockstep.path("nowhere")}),
                                 ("cache", 3, {"LOCKSTEP_CACHE": lockstep.path("file", "below")})):
    found = doctor(expect=code, **environment)
    lockstep.equal([name for name, line in found.items() if line["state"] == "problem"], [check], f"with {environment}")

lines = lockstep.call("doctor").stdout.splitlines()
lockstep.check(all(line.split()[0] in ("ok", "note") for line in lines), lines)
