"""Trains a config of configs/ as it is and holds its test metric against what its comment promises.

  every_config_reaches_its_accuracy.py NAME METRIC LEAST [MINUTES]

METRIC is one of the test part, or PART.METRIC; one that is better below is held against -LEAST."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import lockstep

name, metric, least = sys.argv[1], sys.argv[2], float(sys.argv[3])
minutes = float(sys.argv[4]) if len(sys.argv) > 4 else 60
result = lockstep.train(lockstep.config(name), lockstep.path(name), min(2, os.cpu_count()), timeout=minutes * 60)
part, _, metric = metric.rpartition(".")
value = result[part or "test"][metric]
print(f"{name}: {metric} {value:.4f} after {result['seconds']:.1f} s of training")
# Training of the GPT ends after a number of steps, in the middle of an epoch.
lockstep.equal(result["status"], "stopped" if name == "shakespeare-gpt" else "done", "status")
if metric.endswith("loss"):
    lockstep.check(value <= -least, f"{metric} {value}, expected at most {-least}")
else:
    lockstep.check(value >= least, f"{metric} {value}, expected at least {least}")
