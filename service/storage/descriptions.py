"""What the metrics of Tarantool's nodes mean, for people who see them in Prometheus.

Names that begin with `tnt_` and their units are those of Tarantool's rock `metrics`, so
that dashboards made for it work.
"""

DESCRIPTIONS = {
    "kv_storage_up": "Whether Tarantool answers.",
    "kv_keys": "Keys, expired ones included until they are deleted.",
    "kv_keys_expiring": "Keys that expire.",
    "kv_accounts": "Accounts.",
    "kv_revision": "The revision of the last write.",
    "kv_expired_keys_total": "Expired keys that this node has deleted.",
    "kv_changes_oldest_revision": "The oldest revision that a watcher can resume from.",
    "kv_changes_bytes": "Memory of the change log.",
    "kv_changes_limit_bytes": "The limit of the change log; 0: there is no change log.",
    "kv_idempotency_records": "Idempotency records.",
    "kv_idempotency_bytes": "Memory of the idempotency records.",
    "kv_memory_used_bytes": "Memory in use by data and indexes, with the reserve.",
    "kv_memory_limit_bytes": "The limit of the memory for data and indexes.",
    "kv_disk_free_bytes": "Free space of the disk of the write-ahead log.",
    "kv_disk_reserve_bytes": "Free space below which writes that add data are refused.",
    "kv_wal_bytes": "Size of the files of the write-ahead log.",
    "kv_wal_wait_seconds": "Time from commit to durable; in a cluster to confirmed.",
    "kv_snapshot_timestamp_seconds": "Time of the last snapshot.",
    "kv_writes_accepted": (
        "Whether this node accepts writes that add data: it leads, and has refused none"
        " in the last 30 s because memory or disk is full."
    ),
    "kv_backup_last_success_timestamp_seconds": (
        "Time of the last backup of this node; 0: there was none."
    ),
    "kv_backup_last_bytes": "Size of the last backup of this node.",
}


def description_of(name: str) -> str:
    """The text for a metric, as `kv.v1.metrics` names it."""
    return DESCRIPTIONS.get(name) or f"Tarantool: {name}."
