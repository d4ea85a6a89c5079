"""What of the host's network settings is lent to an image build, and what is not."""

from __future__ import annotations

from pathlib import Path

from envs.images.host_settings import (
    apt_options,
    certificate_bundle,
    host_settings,
    pip_variables,
    proxy_variables,
)


def test_pip_options_become_variables_and_later_lines_win() -> None:
    listing = "global.index-url='https://a.example/simple'\n:env:.index-url='https://b.example/s'\n"
    assert pip_variables(listing) == {"PIP_INDEX_URL": "https://b.example/s"}


def test_indexes_that_are_folders_of_the_host_stay_here() -> None:
    listing = (
        "global.extra-index-url='file:///srv/simple https://c.example/simple'\n"
        "global.find-links='/srv/wheels'\n"
        "global.cert='/etc/company.pem'\n"
    )
    assert pip_variables(listing) == {"PIP_EXTRA_INDEX_URL": "https://c.example/simple"}


def test_only_proxies_that_are_set_are_passed_on() -> None:
    environment = {"HTTPS_PROXY": "http://proxy.example:3128", "no_proxy": "", "HOME": "/home/a"}
    assert proxy_variables(environment) == {"HTTPS_PROXY": "http://proxy.example:3128"}


def test_apt_options_that_name_files_of_the_host_are_left_out() -> None:
    dump = (
        'APT::Architecture "amd64";\n'
        'Acquire::http::Proxy "http://proxy.example:3128";\n'
        'Acquire::http::Proxy-Auto-Detect "/usr/local/bin/find-proxy";\n'
        'Acquire::https::CaInfo "/etc/company.pem";\n'
        'Acquire::Check-Valid-Until "false";\n'
    )
    assert apt_options(dump) == [
        'Acquire::http::Proxy "http://proxy.example:3128";',
        'Acquire::Check-Valid-Until "false";',
    ]


def test_a_named_certificate_bundle_is_preferred_and_a_missing_one_skipped(tmp_path: Path) -> None:
    bundle = tmp_path / "company.pem"
    bundle.write_text("certificates")
    environment = {"PIP_CERT": str(tmp_path / "gone.pem"), "SSL_CERT_FILE": str(bundle)}
    assert certificate_bundle(environment) == bundle


def test_every_variable_that_names_a_file_names_one_that_is_sent_along() -> None:
    settings = host_settings("/lent")
    named = {
        value.removeprefix("/lent/")
        for value in settings.environment.values()
        if value.startswith("/lent/")
    }
    assert named == set(settings.files)
