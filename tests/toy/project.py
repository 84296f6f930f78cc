"""A copy of the project in which the real workflow runs, by a Snakemake that is warm."""

import json
import os
import re
import select
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

Answer = namedtuple("Answer", ["code", "text"])

SECONDS = 1800
"""How long one run may take, also on a machine that has more to do."""


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
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("RAY_", "INITATLAS_"))}
        return {**kept, "PYTHONPATH": str(self / "src"), "OMP_NUM_THREADS": "1"}

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
    """Runs Snakemake in children of a process that has imported it, which takes longer than many a run."""

    def __init__(self, folder):
        program = Path(__file__).with_name("warm_snakemake.py")
        self.output = folder / "output"
        self.process = subprocess.Popen(
            [sys.executable, str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder
        )

    def run(self, arguments, folder, environment):
        """Run it; give the exit code and what it said."""
        request = {
            "arguments": arguments,
            "folder": str(folder),
            "environment": environment,
            "output": str(self.output),
        }
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answered, _, _ = select.select([self.process.stdout], [], [], SECONDS)
        assert answered, self.output.read_text(encoding="utf-8")
        return Answer(int(self.process.stdout.readline()), self.output.read_text(encoding="utf-8"))

    def end(self):
        self.process.stdin.close()
        self.process.wait(30)
