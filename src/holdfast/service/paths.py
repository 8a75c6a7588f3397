"""Where things are below the server's directory. Only names: `prepare` is the one method that touches the disk."""

from __future__ import annotations

from pathlib import Path

from holdfast.model.kinds import DEFAULT_PROJECT


def instance_key(project: str, name: str) -> str:
    """Return the name that is unique over projects: bare in "default", `<project>_<name>` elsewhere."""
    return name if project == DEFAULT_PROJECT else f"{project}_{name}"


class Paths:
    """The directories and files below one root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.socket = root / "unix.socket"
        self.lock = root / "lock"
        self.server_certificate = root / "server.crt"
        self.server_key = root / "server.key"
        self.database_dir = root / "database"
        self.database = self.database_dir / "holdfast.db"
        self.pools = root / "storage-pools"
        self.disks = root / "disks"
        self.images = root / "images"
        self.backups = root / "backups"
        self.incoming = self.backups / ".incoming"
        self.uploads = self.backups / ".uploads"
        self.logs = root / "logs"
        self.run = root / "run"

    def pool(self, name: str) -> Path:
        """Return where the tree of a pool appears."""
        return self.pools / name

    def instance_logs(self, project: str, name: str) -> Path:
        return self.logs / instance_key(project, name)

    def image(self, fingerprint: str) -> Path:
        """Return the file of a unified image, the metadata file of a split one."""
        return self.images / fingerprint

    def image_rootfs(self, fingerprint: str) -> Path:
        """Return the root file system's file of a split image."""
        return self.images / f"{fingerprint}.rootfs"

    def prepare(self) -> None:
        """Make the directories, for the owner only whatever the umask or their mode was.

        The root itself lets others through, not look: the group that may open the socket must reach it.
        """
        below = (
            self.database_dir,
            self.pools,
            self.disks,
            self.images,
            self.backups,
            self.incoming,
            self.uploads,
            self.logs,
            self.run,
        )
        self.root.mkdir(mode=0o711, parents=True, exist_ok=True)
        self.root.chmod(0o711)
        for path in (*below, self.backups / "instances"):
            path.mkdir(mode=0o700, exist_ok=True)
            path.chmod(0o700)
