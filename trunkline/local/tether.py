"""Becomes another program that dies when its parent does. Run as a script, before anything else.

A local stack that is killed outright must not leave servers behind, and only the kernel is there
to see that. Linux delivers a chosen signal when the parent ends; other systems lack that, and
there the command runs without it. A program started by root may change to a user of its own first,
because the wish is forgotten whenever credentials change. Imports the standard library only: it
runs before every server of the stack and must cost milliseconds.

Usage: ``tether.py PARENT_PID SIGNAL USER COMMAND [ARGUMENT…]``, USER ``-`` for no change.
"""

import ctypes
import os
import pwd
import sys

_PR_SET_PDEATHSIG = 1
_PARENT_IS_GONE = 70


def become(parent: int, on_parent_death: int, user: str, command: list[str]) -> None:
    """Change user, tie this process to its parent, and execute the command."""
    account = None if user == "-" else pwd.getpwnam(user)
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    if account is not None:
        os.initgroups(user, account.pw_gid)
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
    if libc is not None:
        libc.prctl(_PR_SET_PDEATHSIG, on_parent_death, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(_PARENT_IS_GONE)
    os.execvp(command[0], command)  # noqa: S606 - replacing this process is the purpose


if __name__ == "__main__":
    become(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
