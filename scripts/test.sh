#!/usr/bin/env bash
# The tests that this machine can run: the Docker layer only where an engine answers.
set -euo pipefail
cd "$(dirname "$0")/.."

layers="not gpu and not weights and not slow"
# The image is made here and not inside the first test that needs it, whose time is limited.
if ! .venv/bin/python - << 'EOF'; then
import sys

import docker

from envs.errors import SandboxError
from envs.images import base_image

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
exec .venv/bin/python -m pytest -m "$layers"
