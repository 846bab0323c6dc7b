"""docs/lockstep.sbatch under a real SLURM: two nodes that both are this machine; a job that is asked to stop before its time is
over saves, is queued again, goes on, and ends in the bits of a run without SLURM.

Root only, and Debian's slurm-wlm; without them CMake does not register this."""
import atexit
import os
import shutil
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import lockstep

CONFIG = lockstep.config("fashion-mnist-mlp")
SETTINGS = dict(lockstep.fashion_subset("slurm", 6000, 200), train__epochs=150, checkpoint__every_steps=100)
PLACE = lockstep.path("slurm")


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def start(words):
    with open(os.path.join(PLACE, "output"), "a") as log:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def end():
        process.terminate()
        process.wait(20)
    atexit.register(end)


def make_cluster():
    ports = free_ports(3)
    for name in ("state", "spool-n1", "spool-n2"):
        os.makedirs(os.path.join(PLACE, name))
    host = socket.gethostname()
    with open(os.path.join(PLACE, "slurm.conf"), "w") as file:
        file.write(f"""
ClusterName=lockstep
SlurmctldHost={host}(127.0.0.1)
AuthType=auth/none
AuthInfo=cred_expire=5
CredType=cred/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SlurmUser=root
SlurmdUser=root
SlurmctldPort={ports[0]}
StateSaveLocation={PLACE}/state
SlurmdSpoolDir={PLACE}/spool-%n
SlurmctldPidFile={PLACE}/slurmctld.pid
SlurmdPidFile={PLACE}/%n.pid
SlurmdParameters=config_overrides
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
NodeName=n[1-2] NodeHostname={host} NodeAddr=127.0.0.1 Port=[{ports[1]},{ports[2]}] CPUs=2
PartitionName=all Nodes=n[1-2] Default=YES State=UP
""")
    os.environ["SLURM_CONF"] = os.path.join(PLACE, "slurm.conf")
    start(["slurmctld", "-D"])
    for node in ("n1", "n2"):
        start(["slurmd", "-D", "-N", node])
    lockstep.wait_until(lambda: call("sinfo", "-h", "-o", "%t").split() == ["idle"], 60, "two idle nodes")


def call(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else ""


def said():
    path = os.path.join(PLACE, "job")
    return open(path).read() if os.path.exists(path) else ""


undisturbed, run = lockstep.path("undisturbed"), lockstep.path("run")
expected = lockstep.train(CONFIG, undisturbed, 2, **SETTINGS)
make_cluster()
# Two nodes that are one machine: Open MPI would bind both ranks to its first core.
os.environ.update(LOCKSTEP=lockstep.PROGRAM, OMPI_MCA_hwloc_base_binding_policy="none")
words = [word for key, value in SETTINGS.items() for word in ("--set", f"{key.replace('__', '.')}={value}")]
job = call("sbatch", "--parsable", "--nodes=2", "--ntasks-per-node=1", "--output", os.path.join(PLACE, "job"),
           os.path.join(lockstep.SOURCE, "docs/lockstep.sbatch"), CONFIG, "--out", run, *words).strip()
lockstep.check(job, "sbatch took no job")
lockstep.wait_until(lambda: os.path.isdir(run + "/checkpoints") and os.listdir(run + "/checkpoints"), 60, "a checkpoint")
call("scancel", "--signal=USR1", "--batch", job)
lockstep.wait_until(lambda: "stopped after" in said(), 60, "the end of its first start")
lockstep.check("saving a checkpoint, then stopping" in said(), said())
lockstep.wait_until(lambda: "done after" in said(), 120, f"its second start; the queue is\n{call('squeue')}")
lockstep.check("continuing from step" in said(), said())
lockstep.wait_until(lambda: "COMPLETED" in call("scontrol", "show", "job", job), 30, "the job's end")
for key in ("status", "steps", "parameters_digest", "test"):
    lockstep.equal(lockstep.result(run)[key], expected[key], f"{key} of a run that SLURM queued again")
