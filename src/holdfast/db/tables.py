"""The tables. A change here needs a migration beside it (a test compares the two)."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from holdfast.db.columns import DeviceMap, StringList, StringMap, UtcTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

projects = Table(
    "projects",
    metadata,
    Column("name", String, primary_key=True),
    Column("description", Text, nullable=False),
    Column("config", StringMap, nullable=False),
)

profiles = Table(
    "profiles",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("project", ForeignKey("projects.name"), nullable=False),
    Column("name", String, nullable=False),
    Column("description", Text, nullable=False),
    Column("config", StringMap, nullable=False),
    Column("devices", DeviceMap, nullable=False),
    UniqueConstraint("project", "name"),
)

pools = Table(
    "pools",
    metadata,
    Column("name", String, primary_key=True),
    Column("driver", String, nullable=False),
    Column("description", Text, nullable=False),
    Column("config", StringMap, nullable=False),
    Column("created_at", UtcTime, nullable=True),
)

instances = Table(
    "instances",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("project", ForeignKey("projects.name"), nullable=False),
    Column("name", String, nullable=False),
    Column("type", String, nullable=False),
    Column("architecture", String, nullable=False),
    Column("description", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("last_used_at", UtcTime, nullable=True),
    Column("ephemeral", Boolean, nullable=False),
    Column("stateful", Boolean, nullable=False),
    Column("profiles", StringList, nullable=False),
    Column("config", StringMap, nullable=False),
    Column("devices", DeviceMap, nullable=False),
    Column("pool", ForeignKey("pools.name"), nullable=False),
    UniqueConstraint("project", "name"),
)

instance_snapshots = Table(
    "instance_snapshots",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("instance_id", ForeignKey("instances.id", ondelete="CASCADE"), nullable=False),
    Column("name", String, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=True),
    Column("last_used_at", UtcTime, nullable=True),
    Column("architecture", String, nullable=False),
    Column("description", Text, nullable=False),
    Column("ephemeral", Boolean, nullable=False),
    Column("stateful", Boolean, nullable=False),
    Column("profiles", StringList, nullable=False),
    Column("config", StringMap, nullable=False),
    Column("devices", DeviceMap, nullable=False),
    Column("held", Boolean, nullable=False, server_default=false()),
    Column("schedule", String, nullable=False, server_default=""),
    Column("due_at", UtcTime, nullable=True),
    Column("instance_description", Text, nullable=False, server_default=""),
    UniqueConstraint("instance_id", "name"),
)

former_states = Table(
    "former_states",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("instance_id", ForeignKey("instances.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("snapshot", String, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("payload", Text, nullable=False),
)

volumes = Table(
    "volumes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("project", ForeignKey("projects.name"), nullable=False),
    Column("pool", ForeignKey("pools.name"), nullable=False),
    Column("name", String, nullable=False),
    Column("content_type", String, nullable=False),
    Column("description", Text, nullable=False),
    Column("config", StringMap, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    UniqueConstraint("pool", "project", "name"),
)

volume_snapshots = Table(
    "volume_snapshots",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("volume_id", ForeignKey("volumes.id", ondelete="CASCADE"), nullable=False),
    Column("name", String, nullable=False),
    Column("description", Text, nullable=False),
    Column("config", StringMap, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=True),
    Column("held", Boolean, nullable=False),
    Column("schedule", String, nullable=False),
    Column("due_at", UtcTime, nullable=True),
    UniqueConstraint("volume_id", "name"),
)

schedule_runs = Table(
    "schedule_runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("instance_id", ForeignKey("instances.id", ondelete="CASCADE"), nullable=True),
    Column("volume_id", ForeignKey("volumes.id", ondelete="CASCADE"), nullable=True),
    Column("protection_id", ForeignKey("protections.id", ondelete="CASCADE"), nullable=True),
    Column("schedule", String, nullable=False),
    Column("rule", String, nullable=False),
    Column("checked_until", UtcTime, nullable=False),
    Column("last_due_at", UtcTime, nullable=True),
    Column("last_run_at", UtcTime, nullable=True),
    Column("last_success_at", UtcTime, nullable=True),
    Column("failures", Integer, nullable=False),
    Column("error", Text, nullable=False),
    UniqueConstraint("instance_id", "schedule"),
    UniqueConstraint("volume_id", "schedule"),
    UniqueConstraint("protection_id", "schedule"),
)

backups = Table(
    "backups",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("instance_id", ForeignKey("instances.id", ondelete="CASCADE"), nullable=False),
    Column("name", String, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=True),
    Column("instance_only", Boolean, nullable=False),
    Column("optimized_storage", Boolean, nullable=False),
    Column("compression", String, nullable=False),
    UniqueConstraint("instance_id", "name"),
)

volume_backups = Table(
    "volume_backups",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("volume_id", ForeignKey("volumes.id", ondelete="CASCADE"), nullable=False),
    Column("name", String, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=True),
    Column("volume_only", Boolean, nullable=False),
    Column("optimized_storage", Boolean, nullable=False),
    Column("compression", String, nullable=False),
    UniqueConstraint("volume_id", "name"),
)

images = Table(
    "images",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("project", ForeignKey("projects.name"), nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("filename", String, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("public", Boolean, nullable=False),
    Column("auto_update", Boolean, nullable=False),
    Column("cached", Boolean, nullable=False),
    Column("architecture", String, nullable=False),
    Column("type", String, nullable=False),
    Column("properties", StringMap, nullable=False),
    Column("profiles", StringList, nullable=False),
    Column("created_at", UtcTime, nullable=True),
    Column("uploaded_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=True),
    Column("last_used_at", UtcTime, nullable=True),
    Column("is_split", Boolean, nullable=False),
    UniqueConstraint("project", "fingerprint"),
)

image_aliases = Table(
    "image_aliases",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("project", ForeignKey("projects.name"), nullable=False),
    Column("name", String, nullable=False),
    Column("image_id", ForeignKey("images.id", ondelete="CASCADE"), nullable=False),
    Column("description", Text, nullable=False),
    Column("type", String, nullable=False),
    UniqueConstraint("project", "name"),
)

server_config = Table(
    "server_config",
    metadata,
    Column("key", String, primary_key=True),
    Column("value", Text, nullable=False),
)

intents = Table(
    "intents",
    metadata,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("payload", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)

warnings = Table(
    "warnings",
    metadata,
    Column("id", String, primary_key=True),
    Column("project", String, nullable=True),
    Column("kind", String, nullable=False),
    Column("entity", String, nullable=False),
    Column("message", Text, nullable=False),
    Column("status", String, nullable=False),
    Column("occurrences", Integer, nullable=False),
    Column("first_seen_at", UtcTime, nullable=False),
    Column("last_seen_at", UtcTime, nullable=False),
    UniqueConstraint("project", "kind", "entity"),
)

protections = Table(
    "protections",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("remote", String, nullable=False),
    Column("address", String, nullable=False),
    Column("certificate", Text, nullable=False),
    Column("project", String, nullable=False),
    Column("pattern", String, nullable=False),
    Column("target_project", ForeignKey("projects.name"), nullable=False),
    Column("pool", ForeignKey("pools.name"), nullable=False),
    Column("schedule", String, nullable=False),
    Column("keep", String, nullable=False),
    Column("window", String, nullable=False),
    Column("bytes_per_s", BigInteger, nullable=True),
    Column("parallel", Integer, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    UniqueConstraint("name"),
)

protected_copies = Table(
    "protected_copies",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("protection_id", ForeignKey("protections.id", ondelete="CASCADE"), nullable=False),
    Column("instance", String, nullable=False),
    Column("tried_at", UtcTime, nullable=True),
    Column("succeeded_at", UtcTime, nullable=True),
    Column("error", Text, nullable=False),
    Column("received_bytes", BigInteger, nullable=False),
    Column("duration_s", Float, nullable=False),
    Column("missing", Boolean, nullable=False),
    UniqueConstraint("protection_id", "instance"),
)

certificates = Table(
    "certificates",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("fingerprint", String, nullable=False),
    Column("name", String, nullable=False),
    Column("type", String, nullable=False),
    Column("restricted", Boolean, nullable=False),
    Column("pem", Text, nullable=False),
    Column("valid_from", UtcTime, nullable=False),
    Column("valid_until", UtcTime, nullable=False),
    UniqueConstraint("fingerprint"),
)

certificate_projects = Table(
    "certificate_projects",
    metadata,
    Column("certificate_id", ForeignKey("certificates.id", ondelete="CASCADE"), primary_key=True),
    Column("project", ForeignKey("projects.name"), primary_key=True),
)

browsers = Table(
    "browsers",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("secret_hash", String, nullable=False),
    Column("address", String, nullable=False),
    Column("restricted", Boolean, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("last_seen_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    UniqueConstraint("secret_hash"),
)

browser_projects = Table(
    "browser_projects",
    metadata,
    Column("browser_id", ForeignKey("browsers.id", ondelete="CASCADE"), primary_key=True),
    Column("project", ForeignKey("projects.name"), primary_key=True),
)

transfer_bases = Table(
    "transfer_bases",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("instance_id", ForeignKey("instances.id", ondelete="CASCADE"), nullable=True),
    Column("volume_id", ForeignKey("volumes.id", ondelete="CASCADE"), nullable=True),
    Column("pool", String, nullable=False),
    Column("token", String, nullable=False),
    Column("is_received", Boolean, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("snapshot_id", ForeignKey("instance_snapshots.id", ondelete="CASCADE"), nullable=True),
    Column("listed", String, nullable=False, server_default=""),
    UniqueConstraint("pool", "token"),
)

sent_copies = Table(
    "sent_copies",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("instance_id", ForeignKey("instances.id", ondelete="CASCADE"), nullable=False),
    Column("protocol", String, nullable=False),
    Column("username", String, nullable=False),
    Column("sent_at", UtcTime, nullable=False),
    UniqueConstraint("instance_id", "protocol", "username"),
)

measured_sizes = Table(
    "measured_sizes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("instance_id", ForeignKey("instances.id", ondelete="CASCADE"), nullable=True, unique=True),
    Column("instance_snapshot_id", ForeignKey("instance_snapshots.id", ondelete="CASCADE"), nullable=True, unique=True),
    Column("volume_id", ForeignKey("volumes.id", ondelete="CASCADE"), nullable=True, unique=True),
    Column("volume_snapshot_id", ForeignKey("volume_snapshots.id", ondelete="CASCADE"), nullable=True, unique=True),
    Column("pool", String, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("entries", BigInteger, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("measured_at", UtcTime, nullable=False),
)
