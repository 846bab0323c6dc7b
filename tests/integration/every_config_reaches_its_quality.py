"""Trains a config of configs/ as it is: it must reach what benchmarks/quality asks of it, in the time that it gives."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import lockstep

sys.exit(subprocess.call([os.path.join(lockstep.SOURCE, "benchmarks/quality"), *sys.argv[1:]],
                         env={**os.environ, "LOCKSTEP": lockstep.PROGRAM}))
