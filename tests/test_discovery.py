"""Which files a run looks at."""

from __future__ import annotations

from pathlib import Path

import pytest

from convdiag_lint.discovery import find


def make(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("x = 1\n")


def test_python_files_below_a_folder_are_found_in_order(project: Path) -> None:
    make("b.py", "a/z.py", "a/b/c.py", "a.py", "notes.txt", "a/data.json")
    assert find(["."]).files == ["a/b/c.py", "a/z.py", "a.py", "b.py"]


@pytest.mark.parametrize("folder", [".git", ".venv", "node_modules", "build", "__pycache__", "pkg.egg-info"])
def test_folders_that_are_never_source_are_left_out(project: Path, folder: str) -> None:
    make(f"{folder}/a.py", "b.py")
    assert find(["."]).files == ["b.py"]


def test_an_environment_of_any_name_is_left_out_and_a_folder_called_env_is_not(
    project: Path,
) -> None:
    make("my-environment/lib/a.py", "env/gym.py")
    Path("my-environment/pyvenv.cfg").touch()
    assert find(["."]).files == ["env/gym.py"]


def test_gitignore_is_respected_at_every_level(project: Path) -> None:
    make("data/a.py", "keep/gen_x.py", "keep/b.py", "keep/deep/out/c.py", "special.py")
    Path(".gitignore").write_text("/data/\ngen_*.py\nspecial.py\n")
    Path("keep/.gitignore").write_text("out/\n!gen_x.py\n")
    assert find(["."]).files == ["keep/b.py", "keep/gen_x.py"]


def test_gitignore_above_the_named_folder_counts_up_to_the_repository(project: Path) -> None:
    make("pkg/gen.py", "pkg/a.py")
    Path(".gitignore").write_text("gen.py\n")
    (project.parent / ".gitignore").write_text("a.py\n")
    assert find(["pkg"]).files == ["pkg/a.py"]


def test_a_folder_that_is_named_is_walked_although_git_ignores_it(project: Path) -> None:
    make("outputs/run/train.py")
    Path(".gitignore").write_text("outputs/\n")
    assert find(["."]).files == []
    assert find(["outputs"]).files == ["outputs/run/train.py"]


def test_a_file_that_is_named_is_always_taken(project: Path) -> None:
    make("build/a.py", "script")
    Path(".gitignore").write_text("*.py\n")
    Path("pyproject.toml").write_text('[tool.convdiag]\nexclude = ["build"]\n')
    assert find(["build/a.py", "script"], ("script",)).files == ["build/a.py", "script"]


def test_exclude_takes_names_paths_and_wildcards(project: Path) -> None:
    make("tests/a.py", "pkg/tests/b.py", "pkg/old/c.py", "pkg/new/c.py", "d_test.py")
    assert find(["."], ("tests", "pkg/old", "*_test.py")).files == ["pkg/new/c.py"]
    assert find(["."], ("./pkg/old/*.py", "tests/")).files == ["d_test.py", "pkg/new/c.py"]


def test_exclude_of_settings_starts_at_the_settings_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make("sub/old/a.py", "sub/b.py")
    Path("pyproject.toml").write_text('[tool.convdiag]\nexclude = ["sub/old"]\n')
    monkeypatch.chdir("sub")
    assert find(["."]).files == ["b.py"]


def test_a_gitignore_that_cannot_be_read_ignores_nothing(project: Path) -> None:
    make("a.py")
    Path(".gitignore").write_bytes(b"\xff\xfe[\n!\n")
    assert find(["."]).files == ["a.py"]
