"""Two hosts made of network namespaces, joined by a wire: 2 + 1 and 2 + 2 ranks, of which those of a host share memory,
end in the bits of one host; and a host with next to no shared memory says so and ends in them, too.

Needs root: namespaces, and a mount of its own. Without it CMake does not register this."""
import atexit
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import lockstep

HOSTS = [f"ls{os.getpid()}{letter}" for letter in "ab"]
NET = "10.77.0"
SETTINGS = lockstep.fashion_subset("hosts", 600, 100)
SETTINGS.update(train__epochs=1, train__steps_max=6, log__every_steps=1)
CONFIG = lockstep.config("fashion-mnist-mlp")


def shell(command):
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    lockstep.check(done.returncode == 0, f"{command}\nended with {done.returncode}: {done.stderr}")


def remove_hosts():
    for host in HOSTS:
        subprocess.run(["ip", "netns", "delete", host], stderr=subprocess.DEVNULL)


def make_hosts():
    atexit.register(remove_hosts)
    for host in HOSTS:
        shell(f"ip netns add {host} && ip -n {host} link set lo up")
    wires = [host + "w" for host in HOSTS]
    shell(f"ip link add {wires[0]} netns {HOSTS[0]} type veth peer name {wires[1]} netns {HOSTS[1]}")
    for i, host in enumerate(HOSTS):
        shell(f"ip -n {host} addr add {NET}.{i + 1}/24 dev {wires[i]} && ip -n {host} link set {wires[i]} up")


def on_first_host(words, expect=0):
    """Runs a command there, under the host's own name."""
    words = ["ip", "netns", "exec", HOSTS[0], "unshare", "--uts", "sh", "-c", 'hostname "$0"; exec "$@"', HOSTS[0], *words]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=200)
    lockstep.check(done.returncode == expect, f"{' '.join(words)}\nended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def mpirun_arguments(first, second):
    """What mpirun needs to start the second host's ranks, in place of ssh."""
    agent = lockstep.path("agent.sh")
    with open(agent, "w") as file:
        file.write('#!/bin/sh\nhost=$1; shift\nexec ip netns exec "$host" unshare --uts '
                   'sh -c \'hostname "$0"; exec sh -c "$*"\' "$host" "$@"\n')
    os.chmod(agent, 0o755)
    return (f"--mca plm_rsh_agent {agent} --mca plm_rsh_no_tree_spawn 1 --mca oob_tcp_if_include {NET}.0/24 "
            f"--mca btl_tcp_if_include {NET}.0/24 --mca btl self,vader,tcp --mca pml ob1 --mca mpi_yield_when_idle 1 "
            f"--bind-to none --oversubscribe --host {HOSTS[0]}:{first},{HOSTS[1]}:{second}")


def found(run):
    result = lockstep.result(run)
    return result["parameters_digest"], lockstep.metrics(run)


def little_memory(size, run):
    """Two ranks on one host whose /dev/shm has that size; returns what they printed."""
    words = lockstep.command("train", CONFIG, "-n", 2, "--out", run, **SETTINGS)
    words = ["unshare", "--mount", "sh", "-c", f'mount -t tmpfs -o size={size} tmpfs /dev/shm && exec "$@"', "sh", *words]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=200)
    lockstep.check(done.returncode == 0, f"{' '.join(words)}\nended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stderr


one = lockstep.path("one")
lockstep.train(CONFIG, one, 1, **SETTINGS)
expected = found(one)

text = little_memory("64m", lockstep.path("64m"))
lockstep.equal(text, "", "what a run says in a container's 64 MB")
lockstep.equal(found(lockstep.path("64m")), expected, "bits with 64 MB of shared memory")
text = little_memory("16m", lockstep.path("16m"))
lockstep.equal(text, "", "what a run says whose shared files lie in TMPDIR")
lockstep.equal(found(lockstep.path("16m")), expected, "bits with 16 MB of shared memory")
text = little_memory("20m", lockstep.path("20m"))  # enough for MPI's own files alone
lockstep.check("exchange messages" in text and "--shm-size" in text and len(text.splitlines()) == 1,
               f"with 20 MB of shared memory a run says '{text}'")
lockstep.equal(found(lockstep.path("20m")), expected, "bits with 20 MB of shared memory")

make_hosts()
for first, second in ((2, 1), (2, 2), (1, 2)):
    arguments = mpirun_arguments(first, second)
    words = ["env", "OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1", "mpirun", "-n", str(first + second),
             *arguments.split(), lockstep.PROGRAM, "bench", "allreduce", "--worker", "--seconds", "0.02"]
    for line in on_first_host(words).stdout.splitlines():
        lockstep.equal(json.loads(line)["ranks_sharing"], first, f"ranks that share the first host's memory in {line}")
    run = lockstep.path(f"{first}-{second}")
    on_first_host(lockstep.command("train", CONFIG, "-n", first + second, "--out", run,
                                   launcher__mpirun_arguments=arguments, **SETTINGS))
    lockstep.equal(lockstep.result(run)["world_size"], first + second, "world_size")
    lockstep.equal(found(run), expected, f"bits on {first} + {second} ranks of two hosts")
    print(f"{first} + {second} ranks: {expected[0]}")
