"""The layers of the design: core knows no MPI and no files, dist and io never meet, each foreign header has one folder,
OpenMP one file."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import lockstep

MAY_INCLUDE = {"core": {"core"}, "dist": {"core", "dist"}, "io": {"core", "io"},
               "launcher": {"core", "dist", "io", "launcher"}}
ONE_FOLDER = {"mpi.h": "dist/", "hdf5.h": "io/", "png.h": "io/", "cblas.h": "core/tensor/", "yaml.h": "launcher/config/",
              "uv.h": "launcher/supervisor/", "omp.h": "core/base/", "onnx.pb-c.h": "launcher/onnx/"}
# Inside core, each folder includes what stands before it.
CORE = ["base", "tensor", "ops", "graph", "layers", "tasks", "models", "optim", "explain"]
OUT_OF_LINE = {"optim": CORE[:4] + ["optim"]}
found = 0
for top in MAY_INCLUDE:
    for folder, _, files in os.walk(os.path.join(lockstep.SOURCE, top)):
        for name in files:
            if not name.endswith((".c", ".h")):
                continue
            path = os.path.relpath(os.path.join(folder, name), lockstep.SOURCE)
            with open(os.path.join(lockstep.SOURCE, path)) as file:
                for number, line in enumerate(file, 1):
                    own = re.match(r'#include "(\w+)/', line)
                    foreign = re.match(r"#include <([\w./-]+)>", line)
                    found += bool(own)
                    if own:
                        lockstep.check(own[1] in MAY_INCLUDE[top], f"{path}:{number}: {top} includes {own[1]}")
                        inner = re.match(r'#include "core/(\w+)/', line)
                        if top == "core" and inner:
                            here = path.split("/")[1]
                            may = OUT_OF_LINE.get(here, CORE[:CORE.index(here) + 1])
                            lockstep.check(inner[1] in may, f"{path}:{number}: core/{here} includes core/{inner[1]}")
                    elif foreign and foreign[1] in ONE_FOLDER:
                        lockstep.check(path.startswith(ONE_FOLDER[foreign[1]]),
                                       f"{path}:{number}: {foreign[1]} belongs to {ONE_FOLDER[foreign[1]]} only")
                    elif line.startswith("#pragma omp"):
                        lockstep.equal(path, "core/base/parallel.c", "the file that uses OpenMP")
                    elif line.startswith("#include"):
                        lockstep.check(own or foreign or "version_generated" in line or re.match(r'#include "\w+\.h"', line),
                                       f"{path}:{number}: an include that this test cannot read: {line.strip()}")
lockstep.check(found > 300, f"only {found} includes found: is this the source tree?")
