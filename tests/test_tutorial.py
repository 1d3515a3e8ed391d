"""The tutorial stays true: every command in it is run in an empty folder, and what it says they print, they print."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SESSIONS = re.compile(r"```console\n(.*?)```", re.DOTALL)


def read_session(page):
    """Return the commands of a page, each with the lines that it is said to print."""
    told = []
    for session in SESSIONS.findall((ROOT / "docs" / page).read_text(encoding="utf-8")):
        for line in session.splitlines():
            if line.startswith("$ "):
                told.append((line[2:], []))
            else:
                told[-1][1].append(line.strip())
    return told


def run_command(command, folder):
    """Run a command as a reader would, and return all that it prints."""
    words = shlex.split(command)
    if words[:2] == ["pip", "install"]:  # without a network: what it needs is here already, and nothing is replaced
        offline = ("--no-deps", "--no-build-isolation", "--no-index", "--target", str(folder / "installed"))
        words, folder = [sys.executable, "-m", *words, *offline], ROOT
    else:
        assert words[0] == "geoscore"
        words = [sys.executable, "-m", *words]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, f"{command}\n{done.stderr}"
    return done.stdout + done.stderr


def check_session(page, folder):
    """Run a page's commands in turn in one folder, and look for what it says they print."""
    for command, lines in read_session(page):
        printed = [line.strip() for line in run_command(command, folder).splitlines()]
        for line in lines:  # "..." stands for anything; a line may go on
            told = ".*".join(map(re.escape, line.split("...")))
            assert any(re.match(told, one) for one in printed), f"{command}: {line}"


def run_lines(page, folder):
    """Run the Python of a page as one script; a block that runs a project of the reader's own is left out."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.DOTALL)
    script = "\n".join(block for block in blocks if "gs.run(" not in block)
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{page}\n{done.stderr}"


@pytest.mark.slow
def test_the_tutorial_does_what_it_says(tmp_path):
    check_session("tutorial.md", tmp_path)
    for name in ("map.html", "report.html", "out/demo/map.html", "mine/private/rejected.parquet"):
        assert (tmp_path / name).exists(), name
    # other pages go on from the demo
    check_session("sharing.md", tmp_path)
    for page in ("notebooks.md", "sharing.md", "surface-format.md"):
        run_lines(page, tmp_path)


def test_the_page_has_the_whole_way():
    words = [command.split()[1] for command, _ in read_session("tutorial.md")]
    assert words[:2] == ["install", "demo"]
    assert {"synth", "inspect", "init", "run", "query", "map", "report", "verify", "attack"} <= set(words)
