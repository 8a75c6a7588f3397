"""Lock this process into one directory, then become another program. Run as a script; knows the standard library only.

    python -I -S confine_child.py [--read-only] [--spare-pipes] [--input FILE] [--former DIRECTORY] [--log FILE]
        -- PROGRAM ARGUMENT...

Started with the directory as its working directory. The program sees it as `/target` (its working directory), the
host's `/usr` and loader read-only, FILE as `/input`, and nothing else: own mount, network and IPC namespaces, a new
root, Landlock where the kernel has it, and only the capabilities that restoring owners, devices and attributes takes.
With --read-only it can't change the directory either. It sees the DIRECTORY of --former read-only as `/former`, and can
write the FILE of --log as `/log`. With --spare-pipes its input and output are empty, and what they were are its
descriptors 5 and 6.
"""

from __future__ import annotations

import ctypes
import os
import resource
import struct
import sys

_CLONE_NEWNS, _CLONE_NEWUTS, _CLONE_NEWIPC, _CLONE_NEWNET = 0x00020000, 0x04000000, 0x08000000, 0x40000000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_REMOUNT, _MS_BIND = 0x1, 0x2, 0x4, 0x20, 0x1000
_MS_REC, _MS_PRIVATE, _MNT_DETACH = 0x4000, 0x40000, 0x2
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _LAST_CAPABILITY = 24, 38, 40
_KEPT_CAPABILITIES = {0, 1, 2, 3, 4, 21, 27, 31}
"""chown, dac_override, dac_read_search, fowner, fsetid, sys_admin (trusted.* attributes), mknod, setfcap."""

_SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_SYS_LANDLOCK_CREATE, _SYS_LANDLOCK_ADD, _SYS_LANDLOCK_RESTRICT = 444, 445, 446
_LANDLOCK_RIGHTS_BY_ABI = (0, 0x1FFF, 0x3FFF, 0x7FFF, 0x7FFF, 0xFFFF)
_LANDLOCK_READ = 0x1 | 0x4 | 0x8
_LANDLOCK_FILE_RIGHTS = 0x1 | 0x4
_LANDLOCK_LOG_RIGHTS = 0x2 | 0x4

_GIVEN = {"input": _LANDLOCK_FILE_RIGHTS, "former": _LANDLOCK_READ, "log": _LANDLOCK_LOG_RIGHTS}
"""What may be given to a program beside its directory, and what it may do with that."""
_GIVEN_FLAGS = {"input": _MS_RDONLY, "former": _MS_RDONLY, "log": 0}

_MEMORY_BYTES = 4 * 1024**3
"""Far more than unpacking takes, and less than what ends the host."""

_SPARE_INPUT, _SPARE_OUTPUT = 5, 6
_NEW_ROOT = "/tmp"
_SYSTEM = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32")

_libc = ctypes.CDLL(None, use_errno=True)


def main(arguments: list[str]) -> None:
    """Confine, then execute; whatever goes wrong before that ends with exit code 125 and one line."""
    split = arguments.index("--")
    options, program = arguments[:split], arguments[split + 1 :]
    given = {name: options[options.index(f"--{name}") + 1] for name in _GIVEN if f"--{name}" in options}
    try:
        if "--spare-pipes" in options:
            _spare_pipes()
        _enter_new_root(given, _MS_RDONLY if "--read-only" in options else 0)
        _restrict_with_landlock(given)
        _drop_privileges()
        os.execve(program[0], program, {"PATH": "/usr/bin:/bin", "LC_ALL": "C"})
    except OSError as error:
        sys.stderr.write(f"cannot confine {program[0]}: {error}\n")
        sys.exit(125)


def _check(result: int, what: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), what)
    return result


def _mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    encoded = [None if text is None else os.fsencode(text) for text in (source, target, kind, data)]
    flag_word = ctypes.c_ulong(flags)
    _check(_libc.mount(encoded[0], encoded[1], encoded[2], flag_word, encoded[3]), f"mount on {target}")


def _bind(source: str, target: str, flags: int) -> None:
    _mount(source, target, None, _MS_BIND)
    _mount(None, target, None, _MS_BIND | _MS_REMOUNT | _MS_NOSUID | _MS_NODEV | flags)


def _spare_pipes() -> None:
    """Move input and output out of the way; the null device is opened while there still is one."""
    os.dup2(0, _SPARE_INPUT, inheritable=True)
    os.dup2(1, _SPARE_OUTPUT, inheritable=True)
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    os.dup2(null, 0, inheritable=True)
    os.dup2(null, 1, inheritable=True)
    os.close(null)


def _enter_new_root(given: dict[str, str], target_flags: int) -> None:
    _check(_libc.unshare(_CLONE_NEWNS | _CLONE_NEWNET | _CLONE_NEWIPC | _CLONE_NEWUTS), "unshare")
    _mount(None, "/", None, _MS_REC | _MS_PRIVATE)
    sources = {name: os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC) for name, path in given.items()}
    _mount("tmpfs", _NEW_ROOT, "tmpfs", _MS_NOSUID | _MS_NODEV, "size=64k,mode=755")
    for name in _SYSTEM:
        _take_over(name)
    os.mkdir(f"{_NEW_ROOT}/etc")
    if os.path.exists("/etc/ld.so.cache"):
        _touch(f"{_NEW_ROOT}/etc/ld.so.cache")
        _bind("/etc/ld.so.cache", f"{_NEW_ROOT}/etc/ld.so.cache", _MS_RDONLY)
    os.mkdir(f"{_NEW_ROOT}/target")
    _bind(".", f"{_NEW_ROOT}/target", target_flags)
    for name, source in sources.items():
        (os.mkdir if name == "former" else _touch)(f"{_NEW_ROOT}/{name}")
        _bind(f"/proc/self/fd/{source}", f"{_NEW_ROOT}/{name}", _GIVEN_FLAGS[name])
        os.close(source)
    _mount(None, _NEW_ROOT, None, _MS_REMOUNT | _MS_BIND | _MS_RDONLY | _MS_NOSUID | _MS_NODEV)
    os.chdir(_NEW_ROOT)
    number = _SYS_PIVOT_ROOT[os.uname().machine]
    _check(_libc.syscall(number, b".", b"."), "pivot_root")
    _check(_libc.umount2(b".", _MNT_DETACH), "umount of the old root")
    os.chdir("/target")


def _take_over(name: str) -> None:
    """Show a directory of the host read-only, or repeat its symbolic link (`/bin` is one on a merged system)."""
    here, there = f"/{name}", f"{_NEW_ROOT}/{name}"
    if os.path.islink(here):
        os.symlink(os.readlink(here), there)
    elif os.path.isdir(here):
        os.mkdir(there)
        _bind(here, there, _MS_RDONLY)


def _touch(path: str) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))


def _restrict_with_landlock(given: dict[str, str]) -> None:
    """Allow writing below /target and to /log only, and no change of mounts.

    A kernel without Landlock leaves it at the rest.
    """
    abi = _libc.syscall(_SYS_LANDLOCK_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    if abi < 1:
        return
    rights = _LANDLOCK_RIGHTS_BY_ABI[min(abi, len(_LANDLOCK_RIGHTS_BY_ABI) - 1)]
    attributes = struct.pack("=Q", rights)
    ruleset = _check(
        _libc.syscall(_SYS_LANDLOCK_CREATE, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0)),
        "landlock_create_ruleset",
    )
    _allow(ruleset, "/target", rights)
    for name in (*_SYSTEM, "etc"):
        if os.path.isdir(f"/{name}") and not os.path.islink(f"/{name}"):
            _allow(ruleset, f"/{name}", _LANDLOCK_READ)
    for name in given:
        _allow(ruleset, f"/{name}", _GIVEN[name])
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    _check(_libc.syscall(_SYS_LANDLOCK_RESTRICT, ruleset, ctypes.c_uint32(0)), "landlock_restrict_self")
    os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    rule = struct.pack("=Qi", rights, parent)
    _check(_libc.syscall(_SYS_LANDLOCK_ADD, ruleset, 1, rule, ctypes.c_uint32(0)), f"landlock rule for {path}")
    os.close(parent)


def _drop_privileges() -> None:
    for capability in range(_LAST_CAPABILITY + 1):
        if capability not in _KEPT_CAPABILITIES:
            _check(_libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0), "dropping capabilities")
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    os.umask(0o022)


if __name__ == "__main__":
    main(sys.argv[1:])
