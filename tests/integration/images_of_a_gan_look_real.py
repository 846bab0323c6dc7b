"""Trains the classifier of Fashion-MNIST and the GAN as their configs are, and lets the one judge the other."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import lockstep

ranks, runs = min(2, os.cpu_count()), {}
for name, minutes in ("fashion-mnist-cnn", 10), ("fashion-mnist-dcgan", 30):
    runs[name] = lockstep.path(name)
    result = lockstep.train(lockstep.config(name), runs[name], ranks, timeout=minutes * 60)
    lockstep.equal(result["status"], "done", name)
judge = os.path.join(lockstep.SOURCE, "benchmarks/judge_images")
judged = subprocess.run([judge, runs["fashion-mnist-dcgan"], runs["fashion-mnist-cnn"], "--distance", "0.3"],
                        stdin=subprocess.DEVNULL, capture_output=True, text=True)
print(judged.stdout)
lockstep.equal(judged.returncode, 0, "judge_images:\n" + judged.stdout + judged.stderr)
