"""A real Slurm of two nodes on this machine, from Debian's packages slurm-wlm and munge; for root only.

Both nodes are daemons of this machine (`slurmd -N`), each with two cores, also where it has only two. Everything is private:
configuration, key, sockets and logs are in one folder, the daemons listen on the loopback interface, the names of the nodes are
known to them alone (an /etc/hosts of their own), and they end with the process that started them, however it ends. Outside is
only the link /run/slurm/conf, where a client without SLURM_CONF looks: Snakemake's job step takes SLURM_* variables away.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

CONF = Path("/run/slurm/conf")
NODES = ("node1", "node2")
CORES = min(2, os.cpu_count() or 1)
_NAME = "dheads-tests"
_CONTROLLER, _NODE = "slurmctld", "slurmd"
_CONFIGURATION = """
ClusterName={name}
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
# cred_expire is also how long a job waits that goes back into the queue; the default is two minutes.
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CredType=cred/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmctldPort={ports[0]}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
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
NodeName=DEFAULT CPUs={cores} RealMemory={megabytes} Gres=gpu:2 State=UNKNOWN
NodeName=node1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]}
NodeName=node2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]}
PartitionName=main Nodes=node[1-2] Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
PartitionName=gpus Nodes=node[1-2] MaxTime=1440 State=UP OverSubscribe=NO
"""


def missing() -> str:
    """Why it cannot be started here, "" where it can. Removes what a killed test left."""
    if os.geteuid():
        return "only root can start a Slurm"
    absent = [name for name in ("munged", _CONTROLLER, _NODE, "srun", "sbatch", "unshare") if not shutil.which(name)]
    if absent:
        return f"{', '.join(absent)} not found: apt-get install slurm-wlm munge"
    remove_stale(CONF)
    return f"{CONF} exists: another Slurm is here" if os.path.lexists(CONF) else ""


def remove_stale(link: Path) -> None:
    """Remove the link that a killed test left: to a configuration of these tests or to nothing, while no Slurm runs."""
    if not link.is_symlink() or _runs(_CONTROLLER) or _runs(_NODE):
        return
    configuration = link / "slurm.conf"
    if not configuration.exists() or f"ClusterName={_NAME}\n" in configuration.read_text(encoding="utf-8"):
        _remove(link)


def _remove(link: Path) -> None:
    link.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # something else is in its folder
        link.parent.rmdir()


@contextlib.contextmanager
def two_nodes(folder: Path) -> Iterator[dict[str, str]]:
    """Start it in an empty folder; inside, its environment variables. Raises RuntimeError when a node does not come up."""
    _write_configuration(folder)
    environment = {"SLURM_CONF": str(folder / "etc/slurm.conf")}
    everything = os.environ | environment
    munged = ["munged", "--foreground", "--force", f"--key-file={folder}/etc/munge.key"]
    munged += [f"--socket={folder}/munge.socket", f"--pid-file={folder}/munged.pid"]
    munged += [f"--log-file={folder}/munged.log", f"--seed-file={folder}/seed"]
    own_hosts = f'mount --bind "{folder}/etc/hosts" /etc/hosts && exec "$@"'
    nodes = [["unshare", "--mount", "sh", "-c", own_hosts, "sh", _NODE, "-c", "-D", "-N", name] for name in NODES]
    CONF.parent.mkdir(exist_ok=True)
    CONF.symlink_to(folder / "etc")
    with contextlib.ExitStack() as stack:
        stack.callback(_remove, CONF)
        _start(munged, everything, stack)
        _wait(folder, "munged", (folder / "munge.socket").exists)
        for command in ([_CONTROLLER, "-c", "-D"], *nodes):
            _start(command, everything, stack)
        _wait(
            folder,
            _CONTROLLER,
            lambda: _answer(everything, "sinfo", "-h", "-N", "-p", "main", "-o", "%T") == 2 * ["idle"],
        )
        try:
            yield environment
        finally:
            subprocess.run(["scancel", "--user=root"], env=everything, check=False, timeout=30)
            _wait(
                folder, "cancelled jobs", lambda: not _answer(everything, "squeue", "-h", "-t", "R,PD,CG", "-o", "%i")
            )


def completed_jobs(folder: Path) -> list[dict[str, str]]:
    """Accounting lines of the jobs that ended, oldest first: JobId, JobState, TimeLimit, NodeList, Tres ..."""
    path = folder / "completed.txt"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [dict(word.split("=", 1) for word in line.split() if "=" in word) for line in lines]


def _write_configuration(folder: Path) -> None:
    for name in ("etc", "state"):
        (folder / name).mkdir(parents=True)
    for path in (folder, folder / "etc"):
        path.chmod(0o755)
    host = socket.gethostname().split(".")[0]
    megabytes = int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**20 * 0.9)
    text = _CONFIGURATION.format(
        name=_NAME, host=host, folder=folder, ports=_free_ports(3), cores=CORES, megabytes=megabytes
    )
    (folder / "etc/slurm.conf").write_text(text, encoding="utf-8")
    # GPUs that Slurm counts and no one has: jobs that ask for them run on the CPU.
    (folder / "etc/gres.conf").write_text("Name=gpu File=/dev/null\nName=gpu File=/dev/zero\n", encoding="utf-8")
    hosts = Path("/etc/hosts").read_text(encoding="utf-8")
    (folder / "etc/hosts").write_text(f"{hosts}\n127.0.0.1 {' '.join(NODES)}\n", encoding="utf-8")
    key = folder / "etc/munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as opened:
        sockets = [opened.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _start(command: list[str], environment: dict[str, str], stack: contextlib.ExitStack) -> None:
    """Start a daemon in the foreground; the stack ends it, and the kernel does when this process is killed."""
    silent = subprocess.DEVNULL
    # The C library is loaded before the fork.
    prctl, death_signal = ctypes.CDLL(None).prctl, 1
    daemon = subprocess.Popen(
        command, env=environment, stdin=silent, stdout=silent, stderr=silent, start_new_session=True,
        preexec_fn=lambda: prctl(death_signal, signal.SIGTERM),
    )  # fmt: skip
    stack.callback(_end, daemon)


def _end(daemon: subprocess.Popen) -> None:
    daemon.terminate()
    try:
        daemon.wait(timeout=20)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()


def _wait(folder: Path, what: str, done) -> None:
    deadline = time.monotonic() + 30
    while not done():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what}: not ready after 30 s; logs are in {folder}")
        time.sleep(0.2)


def _answer(environment: dict[str, str], *command: str) -> list[str]:
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30).stdout.split()


def _runs(name: str) -> bool:
    """Whether a process of this name runs, other than as a zombie."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            comm, _, rest = status.read_text(encoding="utf-8", errors="replace").partition("(")[2].rpartition(") ")
            if comm == name and not rest.startswith("Z"):
                return True
    return False
