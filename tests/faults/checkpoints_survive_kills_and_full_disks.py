"""Kills a program that commits a checkpoint at, or fails, each of its system calls in turn.

After each fault the newest intact checkpoint is the old or the new one, complete, and the old one's
predecessor is there unless the new one is; nothing that is damaged has a checkpoint's name. A trace shows the order that no kill can show: every file is
fsynced before the rename, and the parent after it. Usage: ... WRITER
"""
import collections
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile

SYSCALLS = ["mkdir", "openat", "write", "fsync", "close", "rename", "unlink", "rmdir"]
FAULTS = {"kill": "signal=SIGKILL", "full": "error=ENOSPC", "broken": "error=EIO"}
ENVIRONMENT = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")  # the leak checker cannot run under strace


def save_command(writer, run):
    return [writer, "save", run, "3", "2", "2"]


def make_run(writer, run):
    os.mkdir(run)
    for step in ("1", "2"):
        subprocess.run([writer, "save", run, step, "3", "2"], check=True, env=ENVIRONMENT)


def strace(run, arguments, command):
    return subprocess.run(["strace", "-f", "-y", "-s", "0", "-o", run + ".trace", *arguments, *command],
                          env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def trace_calls(writer, folder):
    """[(system call, which one of its kind, line)] of those that touch the run, in order; nothing fails."""
    run = os.path.join(folder, "traced")
    make_run(writer, run)
    done = strace(run, ["-e", "trace=" + ",".join(SYSCALLS)], save_command(writer, run))
    assert done.returncode == 0, done.stdout
    counts = collections.Counter()
    calls = []
    for line in open(run + ".trace"):
        found = re.match(r"\d+\s+(\w+)\(", line)
        if found:
            counts[found[1]] += 1
            if run in line:
                calls.append((found[1], counts[found[1]], line))
    return calls


def check_order(calls):
    """Each file is fsynced after its last write, the folder after its last file, all before the rename that
    commits; the parent after it."""
    lines = [line for _, _, line in calls]
    commit = next(i for i, line in enumerate(lines)
                  if " rename(" in line and "/tmp-" in line and "/step-0000000003" in line)
    written, synced = {}, {}
    for i, line in enumerate(lines[:commit]):
        found = re.match(r"\d+\s+(\w+)\(\d+<([^>]*)>", line)
        if found and found[1] == "write":
            written[found[2]] = i
        if found and found[1] == "fsync":
            synced[found[2]] = i
    assert {os.path.basename(path) for path in written} == {
        "shard-00000-of-00002.h5", "shard-00001-of-00002.h5", "index.h5", "manifest"}, written
    for path, i in written.items():
        assert synced.get(path, -1) > i, f"{path} is not fsynced before the rename"
    assert max(written, key=written.get).endswith("/manifest"), "the manifest is not written last"
    folder = os.path.dirname(next(iter(written)))
    assert synced.get(folder, -1) > max(written.values()), f"{folder} is not fsynced before the rename"
    assert " fsync(" in lines[commit + 1] or " fsync(" in lines[commit + 2], lines[commit:commit + 3]
    after = next(line for line in lines[commit:] if " fsync(" in line)
    assert "/checkpoints>" in after, f"the parent is not fsynced after the rename: {after}"


def inject(writer, run, call, number, fault):
    """One fault; returns a complaint or None."""
    make_run(writer, run)
    done = strace(run, ["-e", f"trace={call}", "-e", f"inject={call}:{FAULTS[fault]}:when={number}"],
                  save_command(writer, run))
    if fault == "kill" and done.returncode != -9 and done.returncode != 137:
        return f"was not killed: {done.returncode} {done.stdout}"
    if done.returncode not in (0, 3, -9, 137):
        return f"ended with {done.returncode}: {done.stdout}"
    stderr_works = "+" not in str(number) or call != "write"
    if done.returncode == 3 and stderr_works and not re.search(r"cannot|No space|Input/output", done.stdout):
        return f"does not say why: {done.stdout}"
    steps = sorted(int(name[5:]) for name in os.listdir(run + "/checkpoints") if name.startswith("step-"))
    checked = subprocess.run([writer, "check", run], env=ENVIRONMENT, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)
    newest = checked.stdout.strip()
    if checked.returncode != 0 or newest not in ("2", "3"):
        return f"then the newest is: {checked.stdout}"
    if done.returncode == 0 and newest != "3":
        return f"reported success, but the newest is {newest}"
    if not set(steps) >= ({2, 3} if newest == "3" else {1, 2}):
        return f"left only {steps}"
    left = [name for name in os.listdir(run + "/checkpoints") if name.startswith("tmp-")]
    if done.returncode == 3 and left and call not in ("unlink", "rmdir"):
        return f"left {left} behind"
    shutil.rmtree(run)
    os.unlink(run + ".trace")
    return None


def faults_of(calls):
    for call, number, _ in calls:
        for fault in FAULTS:
            yield call, number, fault
        if call in ("write", "fsync"):
            yield call, f"{number}+", "full"  # and it stays full


def main():
    writer = os.path.abspath(sys.argv[1])
    if not shutil.which("strace"):
        sys.exit("strace is not installed; ./bootstrap installs it")
    with tempfile.TemporaryDirectory() as folder:
        calls = trace_calls(writer, folder)
        check_order(calls)
        jobs = list(faults_of(calls))
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            complaints = list(pool.map(
                lambda i: inject(writer, os.path.join(folder, f"run{i}"), *jobs[i]), range(len(jobs))))
    failed = [f"{fault} at {call} {number}: {complaint}"
              for (call, number, fault), complaint in zip(jobs, complaints) if complaint]
    print(f"{len(jobs)} faults, {len(failed)} violations")
    if failed:
        sys.exit("\n".join(failed))


main()
