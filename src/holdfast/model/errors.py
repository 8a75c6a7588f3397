"""The tree of errors. A subclass takes values and builds the text; `status` is the HTTP status LXD gives for it."""

from __future__ import annotations

from collections.abc import Sequence


class HoldfastError(Exception):
    """Report something the caller can understand; `status` is what the API answers."""

    status: int = 500


class BadRequestError(HoldfastError):
    """Report input that can't be used."""

    status = 400


class NotAuthorizedError(HoldfastError):
    """Report a caller that may not do this."""

    status = 403

    def __init__(self, text: str = "not authorized") -> None:
        super().__init__(text)


class NotFoundError(HoldfastError):
    """Report a thing that isn't there."""

    status = 404


class ConflictError(HoldfastError):
    """Report a name or state that is already taken."""

    status = 409


class PreconditionError(HoldfastError):
    """Report an If-Match that no longer matches."""

    status = 412


class UnsupportedError(HoldfastError):
    """Report a verb that this server, driver or kernel doesn't have."""

    status = 501


class UnavailableError(HoldfastError):
    """Report a server that is starting or stopping."""

    status = 503


class InternalError(HoldfastError):
    """Report a failure whose cause lies in the host: storage, kernel, processes."""

    status = 500


class MigrationError(HoldfastError):
    """Report a transfer between two servers that failed: by what the other one sent or said, or by the connection."""

    status = 500


class ImageTransferError(HoldfastError):
    """An image could not be got from another server, or not be sent to one."""

    status = 500


class CancelledOperationError(HoldfastError):
    """Tell running work that its operation was cancelled."""

    status = 400


class InstanceNotFoundError(NotFoundError):
    def __init__(self, name: str = "") -> None:
        self.name = name
        super().__init__("Instance not found")


class SnapshotNotFoundError(NotFoundError):
    """A single read of a missing snapshot (LXD's text, `reference: api errors`)."""

    def __init__(self, project: str, instance: str, snapshot: str) -> None:
        super().__init__(
            f'Failed to fetch snapshot "{snapshot}" of instance "{instance}" in project "{project}": '
            "InstanceSnapshot not found"
        )


class PoolNotFoundError(NotFoundError):
    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__("Storage pool not found")


class VolumeNotFoundError(NotFoundError):
    def __init__(self, pool: str, name: str) -> None:
        self.pool, self.name = pool, name
        super().__init__("Storage pool volume not found")


class VolumeSnapshotNotFoundError(VolumeNotFoundError):
    """The volume is there, its snapshot is not: LXD's words for both, and which it is."""

    def __init__(self, pool: str, name: str, snapshot: str) -> None:
        super().__init__(pool, f"{name}/{snapshot}")
        self.args = (f'{self}: "{name}" in pool "{pool}" has no snapshot "{snapshot}"',)


class ProtectionNotFoundError(NotFoundError):
    """Report that there is no protection of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f'There is no protection "{name}": `holdfast backup-server list` shows them')


class NotStartedAgainError(HoldfastError):
    """Report an instance that has other content now and can't start with it. LXD gives the reason alone."""

    def __init__(self, name: str, reason: HoldfastError) -> None:
        self.status = reason.status
        super().__init__(f"{name} has its new content, but could not be started again, and stays stopped: {reason}")


class NameTakenInCopyError(ConflictError):
    """Report a refresh that shall keep the copy's snapshots, some of which have names that the source's have, too."""

    def __init__(self, names: Sequence[str], rename: str) -> None:
        noun, verb = ("Snapshot", "is") if len(names) == 1 else ("Snapshots", "are")
        super().__init__(
            f"{noun} {', '.join(names)} of the copy {verb} not what the source has under the same name: rename "
            f"in the copy (`{rename}`), or let a refresh with --prune-snapshots put the source's in the place"
        )


class VolumeConfigError(HoldfastError):
    """Report a configuration that a volume can't have. LXD answers 500 for it, and clients may look for that."""

    status = 500


class VolumeInUseError(HoldfastError):
    """Report a change that would pull a volume away from under a running instance (LXD's texts and status)."""

    status = 500


class ImageNotFoundError(NotFoundError):
    def __init__(self, wanted: str) -> None:
        self.wanted = wanted
        super().__init__("Image not found")


class ImageAliasNotFoundError(NotFoundError):
    def __init__(self, alias: str) -> None:
        self.alias = alias
        super().__init__("Image alias not found")


class ProfileNotFoundError(NotFoundError):
    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__("Profile not found")


class GoneProfileError(BadRequestError):
    """What was taken when a profile was there needs it now."""

    def __init__(self, what: str, profile: str, remedy: str) -> None:
        super().__init__(f'{what} needs the profile "{profile}", which is gone: make one of this name, {remedy}')


class ProjectNotFoundError(NotFoundError):
    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__("Project not found")


class BackupNotFoundError(NotFoundError):
    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__("Load backup from database: Instance backup not found")


class UploadNotFoundError(NotFoundError):
    def __init__(self, upload_id: str) -> None:
        self.upload_id = upload_id
        super().__init__("Upload not found: it is taken, removed or abandoned")


class OperationNotFoundError(NotFoundError):
    def __init__(self, operation_id: str) -> None:
        self.operation_id = operation_id
        super().__init__("Operation not found")


class WarningNotFoundError(NotFoundError):
    def __init__(self, warning_id: str) -> None:
        self.warning_id = warning_id
        super().__init__("Warning not found")


class CertificateNotFoundError(NotFoundError):
    def __init__(self, fingerprint: str) -> None:
        self.fingerprint = fingerprint
        super().__init__("Certificate not found")


class BrowserNotFoundError(NotFoundError):
    def __init__(self, browser_id: str) -> None:
        self.browser_id = browser_id
        super().__init__("Browser not found: it isn't signed in any more")


class TooManyGuessesError(HoldfastError):
    """Report somebody who has given wrong passwords or tokens too often; right ones are refused, too, for a while."""

    status = 429

    def __init__(self, wait_s: float) -> None:
        self.wait_s = wait_s
        super().__init__(f"Too many wrong passwords or tokens: try again in {max(1, round(wait_s))} seconds")


class StorageError(InternalError):
    """A storage driver's verb failed; the text names the volume, the verb and the cause."""


class PoolUnavailableError(StorageError):
    """A pool can't be activated: what holds it isn't there."""

    def __init__(self, pool: str, why: str) -> None:
        self.pool, self.why = pool, why.removeprefix(f'Storage pool "{pool}": ')
        super().__init__(
            f'Storage pool "{pool}" is unavailable: {self.why}. Once that is mended it goes on by itself; if its disk '
            f"is lost for good, `holdfast storage delete {pool} --force` removes the records of what was in it"
        )


class NoSpaceError(StorageError):
    """The pool or the host file system is full."""


class QuotaError(NoSpaceError):
    """What is written to has used up its own size, and not its pool."""


class CommandError(InternalError):
    """A process failed: the text holds a copy-pasteable command line, exit code and the end of its stderr."""

    def __init__(self, argv: list[str], code: int, stderr: str) -> None:
        import shlex

        self.argv, self.code, self.stderr = argv, code, stderr
        super().__init__(f"Command failed with exit code {code}: {shlex.join(argv)}: {stderr.strip()[-1000:]}")


class ArchiveError(BadRequestError):
    """An archive from outside breaks a rule; the text names the member and the rule."""


class RuntimeFailure(InternalError):
    """The container or virtual machine runtime refused; the text ends with the last lines of its log."""
