"""Nothing that was there before is changed, and the script does not notice."""

from __future__ import annotations

from pathlib import Path

import pytest
from launching import probed, tree

EVERYTHING = """
    import glob, io, os, pathlib, pickle, shutil, sqlite3, subprocess, sys, tempfile, zipfile

    # overwrite, append, change
    with open("best.pt", "w") as file:
        file.write("new")
    assert file.name == "best.pt"
    assert open("best.pt").read() == "new" and os.path.getsize("best.pt") == 3
    with open("log.txt", "a") as file:
        file.write("more")
    assert pathlib.Path("log.txt").read_text() == "old log.txtmore"
    with open("config.yaml", "r+") as file:
        file.write("OLD")
    assert open("config.yaml").read() == "OLD config.yaml"
    os.truncate("short.txt", 1)
    assert os.path.getsize("short.txt") == 1
    descriptor = os.open("raw.bin", os.O_WRONLY | os.O_TRUNC)
    os.write(descriptor, b"raw")
    os.close(descriptor)
    assert pathlib.Path("raw.bin").read_bytes() == b"raw"
    os.chmod("log.txt", 0o600)
    os.utime("log.txt", (1, 1))
    try:
        open("best.pt", "x")
    except FileExistsError:
        pass
    else:
        raise AssertionError

    # delete, and all that looks
    os.remove("stale.txt")
    assert not os.path.exists("stale.txt") and not pathlib.Path("stale.txt").is_file()
    assert "stale.txt" not in os.listdir() and not glob.glob("stale*") and not os.access("stale.txt", os.R_OK)
    assert "stale.txt" not in [entry.name for entry in os.scandir()]
    for missing in (lambda: open("stale.txt"), lambda: os.remove("stale.txt"), lambda: os.stat("stale.txt")):
        try:
            missing()
        except FileNotFoundError as error:
            assert error.filename == "stale.txt"
        else:
            raise AssertionError

    # rename
    os.rename("last.pt", "previous.pt")
    assert open("previous.pt").read() == "old last.pt" and not os.path.exists("last.pt")
    pathlib.Path("part").write_text("whole")
    os.replace("part", "final.pt")
    assert open("final.pt").read() == "whole" and not os.path.exists("part")
    shutil.move("move.txt", "runs/moved.txt")
    assert open("runs/moved.txt").read() == "old move.txt"

    # folders
    shutil.rmtree("out")
    assert not os.path.exists("out")
    os.makedirs("out")
    assert os.listdir("out") == []
    open("out/a.pt", "w").write("again")
    assert os.listdir("out") == ["a.pt"] and open("out/a.pt").read() == "again"
    os.makedirs("new/below")
    pathlib.Path("new/below/x.txt").write_text("x")
    os.makedirs("temporary/dir")
    open("temporary/dir/y", "w").close()
    shutil.rmtree("out2")
    os.rename("temporary", "out2")
    assert os.listdir("out2") == ["dir"] and os.listdir("out2/dir") == ["y"] and not os.path.exists("temporary")

    # links
    os.remove("latest")
    os.symlink("final.pt", "latest")
    assert open("latest").read() == "whole"
    os.symlink("best.pt", "alias")
    open("alias", "w").write("through a link")
    assert open("best.pt").read() == "through a link"
    os.link("linked.txt", "second.txt")
    open("second.txt", "w").write("bad")

    # libraries
    database = sqlite3.connect("study.db")
    database.execute("create table t (a)")
    database.commit()
    database.close()
    with zipfile.ZipFile("archive.zip", "w") as archive:
        archive.writestr("a", "b")
    assert zipfile.ZipFile("archive.zip").namelist() == ["a"]
    shutil.copy("best.pt", "copied.txt")
    with tempfile.TemporaryDirectory() as folder:
        open(folder + "/x", "w").close()
    tempfile.mkdtemp()
    assert pickle.loads(pickle.dumps(open)) is open and pickle.loads(pickle.dumps(os.remove)) is os.remove
    try:
        io.FileIO("protected.txt", "w")
    except PermissionError:
        pass

    # commands
    subprocess.run(["rm", "-rf", "kept"], check=True)
    assert os.system("echo hi > protected.txt") == 0
    subprocess.check_call("rm -f *.yaml && git clean -fdx", shell=True)
    subprocess.run(["bash", "-c", "mv protected.txt elsewhere"], check=True)
    os.system("echo hi > made.txt")
    assert open("made.txt").read().strip() == "hi"
    assert subprocess.check_output(["cat", "protected.txt"]) == b"old protected.txt"

    # other folders and processes
    os.chdir("out")
    open("../protected.txt", "w").write("here")
    code = "assert open('../protected.txt').read() == 'here'; open('sub.txt', 'w')"
    subprocess.run([sys.executable, "-c", code], check=True)
    folder = os.open("..", os.O_RDONLY)
    os.unlink("protected.txt", dir_fd=folder)
    assert not os.path.exists("../protected.txt")
"""
FILES = (
    "best.pt log.txt config.yaml short.txt raw.bin stale.txt last.pt final.pt move.txt linked.txt copied.txt "
    "archive.zip protected.txt out/a.pt out/b.pt out2/dir/z out2/w kept/x runs/old"
)


@pytest.fixture
def project(work: Path) -> Path:
    for name in FILES.split():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"old {name}")
    Path("study.db").write_bytes(b"")
    Path("latest").symlink_to("best.pt")
    return work


def test_a_script_that_changes_everything_changes_nothing(project: Path) -> None:
    Path("train.py").touch()
    before = tree(project)
    outcome = probed(EVERYTHING)
    after = tree(project)
    del before["train.py"], after["train.py"]
    assert after == before
    assert {"new/below/x.txt", "made.txt", "previous.pt", "runs/moved.txt", "out/sub.txt"} <= set(outcome.created)
    assert "part" not in outcome.created
    for line in (
        "would have overwritten best.pt",
        "would have appended to log.txt",
        "would have changed config.yaml",
        "would have deleted stale.txt",
        "would have renamed last.pt to previous.pt",
        "would have truncated short.txt",
        "would have deleted the folder out",
        "would have run `rm -rf kept`",
        "would have run `git clean -fdx`",
        "would have changed study.db",
    ):
        assert line in outcome.refused, (line, outcome.refused)
    assert len(set(outcome.refused)) == len(outcome.refused)


def test_writes_can_be_allowed(project: Path) -> None:
    outcome = probed("open('best.pt', 'w').write('new')\nopen('made.txt', 'w')\n", allow_writes=True)
    assert Path("best.pt").read_text() == "new"
    assert Path("made.txt").exists()
    assert outcome.created == outcome.refused == []


def test_downloads_into_caches_stay(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(work / "cache"))
    Path("cache").mkdir()
    Path("cache/old").write_text("old")
    outcome = probed("""
        import os, tempfile
        os.makedirs("cache/hub/checkpoints")
        with tempfile.NamedTemporaryFile(delete=False) as file:
            file.write(b"weights")
        import shutil
        shutil.move(file.name, "cache/hub/checkpoints/w.pth")
        open("cache/old", "w").write("new")
    """)
    assert Path("cache/hub/checkpoints/w.pth").read_text() == "weights"
    assert Path("cache/old").read_text() == "old"
    assert outcome.created == []


def test_checkpoints_that_are_rotated(project: Path) -> None:
    """Keep the last two: the loop ends only if what is deleted is no longer listed."""
    for number in range(3):
        Path(f"runs/step{number}.pt").write_text("old")
    before = tree(project)
    probed("""
        import os
        for number in range(3, 8):
            open(f"runs/step{number}.pt", "w").close()
            while len(names := sorted(n for n in os.listdir("runs") if n.startswith("step"))) > 2:
                os.remove(os.path.join("runs", names[0]))
    """)
    assert {key: value for key, value in tree(project).items() if key != "train.py"} == before


def test_threads_and_processes(project: Path) -> None:
    before = tree(project)
    probed("""
        import multiprocessing, threading

        def write(number):
            for _ in range(20):
                with open("log.txt", "a") as file:
                    file.write(f"{number}\\n")
                with open(f"own{number}.txt", "w") as file:
                    file.write("x")

        if __name__ == "__main__":
            threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
            processes = [multiprocessing.get_context(how).Process(target=write, args=(9,)) for how in ("fork", "spawn")]
            for one in processes + threads:
                one.start()
            for one in threads + processes:
                one.join()
            assert all(process.exitcode == 0 for process in processes)
            assert len(open("log.txt").readlines()) == 120
    """)
    assert {key: value for key, value in tree(project).items() if key != "train.py"} == before


def test_exceptions_are_those_of_python(work: Path) -> None:
    Path("folder").mkdir()
    Path("folder/x").touch()
    probed("""
        import os
        for call, kind in (
            (lambda: open("missing/x", "w"), FileNotFoundError),
            (lambda: open("missing"), FileNotFoundError),
            (lambda: open("missing", "r+"), FileNotFoundError),
            (lambda: open("folder", "w"), IsADirectoryError),
            (lambda: os.remove("folder"), IsADirectoryError),
            (lambda: os.remove("missing"), FileNotFoundError),
            (lambda: os.rmdir("folder"), OSError),
            (lambda: os.mkdir("folder"), FileExistsError),
            (lambda: os.rename("missing", "x"), FileNotFoundError),
            (lambda: open(3.5), TypeError),
            (lambda: os.stat(3.5), TypeError),
            (lambda: open("x", "nonsense"), ValueError),
            (lambda: os.remove("a\\0b"), ValueError),
        ):
            try:
                call()
            except kind:
                continue
            raise AssertionError(kind)
    """)


@pytest.mark.parametrize(
    "command",
    [
        "git push",
        "git -C . push origin main",
        "aws s3 sync runs s3://bucket",
        "huggingface-cli upload me/model .",
        "scp best.pt host:",
        "sbatch next.sh",
        "cat best.pt | rsync --delete runs other",
        "find . -name '*.pt' -delete",
        "sed -i s/a/b/ log.txt",
        "dd if=/dev/zero of=best.pt",
        "X=1 sudo rm best.pt",
        "true; cp log.txt best.pt",
        "cp log.txt best.pt runs/; mv best.pt runs",
        "echo x >> log.txt",
        "tee log.txt < best.pt",
    ],
)
def test_commands_that_are_pretended(project: Path, command: str) -> None:
    outcome = probed(f"import os\nassert os.system({command!r}) == 0\n")
    assert [line for line in outcome.refused if line.startswith("would have run `")], outcome.refused
    assert Path("best.pt").read_text() == "old best.pt"


@pytest.mark.parametrize(
    "command", ["git --version", "ls -l > listing", "cp best.pt copy.pt", "echo a > b; rm b", "true"]
)
def test_commands_that_run(project: Path, command: str) -> None:
    assert probed(f"import os\nassert os.system({command!r}) == 0\n").refused == []


def test_nothing_that_a_run_made_is_left_in_the_temporary_folder(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = work.parent / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", None)
    probed("import tempfile\nopen(tempfile.mkdtemp() + '/x', 'w')\ntempfile.NamedTemporaryFile(delete=False)\n")
    assert list(temporary.iterdir()) == []
