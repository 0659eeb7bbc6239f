"""Keeps the kernel's auxiliary vector from a program under valgrind.

Valgrind hides the vDSO, since it cannot follow code there, wherever it knows that programs look for it. It does not know
PR_GET_AUXV of Linux 6.4, by which programs in Rust find the page that valgrind has unmapped, and end. With this filter that
call fails as on an older Linux, and they look where valgrind answers.
"""

import ctypes
import errno
import platform
import struct

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
PR_SET_NO_NEW_PRIVS = 38
PR_GET_AUXV = 0x41555856
PRCTL_NUMBERS = {"x86_64": 157, "aarch64": 167}

LOAD_WORD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
NUMBER, LOW_HALF_OF_FIRST_ARGUMENT = 0, 16
ALLOW, FAIL = 0x7FFF0000, 0x00050000 | errno.EINVAL


def hide():
    """For this process and all that it starts, for good."""
    number = PRCTL_NUMBERS.get(platform.machine())
    if number is None:
        return
    instructions = [
        (LOAD_WORD, 0, 0, NUMBER),
        (JUMP_IF_EQUAL, 0, 3, number),
        (LOAD_WORD, 0, 0, LOW_HALF_OF_FIRST_ARGUMENT),
        (JUMP_IF_EQUAL, 0, 1, PR_GET_AUXV),
        (RETURN, 0, 0, FAIL),
        (RETURN, 0, 0, ALLOW),
    ]
    program = b"".join(struct.pack("HBBI", *instruction) for instruction in instructions)
    code = ctypes.create_string_buffer(program)
    described = struct.pack("HP", len(instructions), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in [(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, described, 0, 0)]:
        if libc.prctl(*arguments) != 0:
            raise OSError(ctypes.get_errno(), "the auxiliary vector cannot be hidden")
