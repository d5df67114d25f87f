/**
 * What a restored server must not do to the surroundings of the one it came from. They stand last in its configuration.
 * `keepSideEffects` lifts them.
 */
export const OVERRIDES: Readonly<Record<string, string>> = {
  archive_mode: 'off',
  archive_command: '',
  primary_conninfo: '',
  primary_slot_name: '',
  synchronous_standby_names: '',
  max_logical_replication_workers: '0',
  log_destination: 'stderr',
  logging_collector: 'off',
}

/** Overrides that only newer versions know: the major version that brought each. */
const NEWER: Readonly<Record<string, readonly [major: number, value: string]>> = {
  archive_library: [15, ''],
  sync_replication_slots: [17, 'off'],
  synchronized_standby_slots: [17, ''],
}

/** The overrides that this major version knows. */
export function overridesFor(major: number): Record<string, string> {
  const newer = Object.entries(NEWER).filter(([, [since]]) => major >= since)
  return { ...OVERRIDES, ...Object.fromEntries(newer.map(([name, [, value]]) => [name, value])) }
}

/**
 * Libraries that do things by themselves once they are loaded: scheduled statements, requests to other machines,
 * replication, failover.
 */
export const JOB_LIBRARIES: ReadonlySet<string> = new Set([
  'pg_cron',
  'pg_partman_bgw',
  'pg_net',
  'pg_squeeze',
  'pg_dbms_job',
  'pg_task',
  'pg_later',
  'vectorize',
  'pglogical',
  'spock',
  'bdr',
  'bdrpg',
  'repmgr',
  'pgautofailover',
  'pg_failover_slots',
])

/** Settings of libraries that must be loaded for the data to be readable, but need not run jobs. */
export const JOB_SETTINGS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  timescaledb: { 'timescaledb.max_background_workers': '0', 'timescaledb.telemetry_level': 'off' },
  citus: { 'citus.recover_2pc_interval': '-1', 'citus.defer_shard_delete_interval': '-1' },
}

/** Settings that say where a server's files are. A restored one has its own, whatever is asked for. */
export const PLACE_SETTINGS: ReadonlySet<string> = new Set([
  'data_directory',
  'config_file',
  'hba_file',
  'ident_file',
  'external_pid_file',
])

/**
 * Settings that reach out of the server: addresses, files and programs of the machine it came from, and what belongs to
 * following another server or recovering to a point. They are not taken over unless side effects are kept.
 */
export const OUTSIDE_SETTINGS: ReadonlySet<string> = new Set([
  'archive_cleanup_command',
  'archive_command',
  'archive_library',
  'archive_mode',
  'bonjour',
  'bonjour_name',
  'cluster_name',
  'dynamic_library_path',
  'extension_control_path',
  'event_source',
  'krb_server_keyfile',
  'listen_addresses',
  'log_destination',
  'log_directory',
  'log_filename',
  'logging_collector',
  'oauth_validator_libraries',
  'port',
  'primary_conninfo',
  'primary_slot_name',
  'promote_trigger_file',
  'recovery_end_command',
  'recovery_min_apply_delay',
  'recovery_target',
  'recovery_target_action',
  'recovery_target_inclusive',
  'recovery_target_lsn',
  'recovery_target_name',
  'recovery_target_time',
  'recovery_target_timeline',
  'recovery_target_xid',
  'restore_command',
  'shared_preload_libraries',
  'stats_temp_directory',
  'synchronous_standby_names',
  'syslog_facility',
  'syslog_ident',
  'unix_socket_directories',
  'unix_socket_group',
  'unix_socket_permissions',
])
