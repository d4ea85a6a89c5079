"""The host's own network client settings, for the minutes in which an image is built.

A host behind a proxy or with a company certificate is set up for it; a fresh
container is not. What pip, apt and the TLS libraries of this host use is read
here at run time and lent to the build. None of it stays in the image.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import ssl
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROXY_NAMES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")
PIP_OPTIONS = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "retries")
CERTIFICATE_NAMES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
APT_OPTION = re.compile(r"Acquire::(https?::|Check-|Retries)")
APT_NAMES_A_FILE = re.compile(r"Proxy-?Auto-?Detect|CaInfo|CaPath|IssuerCert|SslCert|SslKey", re.I)


@dataclass(frozen=True, slots=True)
class HostSettings:
    """Files to lay into one folder of the container, and the variables that point at them."""

    files: Mapping[str, bytes]
    environment: Mapping[str, str]


def host_settings(folder: str) -> HostSettings:
    """The settings of this host, as they must read when the files lie in `folder`."""
    files: dict[str, bytes] = {}
    environment = proxy_variables(os.environ)
    environment |= pip_variables(_run([sys.executable, "-P", "-m", "pip", "config", "list"]))
    if bundle := certificate_bundle(os.environ):
        files["ca.pem"] = bundle.read_bytes()
        environment |= dict.fromkeys((*CERTIFICATE_NAMES, "GIT_SSL_CAINFO"), f"{folder}/ca.pem")
    options = apt_options(_run(["apt-config", "dump"]))
    if bundle:
        options.append(f'Acquire::https::CaInfo "{folder}/ca.pem";')
    if options:
        files["apt.conf"] = "".join(line + "\n" for line in options).encode()
        environment["APT_CONFIG"] = f"{folder}/apt.conf"
    return HostSettings(files, environment)


def proxy_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """The proxy variables that are set, in the spelling they were set in."""
    return {
        name: value for name, value in environment.items() if name.lower() in PROXY_NAMES and value
    }


def pip_variables(listing: str) -> dict[str, str]:
    """PIP_* variables from the output of `pip config list`.

    Only options that make sense on another machine are taken, and of indexes
    only those with a web address: a folder of the host is not in the container.
    Later lines win, as in pip (global, user, site, environment).
    """
    variables: dict[str, str] = {}
    for line in listing.splitlines():
        key, _, literal = line.partition("=")
        option = key.rpartition(".")[2]
        if option == "default-timeout":
            option = "timeout"
        if option not in PIP_OPTIONS or not literal:
            continue
        words = str(ast.literal_eval(literal)).split()
        if option.endswith("index-url"):
            words = [word for word in words if word.startswith(("http://", "https://"))]
        if words:
            variables["PIP_" + option.upper().replace("-", "_")] = " ".join(words)
    return variables


def apt_options(dump: str) -> list[str]:
    """The lines of `apt-config dump` about proxies, retries and checks of dates.

    Options that name a file or a program of the host are left out.
    """
    return [
        line
        for line in dump.splitlines()
        if APT_OPTION.match(line) and not APT_NAMES_A_FILE.search(line.partition(" ")[0])
    ]


def certificate_bundle(environment: Mapping[str, str]) -> Path | None:
    """The file of trusted certificates that clients on this host use, if there is one."""
    named = [environment[name] for name in CERTIFICATE_NAMES if environment.get(name)]
    default = ssl.get_default_verify_paths().cafile
    system = "/etc/ssl/certs/ca-certificates.crt"
    for candidate in (*named, default, system):
        if candidate and Path(candidate).is_file():
            return Path(candidate)
    return None


def _run(command: list[str]) -> str:
    """The command's output, or nothing when the program is not there or fails."""
    if shutil.which(command[0]) is None:
        return ""
    finished = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return finished.stdout if finished.returncode == 0 else ""
