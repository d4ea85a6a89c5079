#!/usr/bin/env bash
# Make this machine ready; what is there already is left alone.
#
#   prepare.sh environment PYTHON   git, and a Python 3.11 or newer that can make environments
#   prepare.sh solve                one sandbox: a Docker engine that answers, or bubblewrap, and
#                                   what it starts from, so that solving needs no network
#   prepare.sh test                 both kinds, so that every test can run
#
# Installs Debian packages and starts a Docker daemon only as root. Exits with
# 4 when something is missing that it may not install.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }
fail() { say "error: $*"; exit 4; }
is_root() { [ "$(id -u)" = 0 ]; }
may_install() { is_root && command -v apt-get > /dev/null; }

install() {
    say "installing $* with apt-get"
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y -qq "$@" > /dev/null 2>&1 && return
    apt-get update -qq && apt-get install -y -qq "$@" > /dev/null
}

engine_answers() {
    .venv/bin/python -c 'import docker; docker.from_env(timeout=5).ping()' 2> /dev/null
}

start_engine() {
    local log=/var/log/dockerd.log
    command -v dockerd > /dev/null || return 1
    say "starting dockerd (log: $log)"
    setsid dockerd > "$log" 2>&1 < /dev/null &
    for _ in $(seq 60); do
        engine_answers && return
        sleep 0.5
    done
    return 1
}

# bubblewrap may be installed and yet not be allowed to make namespaces.
bubblewrap_works() {
    command -v bwrap > /dev/null && bwrap --ro-bind / / --unshare-all true 2> /dev/null
}

environment() {
    if ! command -v git > /dev/null; then
        may_install || fail "git is missing; install it (apt-get install git)"
        install git
    fi
    command -v "$1" > /dev/null || fail "$1 is missing; install Python 3.11 or newer, or say make PYTHON=..."
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
        || fail "$("$1" --version) is too old; use 3.11 or newer: make PYTHON=python3.11"
    if ! "$1" -c 'import venv, ensurepip' 2> /dev/null; then
        may_install || fail "$1 cannot make virtual environments; apt-get install python3-venv"
        install python3-venv
    fi
}

prepare_images() {
    .venv/bin/python - << 'EOF' || fail "the image to work in cannot be made"
import sys

import docker

from envs.errors import SandboxError
from envs.images.recipes import recipe_image
from envs.task import Recipe

try:
    recipe_image(docker.from_env(timeout=3600), Recipe(), lambda line: print(line, file=sys.stderr))
except SandboxError as error:
    sys.exit(f"error: {error}")
EOF
}

solve() {
    if engine_answers; then
        # The base image is pulled where a registry answers, else made from packages.
        if ! command -v debootstrap > /dev/null && may_install; then install debootstrap || true; fi
        prepare_images
        return
    fi
    bubblewrap_works && return
    if ! command -v bwrap > /dev/null && may_install; then install bubblewrap; fi
    bubblewrap_works || fail "no sandbox: no Docker engine answers, and bubblewrap is missing or not allowed" \
        "to make namespaces; install Docker and join its group, or: sudo apt-get install bubblewrap"
}

test_layers() {
    if may_install; then
        local missing=()
        command -v bwrap > /dev/null || missing+=(bubblewrap)
        command -v debootstrap > /dev/null || missing+=(debootstrap)
        command -v tmux > /dev/null || missing+=(tmux)
        if [ -z "${DOCKER_HOST:-}" ] && ! engine_answers; then
            command -v dockerd > /dev/null || missing+=(docker.io)
        fi
        [ ${#missing[@]} = 0 ] || install "${missing[@]}" || say "could not install ${missing[*]}"
    fi
    # A DOCKER_HOST names an engine that is somebody else's to start.
    if is_root && [ -z "${DOCKER_HOST:-}" ] && ! engine_answers; then
        start_engine || say "dockerd did not start"
    fi
    engine_answers || bubblewrap_works || fail "no sandbox to test: no Docker engine answers and" \
        "bubblewrap does not work here; run make test as root, or: sudo apt-get install bubblewrap"
}

case "${1:-}" in
    environment) environment "${2:-python3}" ;;
    solve) solve ;;
    test) test_layers ;;
    *) fail "usage: scripts/prepare.sh environment|solve|test" ;;
esac
