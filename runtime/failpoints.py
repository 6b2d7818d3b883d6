"""Places where a test may kill the process: `WANGHUO_FAILPOINT=name:N` ends it with SIGKILL on the N-th passage."""

import os
import signal
from collections import Counter

_NAME, _, _TIMES = os.environ.get("WANGHUO_FAILPOINT", "").partition(":")
_passed: Counter[str] = Counter()


def passing(name: str) -> None:
    """Die here if a test asked for it."""
    if name == _NAME:
        _passed[name] += 1
        if _passed[name] == int(_TIMES or 1):
            os.kill(os.getpid(), signal.SIGKILL)
