"""A copy of the project in which the real workflow runs, by a Snakemake that is warm."""

import json
import os
import re
import select
import shlex
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

Answer = namedtuple("Answer", ["code", "text"])

TOY = Path(__file__).parent

SECONDS = 1800
"""How long one run may take, also on a machine that has more to do."""


def copy_project(root, folder):
    """Copy what a clean clone holds and what is not committed yet, but for the tests."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    for path in listed.split("\0"):
        if path and not path.startswith("tests/") and (root / path).is_file():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / path, folder / path)


class Project:
    """A copy of the project's files, in which Snakemake runs."""

    def __init__(self, folder, warm):
        self.folder = folder
        self.warm = warm

    def __truediv__(self, path):
        return self.folder / path

    def python(self, *arguments, text=None):
        """Run Python with the package of the copy."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return Answer(done.returncode, done.stdout)

    @property
    def environment(self):
        """That of the caller, but with the package of the copy."""
        kept = {key: value for key, value in _own_environment().items() if not key.startswith(("RAY_", "INITATLAS_"))}
        return {**kept, "PYTHONPATH": str(self / "src")}

    def snakemake(self, *targets, options=(), config=(), profile="default"):
        """Run the workflow at scale smoke, in one process per job."""
        given = ["scale=smoke", "backend=serial", *config]
        command = ["--workflow-profile", f"workflow/profiles/{profile}", "--cores", "2", *options]
        return self.warm.run([*command, "--config", *given, "--", *targets], self.folder, self.environment)

    def would_run(self, *targets, config=()):
        """The messages of the jobs that the workflow would run."""
        answer = self.snakemake(*targets, options=["--dry-run"], config=config)
        assert answer.code == 0, answer.text
        found = set(re.findall(r"^Job \d+: (.*)$", answer.text, flags=re.MULTILINE))
        assert bool(found) == ("Nothing to be done" not in answer.text), answer.text
        return found

    def edit(self, path, old, new):
        """Change the one place in a file that reads `old`."""
        text = (self / path).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {path}"
        (self / path).write_text(text.replace(old, new), encoding="utf-8")


class WarmSnakemake:
    """Runs Snakemake in children of a process that has imported it, which takes longer than many a run; its stages too."""

    def __init__(self, folder):
        self.output = folder / "output"
        self.stages = _start("warm_stages.py", str(folder / "stages"), folder=folder)
        self.stages.stdout.readline()
        self.process = _start("warm_snakemake.py", folder=folder)
        self.python = folder / "bin" / "python"
        self.python.parent.mkdir()
        words = [sys.executable, "-IS", str(TOY / "warm_stage.py"), str(folder / "stages")]
        self.python.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', encoding="utf-8")
        self.python.chmod(0o755)

    def run(self, arguments, folder, environment):
        """Run it; give the exit code and what it said."""
        request = {
            "arguments": arguments,
            "folder": str(folder),
            "environment": environment,
            "output": str(self.output),
            "python": str(self.python),
        }
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answered, _, _ = select.select([self.process.stdout], [], [], SECONDS)
        assert answered, self.output.read_text(encoding="utf-8")
        return Answer(int(self.process.stdout.readline()), self.output.read_text(encoding="utf-8"))

    def end(self):
        for process in (self.process, self.stages):
            process.stdin.close()
            process.wait(30)


def _own_environment():
    """That of the caller, with one thread; bytecode is written, or each of some hundred processes would make it."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "OMP_NUM_THREADS": "1"}


def _start(program, *arguments, folder):
    """A process that takes requests until its standard input ends."""
    return subprocess.Popen(
        [sys.executable, str(TOY / program), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=_own_environment(),
    )
