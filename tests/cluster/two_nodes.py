"""A real Slurm of one node on this machine, from Debian's packages slurm-wlm and munge; for root only.

Everything is private: configuration, key, sockets and logs are in one folder, and the daemons listen on the loopback interface.
Outside of it is only the link /run/slurm/conf, where a client without SLURM_CONF looks: Snakemake's job step takes SLURM_*
variables away.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

CONF = Path("/run/slurm/conf")
DAEMONS = ("munged", "slurmctld", "slurmd")
_CONFIGURATION = """
ClusterName=onenode
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
# cred_expire is also how long a job waits that goes back into the queue; the default is two minutes.
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CredType=cred/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
# Neither cgroups nor systemd nor a database is needed. Finished jobs stay visible to squeue for MinJobAge seconds.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SwitchType=switch/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/completed.txt
MinJobAge=3600
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=512
GresTypes=gpu
ReturnToService=2
KillWait=5
SchedulerParameters=sched_interval=1,bf_interval=2,batch_sched_delay=0
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={megabytes} Gres=gpu:2 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
PartitionName=gpus Nodes={host} MaxTime=1440 State=UP OverSubscribe=NO
"""


def missing() -> str:
    """Why it cannot be started here, "" where it can."""
    if os.geteuid():
        return "only root can start a Slurm"
    absent = [name for name in (*DAEMONS, "srun", "sbatch") if not shutil.which(name)]
    if absent:
        return f"{', '.join(absent)} not found: apt-get install slurm-wlm munge"
    return f"{CONF} exists: another Slurm is here" if os.path.lexists(CONF) else ""


@contextlib.contextmanager
def one_node(folder: Path) -> Iterator[dict[str, str]]:
    """Start it in an empty folder; inside, its environment variables. Raises RuntimeError when its node does not come up."""
    _write_configuration(folder)
    environment = {"SLURM_CONF": str(folder / "etc/slurm.conf")}
    CONF.parent.mkdir(exist_ok=True)
    CONF.symlink_to(folder / "etc")
    try:
        everything = os.environ | environment
        munged = ["munged", "--force", f"--key-file={folder}/etc/munge.key", f"--socket={folder}/munge.socket"]
        munged += [f"--pid-file={folder}/munged.pid", f"--log-file={folder}/munged.log", f"--seed-file={folder}/seed"]
        for command in (munged, ["slurmctld", "-c"], ["slurmd", "-c"]):
            subprocess.run(command, env=everything, check=True, capture_output=True)
        _wait_for_node(everything, folder)
        yield environment
    finally:
        for name in reversed(DAEMONS):
            _end(folder / f"{name}.pid")
        CONF.unlink()


def completed_jobs(folder: Path) -> list[dict[str, str]]:
    """Accounting lines of the jobs that ended, oldest first: JobId, JobState, TimeLimit, Tres ..."""
    path = folder / "completed.txt"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [dict(word.split("=", 1) for word in line.split() if "=" in word) for line in lines]


def _write_configuration(folder: Path) -> None:
    for name in ("etc", "state", "spool"):
        (folder / name).mkdir(parents=True)
    for path in (folder, folder / "etc"):
        path.chmod(0o755)
    host = socket.gethostname().split(".")[0]
    megabytes = int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**20 * 0.9)
    text = _CONFIGURATION.format(
        host=host, folder=folder, ports=_free_ports(2), cores=os.cpu_count(), megabytes=megabytes
    )
    (folder / "etc/slurm.conf").write_text(text, encoding="utf-8")
    # GPUs that Slurm counts and no one has: jobs that ask for them run on the CPU.
    (folder / "etc/gres.conf").write_text("Name=gpu File=/dev/null\nName=gpu File=/dev/zero\n", encoding="utf-8")
    key = folder / "etc/munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as opened:
        sockets = [opened.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _wait_for_node(environment: dict[str, str], folder: Path) -> None:
    for _ in range(60):
        answer = subprocess.run(["sinfo", "-h", "-o", "%T"], env=environment, capture_output=True, text=True)
        if answer.stdout.split()[:1] == ["idle"]:
            return
        time.sleep(0.5)
    raise RuntimeError(f"the node did not become idle: {folder}/slurmctld.log")


def _end(pid_file: Path) -> None:
    """End a daemon that was started here, by its process id."""
    if not pid_file.is_file():
        return
    number = int(pid_file.read_text())
    with contextlib.suppress(ProcessLookupError):
        os.kill(number, signal.SIGTERM)
        for _ in range(100):
            os.kill(number, 0)
            if Path(f"/proc/{number}/stat").read_text().split(") ")[1].startswith("Z"):
                return
            time.sleep(0.1)
