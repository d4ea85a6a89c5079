"""Repositories inside a repository, in a real sandbox with its own git."""

from __future__ import annotations

from envs.repository.repository import SandboxRepository
from envs.sandbox.sandbox import Sandbox

TIMEOUT = 120.0
MAKE = """set -e
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
for name in library top vendored; do
    mkdir -p /tmp/nested/$name; cd /tmp/nested/$name; git init -q
    echo old > code.py; echo old > gone.py; git add -A; git commit -qm Start
done
cd ../top
git -c protocol.file.allow=always submodule --quiet add /tmp/nested/library lib
git commit -qm Part
mv ../vendored .
"""
CHANGE = "cd {top}; echo new > lib/code.py; mv lib/gone.py moved.py; echo new > vendored/code.py"
UNDO = "git checkout -q -- .; rm moved.py; for d in lib vendored; do git -C $d checkout -q .; done"


def test_changes_inside_them_are_in_the_patch_and_apply(place: Sandbox) -> None:
    top = "/tmp/nested/top"
    made = place.control(MAKE, timeout=TIMEOUT)
    assert made.exit_code == 0, made.output
    repository = SandboxRepository(place, top)
    repository.prepare(ignore_untracked=True)
    assert place.run(CHANGE.format(top=top), timeout=TIMEOUT).exit_code == 0
    now = repository.snapshot()
    changed = [line for line in now.diff.splitlines() if line.startswith("diff --git")]
    assert [line.rpartition(" b/")[2] for line in changed] == [
        "lib/code.py",
        "lib/gone.py",
        "moved.py",
        "vendored/code.py",
    ]
    place.write_file("/tmp/nested/patch", now.patch.encode())
    again = f"cd {top} && {{ {UNDO}; }} && git apply -v ../patch && cat lib/code.py moved.py"
    assert place.control(again, timeout=TIMEOUT).output.endswith("new\nold\n")
    assert repository.snapshot().tree == now.tree
    place.control("rm -rf /tmp/nested", timeout=TIMEOUT)
