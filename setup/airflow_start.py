"""Starts Airflow on this machine: SQLite, LocalExecutor, a home of its own, bound to loopback.

Run by `make airflow` with the Python of `.venv-airflow`. Four processes (API server with the pages,
scheduler, DAG processor, triggerer), each in a group of its own, each started again when it dies;
Ctrl-C or SIGTERM ends them all. `airflow standalone` would do nearly this, but it serves task logs
to the whole network and leaves a dead process dead.

Environment: ONESOURCE_AIRFLOW_HOME (`.cache/airflow`), ONESOURCE_AIRFLOW_PORT (8080), and what
the jobs know (ONESOURCE_LAKE, ONESOURCE_INBOX, …). AIRFLOW__… that are already set hold.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).resolve().parent))

from telling import SetupError, say

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
PASSWORDS = "simple_auth_manager_passwords.json.generated"
# Without these every process draws its own, and refuses what the others signed.
SECRETS = {
    "AIRFLOW__API_AUTH__JWT_SECRET": 48,
    "AIRFLOW__API__SECRET_KEY": 48,
    # Fernet wants 32 bytes in URL-safe base64.
    "AIRFLOW__CORE__FERNET_KEY": 32,
}
COMPONENTS = {
    "api-server": ["api-server"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}
_READY_SECONDS = 180
_GRACE_SECONDS = 30
# A process that dies again and again is not started for ever.
_MOST_DEATHS, _WITHIN_SECONDS = 5, 300


def home() -> Path:
    return Path(os.environ.get("ONESOURCE_AIRFLOW_HOME") or ROOT / ".cache" / "airflow").absolute()


def port() -> int:
    return int(os.environ.get("ONESOURCE_AIRFLOW_PORT") or 8080)


def settings() -> dict[str, str]:
    """Airflow's settings for one machine; those that are set already go first."""
    address = f"http://127.0.0.1:{port()}"
    wanted = {
        "AIRFLOW_HOME": str(home()),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        # A task may be a Spark of some gigabytes: four at a time, not the 32 that are usual.
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__AUTH_MANAGER": "airflow.api_fastapi.auth.managers.simple."
        "simple_auth_manager.SimpleAuthManager",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home() / PASSWORDS),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home()}/airflow.db",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port()),
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__INSTANCE_NAME": "OneSource 一源",
        # Contracts change seldom; parsing all of them every half minute would keep a core busy.
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "120",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        # A task whose process is gone is tried again after a minute and a half, not five: on one
        # machine a heartbeat that fails is no slow network.
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "90",
        # A scheduler that a busy machine keeps from its heartbeat would else take itself for dead,
        # and its own tasks from itself, again and again. A dead one we see ourselves.
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "300",
    }
    wanted |= json.loads((home() / "secrets.json").read_text())
    return {**wanted, **{k: v for k, v in os.environ.items() if k in wanted}}


def prepare() -> None:
    """Makes or updates the database, the pools that the DAGs use, and a sector's folder in the
    inbox. Runs in Airflow's settings."""
    from airflow.models import Pool
    from airflow.utils import db
    from airflow.utils.session import create_session
    from onesource_airflow import places
    from onesource_airflow.building import pool_of

    db.initdb()
    forget_schedulers()
    made = places.schedules()
    wanted = {pool_of(g.name): f"one writer a table: {g.name_zh}" for g in made.sectors}
    wanted |= {
        pool_of("registries"): "one writer a table: 基础库",
        pool_of("open"): "one release at a time",
        pool_of("lake"): "one upkeep at a time",
    }
    for sector in made.sectors:
        (places.inbox() / sector.name).mkdir(parents=True, exist_ok=True)
    with create_session() as session:
        for name, words in wanted.items():
            Pool.create_or_update_pool(name, 1, words, include_deferred=False, session=session)


def forget_schedulers() -> None:
    """Marks every scheduler as ended, so that the next takes over at once what they left undone.

    Only while none runs: `start.lock` sees to it that this is the only one who starts any.
    """
    from airflow.jobs.job import Job, JobState
    from airflow.utils.session import create_session
    from sqlalchemy import update

    with create_session() as session:
        left = (Job.job_type == "SchedulerJob", Job.state == JobState.RUNNING)
        session.execute(update(Job).where(*left).values(state=JobState.FAILED))


def own_home() -> Path:
    """Makes Airflow's home, closed to others, and a password that nobody knows, once."""
    place = home()
    place.mkdir(parents=True, exist_ok=True)
    place.chmod(0o700)
    _once(place / PASSWORDS, lambda: {"admin": secrets.token_urlsafe(18)})
    _once(place / "secrets.json", lambda: {name: _key(n) for name, n in SECRETS.items()})
    return place / PASSWORDS


def _once(path: Path, content: Callable[[], dict[str, str]]) -> None:
    """Makes a file that only this user can read, unless it is there."""
    if not path.exists():
        part = path.with_name(f"{path.name}.{os.getpid()}")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as f:
            f.write(json.dumps(content()) + "\n")
        part.replace(path)
    path.chmod(0o600)


def _key(size: int) -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(size)).decode()


class Component:
    """One process of Airflow, started again when it dies."""

    def __init__(self, name: str, arguments: list[str], env: dict[str, str]) -> None:
        self.name, self.env = name, env
        self.command = [str(BIN / "airflow"), *arguments]
        self.log = home() / "logs" / f"{name}.log"
        self.deaths: list[float] = []
        self.start()

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=self.env,
                cwd=home(),
                start_new_session=True,
            )

    def look(self) -> None:
        """Starts it again if it is dead. Raises SetupError when it dies too often."""
        code = self.process.poll()
        if code is None:
            return
        # What it had started (workers, their tasks) goes first: a task that is tried again would
        # else wait for the lake's locks behind its former self.
        for pid in of_session(self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        now = time.monotonic()
        self.deaths = [d for d in self.deaths if now - d < _WITHIN_SECONDS] + [now]
        if len(self.deaths) > _MOST_DEATHS:
            raise SetupError(f"Airflow's {self.name} dies again and again; its words: {self.log}")
        say(f"Airflow's {self.name} ended ({code}); starting it again")
        if self.name == "scheduler":
            subprocess.run([sys.executable, __file__, "--forget"], env=self.env, check=False)
        self.start()

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


def of_session(session: int) -> list[int]:
    """The processes of a session; tasks have process groups of their own in it."""
    listed = subprocess.run(["ps", "-A", "-o", "pid="], capture_output=True, text=True, check=False)
    found = []
    for pid in map(int, listed.stdout.split()):
        try:
            if os.getsid(pid) == session:
                found.append(pid)
        except (ProcessLookupError, PermissionError):
            continue
    return found


def healthy() -> bool:
    """Do all four answer?"""
    url = f"http://127.0.0.1:{port()}/api/v2/monitor/health"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            told = json.load(answer)
    except (OSError, ValueError):
        return False
    names = ("metadatabase", "scheduler", "dag_processor", "triggerer")
    return all((told.get(n) or {}).get("status") == "healthy" for n in names)


def answers() -> bool:
    """Does something answer at our port already?"""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port()}/", timeout=2).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def run_all(passwords: Path) -> None:
    """Prepares, starts the four, tells where they are, and looks after them until it is ended."""
    begun = time.monotonic()
    env = os.environ | settings()
    log = home() / "prepare.log"
    with log.open("wb") as out:
        done = subprocess.run(
            [sys.executable, __file__, "--prepare"], env=env, stdout=out, stderr=out, check=False
        )
    if done.returncode:
        raise SetupError(f"Airflow's database could not be made (all of it: {log})")
    components = [Component(n, a, env) for n, a in COMPONENTS.items()]
    try:
        ready = False
        while True:
            for c in components:
                c.look()
            if not ready and healthy():
                ready = True
                told(passwords, time.monotonic() - begun)
            if not ready and time.monotonic() - begun > _READY_SECONDS:
                raise SetupError(f"Airflow did not get ready (logs: {home() / 'logs'})")
            time.sleep(1)
    finally:
        end_all(components)


def end_all(components: list[Component]) -> None:
    for c in components:
        c.signal(signal.SIGTERM)
    deadline = time.monotonic() + _GRACE_SECONDS
    for c in components:
        try:
            c.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            say(f"Airflow's {c.name} does not end; ending it")
        for pid in of_session(c.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        c.process.wait()


def told(passwords: Path, seconds: float) -> None:
    say(f"Airflow is ready after {seconds:.0f} s: http://127.0.0.1:{port()}")
    say(f"  user admin, password in {passwords}")
    from onesource_airflow import places

    say(f"  files that departments deliver go into {places.inbox()}/SECTOR")
    say(f"  logs in {home() / 'logs'}; Ctrl-C ends it")


def _end(number: int, _: FrameType | None) -> None:
    raise KeyboardInterrupt


def main(arguments: list[str]) -> int:
    if arguments in (["--prepare"], ["--forget"]):
        prepare() if arguments == ["--prepare"] else forget_schedulers()
        return 0
    signal.signal(signal.SIGTERM, _end)
    try:
        passwords = own_home()
        with (home() / "start.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise SetupError(f"Airflow is already running from {home()}") from None
            if answers():
                raise SetupError(
                    f"port {port()} is taken; name another: "
                    "ONESOURCE_AIRFLOW_PORT=8081 make airflow"
                )
            run_all(passwords)
    except (SetupError, OSError) as e:
        say(f"error: {e}")
        return 1
    except KeyboardInterrupt:
        say("Airflow has ended")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
