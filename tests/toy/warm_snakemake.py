"""Run Snakemake on request, each time in a fork of this process, which has imported it and nothing of ours.

A request is a line of JSON on standard input: arguments, folder, environment, the file for what Snakemake says, and the Python
of its jobs. The answer is a line with its exit code.
"""

import json
import os
import sys

import pandas  # noqa: F401
import pydantic  # noqa: F401
import snakemake.cli
import snakemake.dag
import snakemake.scheduling.job_scheduler
import snakemake.workflow
import yaml  # noqa: F401


def main():
    """Answer until there is nobody left who asks."""
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            run(**json.loads(line))
        _, status = os.waitpid(process, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def run(arguments, folder, environment, output, python):
    """Be a Snakemake that was started in a folder, and end as it does."""
    said = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(said, 1)
    os.dup2(said, 2)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.path[:0] = environment["PYTHONPATH"].split(os.pathsep)
    sys.argv[1:] = arguments
    sys.executable = python
    code = 1
    try:
        snakemake.cli.main(arguments)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
