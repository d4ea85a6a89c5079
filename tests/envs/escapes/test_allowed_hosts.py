"""A sandbox that may reach a few hosts reaches them, by name, through the proxy, and no others.

A web server in a container stands for all hosts. Its address is a private
one, so the list gives it to the names that may mean it.
"""

from __future__ import annotations

import pytest

from .web import Place

pytestmark = pytest.mark.docker


class TestAllowed:
    def test_git_clones_from_an_allowed_host(self, allowed: Place) -> None:
        allowed.run(
            f"git clone -q http://allowed.test:{allowed.web.plain}/repository.git /tmp/copy"
        )
        assert allowed.run("git -C /tmp/copy log --format=%s") == "From afar\n"

    def test_pip_installs_from_an_allowed_host_over_tls(self, allowed: Place) -> None:
        allowed.sandbox.write_file("/tmp/ca.pem", allowed.web.certificate)
        index = f"https://allowed.test:{allowed.web.tls}/simple"
        allowed.run(f"pip install -q --cert /tmp/ca.pem -i {index} --target /tmp/lib greeting")
        look = "import greeting; print(greeting.WORD)"
        assert allowed.run(f'PYTHONPATH=/tmp/lib python3 -c "{look}"') == "hello\n"

    def test_a_server_of_the_sandboxs_own_needs_no_proxy(self, allowed: Place) -> None:
        allowed.run("cd /tmp && (python3 -m http.server 8000 >/dev/null 2>&1 &) && sleep 1")
        get = "import urllib.request as u; print(u.urlopen('http://localhost:8000').status)"
        assert allowed.run(f'python3 -c "{get}"') == "200\n"


class TestRefused:
    @pytest.mark.parametrize(
        "target",
        [
            "forbidden.test:{port}",
            "sub.allowed.test:{port}",
            "allowed.test.forbidden.test:{port}",
            "allowed.test:{unlisted}",
            "allowed.test:80",
            "allowed.test:443",
            "{address}:{port}",
            "[::ffff:{address}]:{port}",
            "169.254.169.254:80",
            "127.0.0.1:3128",
            "localhost:3128",
        ],
    )
    def test_other_names_ports_and_all_bare_addresses(self, allowed: Place, target: str) -> None:
        known = {
            "port": allowed.web.plain,
            "unlisted": allowed.web.unlisted,
            "address": allowed.web.address,
        }
        where, name = target.format(**known), f"allowed.test:{allowed.web.plain}"
        assert (
            allowed.ask(
                f"GET http://{where}/refused HTTP/1.1\nHost: {name}\n\n",
                f"GET http://{name}@{where}/refused HTTP/1.1\nHost: {name}\n\n",
                f"CONNECT {where} HTTP/1.1\nHost: {name}\n\n",
            )
            == ["403 Forbidden"] * 3
        )
        assert "refused" not in "".join(allowed.web.seen())

    def test_a_listed_name_that_means_a_private_address(self, allowed: Place) -> None:
        """Only the entry that gives the address may lead there; this one leaves it to the name."""
        where = f"public.test:{allowed.web.unlisted}"
        assert allowed.ask(
            f"GET http://{where}/private HTTP/1.0\n\n",
            f"CONNECT {where} HTTP/1.0\n\n",
            "CONNECT own.test:82 HTTP/1.0\n\n",
            "CONNECT own.test:1 HTTP/1.0\n\n",
        ) == ["403 Forbidden"] * 3 + ["503 Service Unavailable"]
        assert "private" not in "".join(allowed.web.seen())

    def test_the_host_header_is_what_the_address_line_says(self, allowed: Place) -> None:
        name = f"allowed.test:{allowed.web.plain}"
        request = f"GET http://{name}/forged HTTP/1.1\nHost: forbidden.test\nConnection: close\n\n"
        assert allowed.ask(request) == ["404 Not Found"]
        assert f"/forged {name}" in allowed.web.seen()

    def test_other_protocols_and_the_proxys_own_pages(self, allowed: Place) -> None:
        assert (
            allowed.ask(
                f"GET ftp://allowed.test:{allowed.web.plain}/ HTTP/1.0\n\n",
                "GET cache_object://localhost/info HTTP/1.0\n\n",
                "GET http://localhost:3128/squid-internal-mgr/info HTTP/1.0\n\n",
            )
            == ["403 Forbidden"] * 3
        )

    def test_there_is_no_way_but_the_proxy(self, allowed: Place) -> None:
        assert allowed.run("tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '") == "lo\n"
        assert allowed.run("tail -n +2 /proc/net/route") == ""
        direct = f"exec 3<>/dev/tcp/{allowed.web.address}/{allowed.web.plain} && echo reached"
        assert "Network is unreachable" in allowed.run(f"({direct}) 2>&1")
        assert allowed.run("getent hosts allowed.test example.org || echo unknown") == "unknown\n"
        datagram = "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'?', {})"
        answer = allowed.run(f'python3 -c "{datagram.format((allowed.web.address, 53))}" 2>&1')
        assert "Network is unreachable" in answer

    def test_the_socket_and_the_proxys_settings_are_out_of_sight(self, allowed: Place) -> None:
        assert "No such file" in allowed.run("ls /run/egress /tmp/squid.conf 2>&1")
        assert (
            allowed.run("cat /proc/*/cmdline | tr '\\0' ' ' | grep -cE 'squi[d]|soca[t]'") == "0\n"
        )
