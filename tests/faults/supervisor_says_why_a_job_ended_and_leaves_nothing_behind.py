"""Every way for a rank, mpirun or the launcher to end gives its exit code and text, and afterwards no process and
no shared-memory file of the job is left. Usage: ... FAKE_WORKER"""
import atexit
import glob
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid

PROGRAM = os.path.abspath(sys.argv[1])
PLACE = tempfile.TemporaryDirectory()
DONE, INVALID, SYSTEM, DIVERGED, LOST, LOCKED, STOPPED = 0, 2, 3, 5, 6, 7, 75


os.environ["ASAN_OPTIONS"] = "detect_leaks=0"  # what MPI leaks is not what this is about


class Job:
    def __init__(self, ranks, *mode, **environment):
        self.mark = str(uuid.uuid4())
        self.folder = tempfile.TemporaryDirectory()
        self.ranks = ranks
        self.said = ""  # of stderr, what was read before its end
        self.process = subprocess.Popen(
            [PROGRAM, "launch", self.folder.name, str(ranks), *map(str, mode)], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, start_new_session=True,
            env=dict(os.environ, LOCKSTEP_TEST_MARK=self.mark, **environment))
        atexit.register(self.process.kill)

    def wait_until_running(self):
        line = self.process.stdout.readline()
        assert line == "running\n", (line, self.process.stderr.read())
        deadline = time.time() + 20
        while not all(self.pid_of(rank) for rank in range(self.ranks)) and time.time() < deadline:
            time.sleep(0.01)

    def wait_until_caught(self, number):
        """Until the launcher no longer dies of the signal."""
        deadline = time.time() + 20
        while time.time() < deadline:
            with open(f"/proc/{self.process.pid}/status") as file:
                caught = next(int(line.split()[1], 16) for line in file if line.startswith("SigCgt"))
            if caught >> (number - 1) & 1:
                return
            time.sleep(0.001)
        raise AssertionError(f"signal {number} is not caught")

    def wait_until_said(self, text):
        while text not in self.said:
            more = os.read(self.process.stderr.fileno(), 65536).decode()
            assert more, (text, self.said)
            self.said += more

    def pid_of(self, rank):
        try:
            with open(f"{self.folder.name}/ranks/rank-{rank}.json") as file:
                return json.load(file)["pid"]
        except (FileNotFoundError, json.JSONDecodeError):
            return None

    def processes(self):
        """pid -> command of what carries our mark, zombies left out."""
        found = {}
        for path in glob.glob("/proc/[0-9]*"):
            try:
                with open(path + "/environ", "rb") as file:
                    ours = self.mark.encode() in file.read()
                with open(path + "/cmdline", "rb") as file:
                    if ours:
                        found[int(os.path.basename(path))] = file.read().split(b"\0")
            except OSError:
                pass
        return found

    def mpirun(self):
        return next(pid for pid, words in self.processes().items()
                    if os.path.basename(words[0]) in (b"mpirun", b"prterun"))  # of Open MPI 4 and 5

    def scratch(self):
        """The folder of the job's shared-memory files, out of mpirun's environment."""
        with open(f"/proc/{self.mpirun()}/environ", "rb") as file:
            words = dict(word.split(b"=", 1) for word in file.read().split(b"\0") if b"=" in word)
        return words[b"OMPI_MCA_btl_vader_backing_directory"].decode()

    def end(self, code, *texts, seconds=40, lines=6, without=()):
        out, err = self.process.communicate(timeout=seconds)
        err = self.said + err
        assert self.process.returncode == code, (self.process.returncode, code, out, err)
        for text in texts:
            assert text in err, (text, err)
        for text in without:
            assert text not in err, (text, err)
        if not texts:
            assert err == "", err
        assert len(err.splitlines()) <= lines, err
        self.nothing_left()

    def nothing_left(self, seconds=0.0):
        deadline = time.time() + seconds
        while self.processes() and time.time() < deadline:
            time.sleep(0.02)
        assert not self.processes(), self.processes()
        self.folder.cleanup()


def ranks_end_by_themselves():
    Job(3, "done").end(DONE)
    Job(1, "done").end(DONE)
    Job(2, "invalid").end(INVALID)
    Job(2, "silent").end(LOCKED)
    Job(3, "abort", 2).end(DIVERGED)
    Job(40, "done").end(DONE)  # from 32 ranks on mpirun would use threads


def ranks_die():
    advice = "run the same command again"
    Job(3, "kill", 1).end(LOST, "rank 1 died after step 3, while training: killed by signal 9 (Killed)", advice)
    Job(2, "crash", 0).end(LOST, "rank 0 died after step 3", "signal 6", advice, lines=30)  # with Open MPI's backtrace
    Job(2, "exit", 1).end(LOST, "rank 1 died after step 3, while training: exit code 7", advice)
    Job(2, "exit0", 1).end(LOST, "rank 1 died after step 3", advice)


def a_signal_means_checkpoint_then_stop():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGHUP):
        job = Job(2, "endless")
        job.wait_until_running()
        job.process.send_signal(number)
        job.end(STOPPED, "saving a checkpoint, then stopping")
    for delay in (0, 0.03, 0.07, 0.2):  # before any rank listens
        job = Job(2, "endless")
        job.wait_until_caught(signal.SIGTERM)
        time.sleep(delay)
        job.process.send_signal(signal.SIGTERM)
        job.end(STOPPED, "saving a checkpoint, then stopping")


def a_closed_terminal_is_one_signal_however_often_it_comes():
    """The kernel sends it, then the shell; a service manager sends it right behind SIGTERM."""
    job = Job(2, "endless")
    job.wait_until_running()
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGHUP):
        job.process.send_signal(number)
    job.end(STOPPED, "saving a checkpoint, then stopping", without=["ended at once"])
    job = Job(2, "endless", LS_TEST_NOHUP="1")
    job.wait_until_running()
    job.process.send_signal(signal.SIGHUP)
    time.sleep(0.7)
    assert job.process.poll() is None, "nohup was not minded"
    job.process.send_signal(signal.SIGTERM)
    job.end(STOPPED, "stopping")


def a_second_signal_ends_at_once_even_a_frozen_rank():
    job = Job(2, "freeze", 1)
    job.wait_until_running()
    time.sleep(0.3)
    job.process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert job.process.poll() is None
    begin = time.time()
    job.process.send_signal(signal.SIGINT)
    job.end(LOST, "ended at once, as asked", seconds=6)
    assert time.time() - begin < 5


def a_second_signal_takes_nothing_from_what_is_saved():
    job = Job(2, "linger")
    job.wait_until_running()
    job.process.send_signal(signal.SIGTERM)
    time.sleep(0.8)
    job.process.send_signal(signal.SIGTERM)
    job.end(STOPPED, "saving a checkpoint, then stopping", seconds=6, without=["ended at once"])


def nothing_survives_the_death_of_any_process():
    for number in range(3):
        for victim in ("launcher", "mpirun", "rank"):
            job = Job(3, "endless")
            job.wait_until_running()
            time.sleep(0.11 * number)
            pid = {"launcher": job.process.pid, "mpirun": job.mpirun(), "rank": job.pid_of(number)}[victim]
            os.kill(pid, signal.SIGKILL)
            if victim == "launcher":
                job.process.communicate(timeout=5)
                job.nothing_left(seconds=0.7)  # by themselves ranks notice after one second
            elif victim == "mpirun":
                job.end(LOST, "mpirun died: killed by signal 9 (Killed)", seconds=2)
            else:
                job.end(LOST, f"rank {number} died after step", seconds=4)
    job = Job(2, "freeze", 1)  # a stopped process too
    job.wait_until_running()
    time.sleep(0.3)
    os.kill(job.process.pid, signal.SIGKILL)
    job.process.communicate(timeout=5)
    job.nothing_left(seconds=2)


def mpirun_that_ends_with(text):
    """A program in mpirun's place; returns its path."""
    path = os.path.join(tempfile.mkdtemp(prefix="lockstep-test-", dir=PLACE.name), "mpirun")
    with open(path, "w") as file:
        file.write("#!/bin/sh\n" + text + "\n")
    os.chmod(path, 0o755)
    return path


def what_cannot_start_is_explained():
    Job(2, "done", FAKE_MPIRUN="/nowhere/mpirun").end(
        SYSTEM, "cannot start /nowhere/mpirun: No such file or directory; is Open MPI installed?")
    Job(2, "done", FAKE_MPIRUN="/bin/true").end(
        SYSTEM, "no rank has started; mpirun ended: exit code 0\n", "the command was: /bin/true -n 2 ")
    Job(2, "done", FAKE_MPIRUN="/bin/false").end(SYSTEM, "no rank has started; mpirun ended: exit code 1\n")
    for code in (255, 243, 132):  # of mpirun itself: no signal
        Job(2, "done", FAKE_MPIRUN=mpirun_that_ends_with(f"exit {code}")).end(
            SYSTEM, f"no rank has started; mpirun ended: exit code {code}\n", without=["killed", "signal"])
    # Of two ranks one starts.
    Job(2, "done", FAKE_MPIRUN=mpirun_that_ends_with(f"exec mpirun -n 1 {PROGRAM} worker \"$5\" done; exit 213")).end(
        LOST, "rank 1 of 2 never started; mpirun ended: exit code 0", without=["killed"])


def mpirun_says_why_itself():
    text = "-" * 74 + "\nNothing is there:\n\n  of all\n" + "-" * 74
    twice = mpirun_that_ends_with(f"cat >&2 <<E\n{text}\n{text}\nE\nexit 1")
    Job(2, "done", FAKE_MPIRUN=twice).end(
        SYSTEM, "no rank has started; mpirun ended: exit code 1; it says\n    Nothing is there:\n      of all\nthe command")
    wordy = mpirun_that_ends_with(f"cat >&2 <<E\n{text}\nE\nexec mpirun \"$@\"")
    Job(2, "done", FAKE_MPIRUN=wordy).end(DONE)  # not a word of it
    log = "[vm:12298] [[23796,0],0] ORTE_ERROR_LOG: Data unpack would read past end of buffer\n[vm:9] PMIX ERROR: LOST"
    noted = mpirun_that_ends_with(f"cat >&2 <<E\n{log}\nE\nexec mpirun \"$@\"")
    Job(3, "abort", 2, FAKE_MPIRUN=noted).end(DIVERGED)  # Open MPI 4.1 now and then really says so
    noted = mpirun_that_ends_with(f"cat >&2 <<E\n[a b] of a rank\n[a] [\n{log}\n{log}\nE\nexit 1")
    first, second = log.split("\n")
    Job(2, "done", FAKE_MPIRUN=noted).end(
        SYSTEM, "[a b] of a rank\n[a] [\nlockstep", f"it says\n    {first}\n    {second}\nthe command")
    job = Job(1, "done", FAKE_MPIRUN_ARGUMENTS="--hostfile /nowhere/hosts")
    job.end(SYSTEM, "/nowhere/hosts", "no rank has started", lines=30)


def a_job_that_makes_no_step():
    """Said after a second, when all have been asked three times, ended after ten."""
    # A script in mpirun's place would die of the question.
    stopped = Job(3, "stop", 1, FAKE_STALL_SECONDS="1", FAKE_MPIRUN=mpirun_that_ends_with('mpirun "$@"\nexit $?'))
    resumed = Job(2, "stop", 0, FAKE_STALL_SECONDS="1")
    resumed.wait_until_running()
    busy = Job(3, "compute", 2, FAKE_STALL_SECONDS="1")
    late = Job(1, "done", FAKE_STALL_SECONDS="1", FAKE_MPIRUN=mpirun_that_ends_with('sleep 5; exec mpirun "$@"'))
    resumed.wait_until_said("the job is ended if")
    os.kill(resumed.pid_of(0), signal.SIGCONT)
    resumed.end(DONE, "no step for", "rank 0 (process", "is stopped by a signal (SIGSTOP)", "1 other waits for it (MPI_",
                "the job is ended if that lasts 10 s (launcher.stall_seconds)", "the job goes on, after")
    late.end(DONE, "no rank has begun after", "--mca btl_tcp_if_include")
    stopped.end(LOST, "rank 1 (process", "is stopped by a signal", "2 others wait for it",
                "the job was ended, since it made no step for 10 s", "run the same command again", lines=16)
    busy.wait_until_said("computes, or reads or writes a file\n2 others wait for it (MPI_")
    assert busy.process.poll() is None  # what computes is named, and left alone: it may be a long step
    for number in (signal.SIGTERM, signal.SIGTERM):
        busy.process.send_signal(number)
        time.sleep(0.2)
    busy.end(LOST, "rank 2 (process", "computes, or reads or writes a file\n2 others wait for it (MPI_", "ended at once",
             without=["the job is ended"], lines=30)


def an_mpirun_that_stays_after_its_ranks():
    """Open MPI 4.1 can wait for ever for a rank that was killed while it connected. Both take 12 s."""
    unseen = Job(2, "done", FAKE_MPIRUN=mpirun_that_ends_with("sleep 0.5; exec sleep 600"))
    done = Job(1, "done", FAKE_MPIRUN=mpirun_that_ends_with('mpirun "$@"; exec sleep 600'))
    return lambda: (unseen.end(LOST, "rank 0 died: mpirun did not end after it and was killed", "run the same command"),
                    done.end(DONE))


def the_reader_of_the_output_may_go():
    job = Job(2, "done")
    job.process.stdout.close()
    job.process.stderr.close()
    assert job.process.wait(20) == DONE
    job.nothing_left()


def children_of_before_are_spared():
    """`sleep & exec lockstep`: the sleep is our child, but not of our job."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["sh", "-c", f"sleep 60 >/dev/null 2>&1 & echo $!; exec {PROGRAM} launch {folder} 1 done"],
                              stdout=subprocess.PIPE, text=True, check=True)
        os.kill(int(done.stdout.split()[0]), signal.SIGTERM)  # raises if it is gone


def a_dead_launchers_files_are_removed_by_the_next():
    alive, dead = Job(2, "endless"), Job(2, "endless")
    for job in (alive, dead):
        job.wait_until_running()
        assert glob.glob(job.scratch() + "/*_segment.*"), "MPI's files lie elsewhere"
    folders = alive.scratch(), dead.scratch()
    os.kill(dead.process.pid, signal.SIGKILL)
    dead.process.communicate(timeout=5)
    dead.nothing_left(seconds=2)
    Job(1, "done").end(DONE)
    assert [os.path.exists(folder) for folder in folders] == [True, False]
    assert glob.glob(folders[0] + "/*_segment.*"), "the living one lost its files"
    alive.process.send_signal(signal.SIGTERM)
    alive.end(STOPPED, "stopping")
    assert not os.path.exists(folders[0])


def main():
    stuck = an_mpirun_that_stays_after_its_ranks()
    for scenario in (ranks_end_by_themselves, ranks_die, a_signal_means_checkpoint_then_stop,
                     a_closed_terminal_is_one_signal_however_often_it_comes,
                     mpirun_says_why_itself, the_reader_of_the_output_may_go,
                     a_second_signal_ends_at_once_even_a_frozen_rank,
                     a_second_signal_takes_nothing_from_what_is_saved,
                     nothing_survives_the_death_of_any_process, what_cannot_start_is_explained,
                     children_of_before_are_spared, a_job_that_makes_no_step, a_dead_launchers_files_are_removed_by_the_next):
        begin = time.time()
        scenario()
        print(f"{scenario.__name__}: {time.time() - begin:.1f} s", flush=True)
    stuck()


main()
