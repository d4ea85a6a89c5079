"""Goes beside the packages of the Python that the environment `testbed` was made from.

A link to the Python of a conda environment is that environment's Python. A
virtual environment is looked for only beside the name that Python was called
by, so a link to its Python, such as tox-current-env makes, would be the plain
one. Here a Python that was reached through the environment takes on its prefix
and packages. Python imports this at every start, so it makes do without pathlib.
"""

# ruff: noqa: PTH114, PTH115, PTH118, PTH120

import os
import site
import sys

PREFIX = "/opt/miniconda3/envs/testbed"
MOST_LINKS = 40


def leads_through(path: str, folder: str) -> bool:
    """Whether `path` lies in `folder`, or is a link, or a link to a link, to what lies there."""
    for _ in range(MOST_LINKS):
        if os.path.dirname(path) == folder:
            return True
        if not os.path.islink(path):
            return False
        path = os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(path)))
    return False


def enter(prefix: str) -> None:
    """Take on a prefix; its packages come before those of this Python, as they do in conda."""
    sys.prefix = sys.exec_prefix = prefix
    before = list(sys.path)
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    site.addsitedir(f"{prefix}/lib/python{version}/site-packages")
    added = [entry for entry in sys.path if entry not in before]
    place = before.index(os.path.dirname(__file__))
    sys.path[:] = before[:place] + added + before[place:]


if sys.executable and leads_through(sys.executable, PREFIX + "/bin"):
    enter(PREFIX)
