"""docs/models.md is what docs/make_models makes of today's configs and program."""
import itertools
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import lockstep

made = subprocess.run([os.path.join(lockstep.SOURCE, "docs/make_models"), lockstep.PROGRAM, "--print"],
                      capture_output=True, text=True)
lockstep.equal(made.returncode, 0, f"exit code of docs/make_models ({made.stderr})")
with open(os.path.join(lockstep.SOURCE, "docs/models.md")) as file:
    lines = itertools.zip_longest(file.read().splitlines(), made.stdout.splitlines())
    for number, (is_line, be_line) in enumerate(lines, 1):
        lockstep.equal(is_line, be_line, f"docs/models.md:{number} (docs/make_models writes it again)")
