"""Programs that run inside a sandbox, as text; they need nothing but Python."""

from __future__ import annotations

FOLDER = "/tmp/cwm-agent-evidence"
TEST_RUNNER = f"{FOLDER}/run_tests.py"
CALL_RUNNER = f"{FOLDER}/run_calls.py"

RUN_TESTS = '''\
"""Run the test functions and unittest cases of files where there is no pytest."""

import importlib.util
import inspect
import os
import sys
import unittest

sys.path.insert(0, os.getcwd())
failed = 0
lines = []


def say(word, path, name, error=None):
    global failed
    failed |= word != "PASSED"
    why = f" - {type(error).__name__}" if error is not None else ""
    lines.append(f"{word} {path}::{name}{why}" if name else f"{word} {path}{why}")


def cases(kind):
    for name in unittest.defaultTestLoader.getTestCaseNames(kind):
        def run(name=name):
            result = unittest.TestResult()
            kind(name).run(result)
            if result.errors or result.failures:
                raise AssertionError(name)
        yield f"{kind.__name__}::{name}", run


for number, path in enumerate(sys.argv[1:]):
    try:
        spec = importlib.util.spec_from_file_location(f"tested_{number}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    except BaseException as error:
        say("ERROR", path, "", error)
        continue
    tests = []
    for name, value in list(vars(module).items()):
        if name.startswith("test") and inspect.isfunction(value):
            if not inspect.signature(value).parameters:
                tests.append((name, value))
        elif inspect.isclass(value) and issubclass(value, unittest.TestCase):
            tests += cases(value)
    for name, test in tests:
        try:
            test()
            say("PASSED", path, name)
        except BaseException as error:
            say("FAILED", path, name, error)
print("=========================== short test summary info ============================")
print("\\n".join(lines))
sys.exit(failed)
'''

RUN_CALLS = '''\
"""Write what each call gives into a file: a line of JSON for each, in order."""

import importlib
import json
import os
import re
import signal
import sys

sys.path.insert(0, os.getcwd())
with open(sys.argv[1]) as file:
    given = json.load(file)
target = os.fdopen(os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "w")
quiet = os.open(os.devnull, os.O_WRONLY)
os.dup2(quiet, 1)
os.dup2(quiet, 2)


class TooSlow(BaseException):
    pass


def stop(*_):
    raise TooSlow


signal.signal(signal.SIGALRM, stop)
for module, name, arguments in given["calls"]:
    try:
        signal.setitimer(signal.ITIMER_REAL, given["seconds"])
        owner, _, method = name.rpartition(".")
        function = getattr(importlib.import_module(module), owner or method)
        if owner:
            function = getattr(function(), method)
        text = repr(eval(f"function({arguments})", {"function": function}))
        text = re.sub(r"\\b0x[0-9a-f]{6,}\\b", "0x", text)[: given["longest"]]
    except TooSlow:
        text = "does not end"
    except BaseException as error:
        text = f"raises {type(error).__name__}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    target.write(json.dumps(text) + "\\n")
    target.flush()
'''
