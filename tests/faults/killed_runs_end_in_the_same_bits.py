"""SIGKILL of a worker, of mpirun or of the launcher at random moments, then the same command again on another
number of ranks: it continues from the newest commit, and the end is that of a run that was never interrupted.

  killed_runs_end_in_the_same_bits.py KILLS [CASE [SEED]]

Cases: mlp; gan (two phases, two optimisers); gpt, lstm (windows over a text); vae (two terms)."""
import os
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import lockstep

CASE = sys.argv[2] if len(sys.argv) > 2 else "mlp"
if CASE == "mlp":
    CONFIG = lockstep.config("fashion-mnist-mlp")
    SETTINGS = dict(lockstep.fashion_subset("kill", 4000, 200), train__epochs=20, train__batch=96, log__every_steps=7,
                    checkpoint__every_steps=10)
elif CASE == "gan":
    CONFIG = lockstep.config("fashion-mnist-dcgan")
    SETTINGS = dict(lockstep.fashion_subset("kill", 480, 64), train__epochs=6, train__batch=32, log__every_steps=7,
                    checkpoint__every_steps=10)
elif CASE == "vae":
    CONFIG = lockstep.config("mnist-vae")
    SETTINGS = dict(train__steps_max=200, log__every_steps=7, checkpoint__every_steps=10)
else:
    CONFIG = lockstep.config("shakespeare-" + CASE)
    SETTINGS = dict(train__steps_max=120, data__split="[0.99, 0.01, 0]", log__every_steps=7, checkpoint__every_steps=10)
    if CASE == "lstm":
        SETTINGS.update(train__batch=16, train__steps_max=60, checkpoint__every_steps=4)


def victim(launcher, kind, dice):
    """The pid to kill; None while there is none."""
    if kind == "launcher":
        return launcher.pid
    found = lockstep.children(launcher.pid)
    others = [pid for pid in found if os.path.basename(lockstep.command_line(pid)[0:1][0] if lockstep.command_line(pid) else "") in ("mpirun", "orterun")]
    chosen = lockstep.workers(launcher.pid) if kind == "worker" else others
    return dice.choice(chosen) if chosen else None


def kill_once(run, ranks, kind, dice, wait):
    """Starts, waits for the moment, kills. Returns whether the run was still going."""
    words = lockstep.command("train", CONFIG, "-n", ranks, "--out", run, **SETTINGS)
    launcher = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait(launcher)
    pid = victim(launcher, kind, dice) if launcher.poll() is None else None
    everyone = lockstep.children(launcher.pid)
    if pid is None:
        launcher.wait(300)
        return launcher.returncode != 0
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:  # it ended in between
        launcher.wait(300)
        return launcher.returncode != 0
    code = launcher.wait(60)
    lockstep.wait_until(lambda: not any(map(lockstep.alive, everyone)), 10, "every process of the job is gone")
    lockstep.check(kind == "launcher" or code != 0 or os.path.exists(os.path.join(run, "result.json")),
                   f"{kind} was killed, and the launcher ended with {code}")
    return True


def main(kills, seed):
    dice = random.Random(seed)
    print(f"seed {seed}: {kills} kills")
    undisturbed = lockstep.path("undisturbed")
    expected = lockstep.train(CONFIG, undisturbed, 2, **SETTINGS)
    run, number = lockstep.path("killed-0"), 0
    done = 0
    while done < kills:
        kind = dice.choice(("worker", "mpirun", "launcher"))
        ranks = dice.randint(1, 4)
        before = lockstep.committed(run)
        if done == 0:  # before the first checkpoint: as soon as there is something to kill
            wait = lambda launcher: lockstep.wait_until(
                lambda: launcher.poll() is not None or victim(launcher, kind, random.Random(0)), 30, "a process to kill")
        elif done % 2:  # some time after it has committed something, however slow the machine is
            delay = dice.uniform(0, 0.5)
            wait = lambda launcher: (lockstep.wait_until(
                lambda: launcher.poll() is not None or lockstep.committed(run) > before, 120, "a commit"), time.sleep(delay))
        else:
            delay = dice.uniform(0.2, 2.5)
            wait = lambda launcher: time.sleep(delay)
        if not kill_once(run, ranks, kind, dice, wait):  # it had ended: the next kill needs another run
            finish(run, undisturbed, expected, dice)
            number += 1
            run = lockstep.path(f"killed-{number}")
            continue
        done += 1
        print(f"kill {done}: {kind} on {ranks} ranks, committed before {before}, after {lockstep.committed(run)}")
    finish(run, undisturbed, expected, dice)


def finish(run, undisturbed, expected, dice):
    newest = lockstep.committed(run)
    ended = os.path.exists(os.path.join(run, "result.json"))
    result = lockstep.train(CONFIG, run, dice.randint(1, 4), **SETTINGS)
    if not ended:
        lockstep.equal(result["resumed_from_step"], newest, "resumed_from_step")
    lockstep.check("train" in expected and ("test" in expected or "validation" in expected), "nothing was measured")
    for key in ("status", "steps", "epochs", "parameters_digest", "test", "validation", "train"):
        lockstep.equal(result.get(key), expected.get(key), key)
    lockstep.equal(lockstep.metrics(run), lockstep.metrics(undisturbed), "metrics.jsonl")
    print(f"ended in {result['parameters_digest']} after resuming from step {newest}")


main(int(sys.argv[1]), int(sys.argv[3]) if len(sys.argv) > 3 else random.SystemRandom().randrange(1 << 32))
