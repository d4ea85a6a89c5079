"""Kernels on the CPU: only in a process whose triton was imported to interpret them.

`tests/model/ops/test_triton.py` starts that process. By hand:
TRITON_INTERPRET=1 python -m pytest tests/model/ops/triton
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

if os.environ.get("TRITON_INTERPRET") != "1":
    collect_ignore_glob = ["test_*.py"]
