"""Slurm with one node on this machine, of its own configuration, ports and folder.

The node has the cores and the memory of the machine, as slurmd finds them, and GPUs that are links to
/dev/null.  It is in two partitions, of which one is meant for jobs with a GPU.  Nothing outside of the folder
is touched.  It needs the distribution's packages (`apt-get install slurm-wlm munge`) and root, since its
daemons start jobs as the user who submits them.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
COMMANDS = ("sbatch", "squeue", "scancel", "scontrol", "sinfo", "srun", "sacct", "sacctmgr", "sdiag")

#: Of the node; Slurm names them in CUDA_VISIBLE_DEVICES of the jobs that it gives them to.
GPUS = 2

# Memory is counted once a second and a job that has more than it asked for is ended: what a cluster does with
# cgroups, which need an init system.
_CONFIG = """\
ClusterName=sisr
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={root}/munge.socket
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,sched_min_interval=1,batch_sched_delay=0,bf_interval=1
GresTypes=gpu
ReturnToService=2
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool
SlurmctldPidFile={root}/slurmctld.pid
SlurmdPidFile={root}/slurmd.pid
SlurmctldLogFile={root}/slurmctld.log
SlurmdLogFile={root}/slurmd.log
SlurmctldPort={controller}
SlurmdPort={daemon}
MinJobAge=600
KillWait=2
InactiveLimit=0
{hardware} NodeAddr=127.0.0.1 Gres=gpu:{gpus} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=2-0 State=UP OverSubscribe=NO
PartitionName=gpu Nodes={host} MaxTime=2-0 State=UP OverSubscribe=NO
"""

# The Slurm plugin waits ten seconds more each time that nothing has ended; jobs here take seven in all.  So
# its question is answered when something has ended that it was not told of yet, or after twenty seconds.
_PATIENT_SQUEUE = """\
#!/bin/sh
export SLURM_CONF={root}/slurm.conf
told={root}/told-$(echo "$*" | cksum | cut -d' ' -f1)
ended() {{ {program} "$@" | grep -Ev 'CONFIGURING|COMPLETING|PENDING|RUNNING'; }}
case "$*" in *--name*)
  touch "$told"
  for _ in $(seq 100); do
    [ "$(ended "$@")" = "$(cat "$told")" ] || break
    sleep 0.2
  done
  ended "$@" >"$told.new"
  mv "$told.new" "$told"
esac
exec {program} "$@"
"""


def missing() -> str:
    """Why there can be no Slurm here; empty if there can."""
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
    absent = [name for name in (*DAEMONS, "sbatch", "squeue") if shutil.which(name, path=path) is None]
    if absent:
        return f"no {', '.join(absent)}: apt-get install slurm-wlm munge"
    if os.geteuid() != 0:
        return "Slurm's daemons need root"
    return ""


@dataclass(frozen=True)
class Submission:
    """What Slurm says of a job; ended ones are remembered for ten minutes."""

    id: int
    state: str
    name: str
    #: The Slurm plugin names the rule here.
    comment: str
    #: What it was given: memory as in ``60M``, and time as in ``1:00``.
    memory: str
    limit: str
    cores: int
    partition: str
    #: Why it is pending.
    reason: str
    #: Seconds since 1970; 0 where it did not start, or end.
    start: float
    end: float
    folder: Path

    @property
    def active(self) -> bool:
        return self.state in ("RUNNING", "PENDING", "COMPLETING", "SUSPENDED", "CONFIGURING")


@dataclass(frozen=True)
class OneNodeSlurm:
    """A running cluster; ``bin`` comes first in PATH, its commands know the cluster's configuration."""

    root: Path
    host: str

    @property
    def bin(self) -> Path:
        return self.root / "bin"

    @property
    def memory(self) -> int:
        """Of the node, in MB."""
        return int(self.call("sinfo", "-h", "-p", "main", "-o", "%m"))

    @classmethod
    def start(cls, root: Path) -> OneNodeSlurm:
        """Start the daemons; returns when the node takes jobs."""
        cluster = cls(root, socket.gethostname().partition(".")[0])
        for folder in ("state", "spool", "bin"):
            (root / folder).mkdir(parents=True)
        root.chmod(0o755)
        (root / "slurm.conf").write_text(
            _CONFIG.format(
                root=root,
                host=cluster.host,
                hardware=_hardware(),
                gpus=GPUS,
                controller=_free_port(),
                daemon=_free_port(),
            )
        )
        for number in range(GPUS):
            (root / f"nvidia{number}").symlink_to("/dev/null")
        (root / "gres.conf").write_text(f"Name=gpu File={root}/nvidia[0-{GPUS - 1}]\n")
        for command in COMMANDS:
            program = shutil.which(command)
            # The plugin takes SLURM_CONF out of the environment of jobs, so each command sets it.
            wrapper = cluster.bin / command
            wrapper.write_text(
                f'#!/bin/sh\nexport SLURM_CONF={root}/slurm.conf\nexec {program or "false"} "$@"\n'
            )
            if command == "squeue":
                wrapper.write_text(_PATIENT_SQUEUE.format(root=root, program=program))
            wrapper.chmod(0o755)
        key = root / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        cluster._daemon(
            "munged",
            f"--key-file={key}",
            f"--socket={root}/munge.socket",
            f"--pid-file={root}/munged.pid",
            f"--log-file={root}/munged.log",
            f"--seed-file={root}/munge.seed",
            "--num-threads=2",
            "--force",
        )
        cluster._daemon("slurmctld", "-c")
        cluster._daemon("slurmd", "-c")
        cluster.wait_for("idle")
        return cluster

    def _daemon(self, name: str, *arguments: str) -> None:
        program = shutil.which(name) or f"/usr/sbin/{name}"
        environment = {**os.environ, "SLURM_CONF": str(self.root / "slurm.conf")}
        subprocess.run([program, *arguments], env=environment, check=True, timeout=60)

    def wait_for(self, state: str, seconds: float = 60) -> None:
        """Wait until the node is in a state, as ``sinfo`` abbreviates it."""
        deadline = time.monotonic() + seconds
        while (now := self.call("sinfo", "-h", "-o", "%t").strip()) != state:
            log = (self.root / "slurmctld.log").read_text()[-2000:]
            assert time.monotonic() < deadline, f"the node is '{now}', not '{state}':\n{log}"
            time.sleep(0.1)

    def node(self, state: str) -> None:
        """What an administrator does: ``DRAIN`` (no new jobs), ``DOWN`` (its jobs are lost) or ``RESUME``."""
        self.call("scontrol", "update", f"NodeName={self.host}", f"State={state}", "Reason=test")

    def call(self, command: str, *arguments: str) -> str:
        """What a command of Slurm prints; empty where it failed."""
        done = subprocess.run(
            [self.bin / command, *arguments], capture_output=True, text=True, check=False, timeout=60
        )
        return done.stdout

    def run(self, program: Path, *arguments: str) -> str:
        """What a program prints that calls Slurm's commands."""
        environment = os.environ | {"PATH": f"{self.bin}:{os.environ['PATH']}"}
        return subprocess.run(
            [program, *arguments], capture_output=True, text=True, check=True, timeout=60, env=environment
        ).stdout

    def jobs(self, folder: Path | None = None) -> list[Submission]:
        """Every job so far, or those that were submitted from a folder, in order."""
        lines = self.call(
            "squeue", "-h", "-t", "all", "-o", "%A|%T|%j|%k|%m|%l|%C|%P|%r|%S|%e|%Z"
        ).splitlines()
        found = []
        for line in lines:
            job, *about, cores, partition, reason, start, end, submitted = line.split("|")
            if folder in (None, Path(submitted)):
                span = [datetime.fromisoformat(t).timestamp() if t[0].isdigit() else 0 for t in (start, end)]
                found.append(
                    Submission(int(job), *about, int(cores), partition, reason, *span, Path(submitted))
                )
        return sorted(found, key=lambda job: job.id)

    def cancel(self, folder: Path | None = None) -> int:
        """End all jobs, or those of a folder, and wait until they are gone; returns how many there were."""
        deadline = time.monotonic() + 60
        ended = set()
        while active := [str(job.id) for job in self.jobs(folder) if job.active]:
            assert time.monotonic() < deadline, active
            if not ended.issuperset(active):
                self.call("scancel", "--signal=KILL", "--full", *active)
                self.call("scancel", *active)
                ended.update(active)
            time.sleep(0.1)
        return len(ended)

    def freeze(self, job: int) -> None:
        """Stop every process of a running job, which then hangs."""
        mark = f"SLURM_JOB_ID={job}".encode()
        stopped: set[int] = set()
        while found := {process for process in _processes_with(mark) if process not in stopped}:
            for process in found:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGSTOP)
            stopped |= found
        assert stopped, f"job {job} has no process"

    def stop(self) -> None:
        """End the daemons that were started, by their process ids."""
        self.cancel()
        for name in reversed(DAEMONS):
            try:
                os.kill(int((self.root / f"{name}.pid").read_text()), 15)
            except (OSError, ValueError):
                continue


def _processes_with(variable: bytes) -> list[int]:
    """Processes that were started with a variable in their environment, as ``NAME=value``."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if variable in entry.read_bytes().split(b"\0"):
                found.append(int(entry.parent.name))
    return found


def _hardware() -> str:
    """What this machine has, as a line of the configuration: ``NodeName=... CPUs=... RealMemory=...``."""
    program = shutil.which("slurmd") or "/usr/sbin/slurmd"
    return subprocess.run([program, "-C"], capture_output=True, text=True, check=True).stdout.splitlines()[0]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
