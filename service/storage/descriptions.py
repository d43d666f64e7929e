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

#: Of Tarantool itself. Its versions have some more.
OF_TARANTOOL = {
    "tnt_cpu_system_time": "CPU time of Tarantool in the kernel, in seconds.",
    "tnt_cpu_user_time": "CPU time of Tarantool in user mode, in seconds.",
    "tnt_election_leader": "The id of the leader in this term; 0: none is known.",
    "tnt_election_leader_idle": "Seconds since the leader was heard from.",
    "tnt_election_state": "0: follower, 1: candidate, 2: leader.",
    "tnt_election_term": "The term of the election.",
    "tnt_election_vote": "The id of the node that this one votes for; 0: none.",
    "tnt_fiber_amount": "Fibers.",
    "tnt_fiber_csw": "Context switches of the fibers that exist.",
    "tnt_fiber_memalloc": "Bytes allocated for fibers.",
    "tnt_fiber_memused": "Bytes used by fibers.",
    "tnt_info_lsn": "The number of the last own record in the write-ahead log.",
    "tnt_info_memory_cache": "Bytes of the cache of vinyl.",
    "tnt_info_memory_data": "Bytes of tuples.",
    "tnt_info_memory_index": "Bytes of indexes.",
    "tnt_info_memory_lua": "Bytes of the Lua runtime.",
    "tnt_info_memory_net": "Bytes of network buffers.",
    "tnt_info_memory_tx": "Bytes of transactions of vinyl.",
    "tnt_info_uptime": "Seconds since the start.",
    "tnt_info_vclock": "The last record that came from each node.",
    "tnt_memory": "Resident memory of Tarantool in bytes.",
    "tnt_memory_virt": "Virtual memory of Tarantool in bytes.",
    "tnt_net_connections_current": "Connections.",
    "tnt_net_connections_total": "Connections since the start.",
    "tnt_net_received_total": "Bytes received.",
    "tnt_net_requests_current": "Requests in flight.",
    "tnt_net_requests_in_progress_current": "Requests that are being executed.",
    "tnt_net_requests_in_progress_total": "Requests that were executed.",
    "tnt_net_requests_in_stream_queue_current": "Requests in the queues of streams.",
    "tnt_net_requests_in_stream_queue_total": "Requests that were in such queues.",
    "tnt_net_requests_total": "Requests received.",
    "tnt_net_sent_total": "Bytes sent.",
    "tnt_read_only": "Whether the node is read-only.",
    "tnt_replication_lag": "Seconds that a stream of replication is behind.",
    "tnt_replication_lsn": "Records of the log that a node is behind.",
    "tnt_replication_status": "Whether a stream of replication works.",
    "tnt_runtime_lua": "Bytes of the Lua runtime.",
    "tnt_runtime_tuple": "Bytes of tuples outside of the arena.",
    "tnt_runtime_used": "Bytes allocated for the runtime.",
    "tnt_slab_arena_size": "Bytes allocated for tuples and indexes.",
    "tnt_slab_arena_used": "Bytes used by tuples and indexes.",
    "tnt_slab_arena_used_ratio": "arena_used of arena_size in percent.",
    "tnt_slab_items_size": "Bytes of the slabs of tuples.",
    "tnt_slab_items_used": "Bytes used by tuples.",
    "tnt_slab_items_used_ratio": "items_used of items_size in percent.",
    "tnt_slab_quota_size": "The limit of the allocator in bytes.",
    "tnt_slab_quota_used": "Bytes that the allocator has taken of its limit.",
    "tnt_slab_quota_used_ratio": "quota_used of quota_size in percent.",
    "tnt_space_bsize": "Bytes of the tuples of a space.",
    "tnt_space_index_bsize": "Bytes of an index.",
    "tnt_space_len": "Tuples of a space.",
    "tnt_space_total_bsize": "Bytes of a space with its indexes.",
    "tnt_stats_op_total": "Operations.",
    "tnt_synchro_queue_busy": "Whether the queue is being processed.",
    "tnt_synchro_queue_len": "Transactions that wait for a majority.",
    "tnt_synchro_queue_owner": "The id of the leader of the queue.",
    "tnt_synchro_queue_term": "The term of the leader of the queue.",
}


def description_of(name: str) -> str:
    """The text for a metric, as `kv.v1.metrics` names it."""
    text = DESCRIPTIONS.get(name) or OF_TARANTOOL.get(name)
    return text or f"Tarantool: {name}."
