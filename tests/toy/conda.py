"""A stand-in for conda: as much of it as Snakemake asks for. There is no channel that a test could reach."""

import shlex
import sys

CONDA = """#!{python} -IS
import json, pathlib, sys
here = pathlib.Path(__file__).resolve().parents[1]
match sys.argv[1:]:
    case ["info", "--json"]:
        print(json.dumps({{"conda_prefix": str(here), "platform": "linux-64"}}))
    case ["--version"]:
        print("conda 25.1.0")
    case ["config", "--get", "channel_priority", "--json"]:
        print(json.dumps({{"get": {{"channel_priority": "strict"}}}}))
    case ["env", "create", *words]:
        made = pathlib.Path(words[words.index("--prefix") + 1])
        (made / "bin").mkdir(parents=True)
        (made / "bin" / "python").write_text({launcher!r})
        (made / "bin" / "python").chmod(0o755)
        (here / "file").write_text(pathlib.Path(words[words.index("--file") + 1]).read_text())
    case ["clean", *_]:
        pass
    case words:
        sys.exit(f"not expected: conda {{words}}")
"""

LAUNCHER = """#!/bin/sh
echo "$PYTHONPATH" "$@" >> {stages}
exec {python} "$@"
"""


def write_conda(folder):
    """Write the stand-in into a folder.

    ``bin/conda`` goes into the path. Its environments hold the Python of the tests, which notes its calls in ``stages``, each
    after the PYTHONPATH; ``file`` holds what an environment was made from.
    """
    (folder / "bin").mkdir(parents=True)
    launcher = LAUNCHER.format(stages=shlex.quote(str(folder / "stages")), python=shlex.quote(sys.executable))
    (folder / "bin" / "conda").write_text(CONDA.format(python=sys.executable, launcher=launcher), encoding="utf-8")
    (folder / "bin" / "conda").chmod(0o755)
    (folder / "bin" / "activate").write_text('export PATH="$1/bin:$PATH"\n', encoding="utf-8")
