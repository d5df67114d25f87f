import type { Action } from './action.ts'
import { assumeRole } from './actions/assume-role.ts'
import { cancelTask } from './actions/cancel-task.ts'
import { cloneDBInstance } from './actions/clone-db-instance.ts'
import { createAccessKey } from './actions/create-access-key.ts'
import { createBackup } from './actions/create-backup.ts'
import { deleteAccessKey } from './actions/delete-access-key.ts'
import { deleteBackup } from './actions/delete-backup.ts'
import { deleteDBInstance } from './actions/delete-db-instance.ts'
import { deregisterDBInstance } from './actions/deregister-db-instance.ts'
import { describeAlerts } from './actions/describe-alerts.ts'
import { describeAuditRecords } from './actions/describe-audit-records.ts'
import { describeAvailableRecoveryTime } from './actions/describe-available-recovery-time.ts'
import { describeAvailableZones } from './actions/describe-available-zones.ts'
import { describeBackupDatabase } from './actions/describe-backup-database.ts'
import { describeBackupPolicy } from './actions/describe-backup-policy.ts'
import { describeBackupSetTasks } from './actions/describe-backup-set-tasks.ts'
import { describeBackupTasks } from './actions/describe-backup-tasks.ts'
import { describeBackups } from './actions/describe-backups.ts'
import { describeBinlogFiles } from './actions/describe-binlog-files.ts'
import { describeDatabases } from './actions/describe-databases.ts'
import { describeDBInstanceAttribute } from './actions/describe-db-instance-attribute.ts'
import { describeDBInstanceHAConfig } from './actions/describe-db-instance-ha-config.ts'
import { describeDBInstanceNetInfo } from './actions/describe-db-instance-net-info.ts'
import { describeDBInstances } from './actions/describe-db-instances.ts'
import { describeDetachedBackups } from './actions/describe-detached-backups.ts'
import { describeLocalAvailableRecoveryTime } from './actions/describe-local-available-recovery-time.ts'
import { describeLogBackupFiles } from './actions/describe-log-backup-files.ts'
import { describeMetaList } from './actions/describe-meta-list.ts'
import { describeRegions } from './actions/describe-regions.ts'
import { describeServiceBandwidth } from './actions/describe-service-bandwidth.ts'
import { drillBackup } from './actions/drill-backup.ts'
import { listAccessKeys } from './actions/list-access-keys.ts'
import { modifyAccessKey } from './actions/modify-access-key.ts'
import { modifyBackupPolicy } from './actions/modify-backup-policy.ts'
import { modifyBackupSetExpireTime } from './actions/modify-backup-set-expire-time.ts'
import { modifyDBInstanceNodes } from './actions/modify-db-instance-nodes.ts'
import { modifyDBInstanceSettings } from './actions/modify-db-instance-settings.ts'
import { modifyServiceBandwidth } from './actions/modify-service-bandwidth.ts'
import { pinBackupSet } from './actions/pin-backup-set.ts'
import { previewBackupPolicy } from './actions/preview-backup-policy.ts'
import { registerDBInstance } from './actions/register-db-instance.ts'
import { restoreBackup } from './actions/restore-backup.ts'
import { restoreTable } from './actions/restore-table.ts'
import { revokeBackupLinks } from './actions/revoke-backup-links.ts'
import { rotateAccessKey } from './actions/rotate-access-key.ts'
import { verifyBackup } from './actions/verify-backup.ts'

/** Every action of the RPC surface, in the order of the reference: those of RDS first. The one list of them. */
export const ACTIONS: readonly Action[] = [
  describeBackups,
  createBackup,
  deleteBackup,
  describeBackupTasks,
  describeBackupPolicy,
  modifyBackupPolicy,
  modifyBackupSetExpireTime,
  describeDetachedBackups,
  describeBackupDatabase,
  describeMetaList,
  describeLogBackupFiles,
  describeBinlogFiles,
  describeLocalAvailableRecoveryTime,
  describeAvailableRecoveryTime,
  restoreTable,
  cloneDBInstance,
  deleteDBInstance,
  describeDBInstances,
  describeDBInstanceAttribute,
  describeDBInstanceNetInfo,
  describeDBInstanceHAConfig,
  describeDatabases,
  describeRegions,
  describeAvailableZones,
  registerDBInstance,
  modifyDBInstanceSettings,
  modifyDBInstanceNodes,
  describeServiceBandwidth,
  modifyServiceBandwidth,
  deregisterDBInstance,
  verifyBackup,
  drillBackup,
  revokeBackupLinks,
  pinBackupSet,
  previewBackupPolicy,
  restoreBackup,
  describeBackupSetTasks,
  cancelTask,
  createAccessKey,
  listAccessKeys,
  modifyAccessKey,
  rotateAccessKey,
  deleteAccessKey,
  assumeRole,
  describeAlerts,
  describeAuditRecords,
]
