"""The calls of liblxc that have no good command: attach and console. Only for helper processes, never for the server.

Bound by ctypes, as it loads in 3 ms (cffi: 30 ms) and each exec starts a helper. The public struct is append-only:

    offset 0    private fields and error texts (80 bytes on 64-bit Linux)
    offset 80   one function pointer per verb; index 6 is load_config, 35 is console, 36 is attach
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from typing import Final

LIBRARY: Final = "liblxc.so.1"

_POINTERS_OFFSET: Final = 80
_LOAD_CONFIG_INDEX: Final = 6
_CONSOLE_INDEX: Final = 35
_ATTACH_INDEX: Final = 36
_ATTACH_DEFAULT_FLAGS: Final = 0x0000FFFF
_CLEAR_ENVIRONMENT: Final = 1
_NO_ESCAPE_KEY: Final = -1

_ExecFunction = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)


class _AttachOptions(ctypes.Structure):
    """`lxc_attach_options_t` of liblxc 4 and 5; the last fields came with 4.0.10, older versions don't read them."""

    _fields_ = (
        ("attach_flags", ctypes.c_int),
        ("namespaces", ctypes.c_int),
        ("personality", ctypes.c_long),
        ("initial_cwd", ctypes.c_char_p),
        ("uid", ctypes.c_uint32),
        ("gid", ctypes.c_uint32),
        ("env_policy", ctypes.c_int),
        ("extra_env_vars", ctypes.c_void_p),
        ("extra_keep_env", ctypes.c_void_p),
        ("stdin_fd", ctypes.c_int),
        ("stdout_fd", ctypes.c_int),
        ("stderr_fd", ctypes.c_int),
        ("log_fd", ctypes.c_int),
        ("lsm_label", ctypes.c_char_p),
        ("groups_size", ctypes.c_size_t),
        ("groups_list", ctypes.c_void_p),
    )


class LiblxcError(Exception):
    """liblxc refused; it only says so in its log."""


class Container:
    """One running container, as liblxc knows it by path and name, with the configuration that it was started with."""

    def __init__(self, path: str, name: str, config: str) -> None:
        library = ctypes.CDLL(LIBRARY, use_errno=True)
        library.lxc_container_new.restype = ctypes.c_void_p
        library.lxc_container_new.argtypes = (ctypes.c_char_p, ctypes.c_char_p)
        self._address: int | None = library.lxc_container_new(os.fsencode(name), os.fsencode(path))
        if not self._address:
            raise LiblxcError("liblxc can't open the container")
        load = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p, ctypes.c_char_p)
        if not load(self._pointer(_LOAD_CONFIG_INDEX))(self._address, os.fsencode(config)):
            raise LiblxcError("liblxc can't read the container's configuration")

    def console(self) -> None:
        """Join the console with our own terminal (descriptors 0 to 2) until that one is closed."""
        prototype = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, *[ctypes.c_int] * 5)
        if prototype(self._pointer(_CONSOLE_INDEX))(self._address, 0, 0, 1, 2, _NO_ESCAPE_KEY) != 0:
            raise LiblxcError("liblxc can't attach to the console")

    def attach(self, run: Callable[[], int], *, uid: int, gid: int) -> int:
        """Call `run` in a child inside all namespaces and limits of the container; return the child's pid.

        The child has our descriptors 0 to 2, the ids given (as seen inside), an empty environment and `/` as directory.
        """

        entry = _ExecFunction(lambda _payload: run())
        options = _AttachOptions(
            attach_flags=_ATTACH_DEFAULT_FLAGS,
            namespaces=-1,
            personality=-1,
            initial_cwd=b"/",
            uid=uid,
            gid=gid,
            env_policy=_CLEAR_ENVIRONMENT,
            stdin_fd=0,
            stdout_fd=1,
            stderr_fd=2,
            log_fd=-1,
        )
        prototype = ctypes.CFUNCTYPE(
            ctypes.c_int,
            ctypes.c_void_p,
            _ExecFunction,
            ctypes.c_void_p,
            ctypes.POINTER(_AttachOptions),
            ctypes.POINTER(ctypes.c_int),
        )
        pid = ctypes.c_int(-1)
        attach = prototype(self._pointer(_ATTACH_INDEX))
        if attach(self._address, entry, None, ctypes.byref(options), ctypes.byref(pid)) != 0:
            raise LiblxcError("liblxc can't enter the container")
        return pid.value

    def _pointer(self, index: int) -> int:
        assert self._address is not None
        address = self._address + _POINTERS_OFFSET + index * ctypes.sizeof(ctypes.c_void_p)
        value = ctypes.c_void_p.from_address(address).value
        assert value is not None, "liblxc has a null verb"
        return value
