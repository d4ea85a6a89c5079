#!/usr/bin/env bash
# The tests that this machine can run: the Docker layer only where an engine answers.
#
#   test.sh        those that take seconds
#   test.sh slow   these and those that take minutes
set -euo pipefail
cd "$(dirname "$0")/.."

layers="not gpu and not weights"
[ "${1:-}" = slow ] || layers="$layers and not slow"
# The image is made here and not inside the first test that needs it, whose time is limited.
if ! .venv/bin/python - << 'EOF'; then
import sys

import docker

from envs.errors import SandboxError
from envs.images.recipes import base_image

try:
    client = docker.from_env(timeout=600)
    client.ping()
    base_image(client, lambda line: print(line, file=sys.stderr))
except (docker.errors.DockerException, SandboxError) as error:
    sys.exit(f"no Docker engine to test with: {error}")
EOF
    layers="$layers and not docker"
    printf '\n*** NO DOCKER: the tests marked docker are LEFT OUT of this run ***\n\n' >&2
fi
# Three workers for two cores, since much of the time is waiting for containers; one thread each.
# A file's tests share what is expensive to make, so they stay together.
# In the order of the files: by itself xdist keeps files of few tests for the end, and those are slow.
export OMP_NUM_THREADS=1
# What fails is tried once more and named: on a busy machine a limit can be missed (docs/tests.md).
# A shell that was started in the background passes on that Ctrl-C is ignored, and cannot undo it.
exec .venv/bin/python -c '
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
' -m pytest -m "$layers" -n 3 --dist loadfile --no-loadscope-reorder --reruns 1 -r aR --durations 25
