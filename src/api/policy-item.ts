import { z } from 'zod'
import type { KnownPolicy } from '../catalog/policy-rows.ts'
import { incrementsOf } from '../core/policy.ts'
import type { Instance } from '../core/instance.ts'
import type { Moment } from '../lib/clock.ts'
import { isoSeconds } from '../lib/time.ts'
import { renderReleasedKeep, renderWindow } from './policy-parameters.ts'

const minuteOf = (moment: Moment): string => `${isoSeconds(moment).slice(0, 16)}Z`

/** A policy as DescribeBackupPolicy shows it: the fields of RDS, with its types, then ours. */
export const policyItem = z.object({
  PreferredBackupPeriod: z.string().describe('Days with commas between them.'),
  PreferredBackupTime: z.string(),
  PreferredNextBackupTime: z.string().describe('When the next automated backup is due; empty for none.'),
  BackupRetentionPeriod: z.int().describe('Days; -1 for ever.'),
  BackupInterval: z.string().describe('Minutes; -1 for none beside the weekly backups.'),
  BackupMethod: z.enum(['Physical', 'Logical']).describe('How automated backups are taken.'),
  BackupPriority: z.int().describe('1: a replica is preferred, 2: the primary.'),
  SupportModifyBackupPriority: z.literal(true),
  BackupLog: z.enum(['Enable', 'Disabled']),
  EnableBackupLog: z.enum(['1', '0']),
  LogBackupRetentionPeriod: z.int().describe('Days.'),
  LogBackupFrequency: z.literal('LogInterval'),
  LogBackupLocalRetentionNumber: z.int(),
  LocalLogRetentionHours: z.int(),
  LocalLogRetentionSpace: z.string(),
  HighSpaceUsageProtection: z.literal('Disable'),
  EnableIncrementDataBackup: z.boolean().describe('Whether automated backups add to the set before them.'),
  EnablePitrProtection: z.literal(false),
  PitrRetentionPeriod: z.literal(0),
  ArchiveBackupRetentionPeriod: z.literal('0'),
  ArchiveBackupKeepCount: z.literal('0'),
  ArchiveBackupKeepPolicy: z.literal('KeepAll'),
  ReleasedKeepPolicy: z.string().describe('None, Lastest (as RDS writes it) or All.'),
  SupportReleasedKeep: z.literal(1),
  SupportVolumeShadowCopy: z.literal(0),
  SupportsHighFrequencyBackup: z.literal(1),
  Category: z.literal('Standard'),
  CompressType: z.literal(''),
  Duplication: z.literal(''),
  DuplicationContent: z.literal(''),
  IncrementChainLength: z.int().describe('Extension: so many increments follow a full set.'),
  IncrementFullDays: z.int().describe('Extension: days after which a full set is not added to any more.'),
  ScheduleEnabled: z.boolean().describe('Extension: whether automated backups are taken.'),
  ScheduleCron: z.string().describe('Extension: cron instead of days, window and interval; empty for none.'),
  ScheduleTimeZone: z.string().describe('Extension: the time zone of the cron; empty for none.'),
  DrillEverySets: z.int().describe('Extension: the newest set is drilled when so many came; 0: not for their number.'),
  DrillCron: z.string().describe('Extension: cron of drills; empty for none.'),
  DrillTimeZone: z.string().describe('Extension: the time zone of that cron; empty for none.'),
  RetentionCount: z.int().describe('Extension: so many of the newest good sets stay.'),
  RetentionDaily: z.int().describe('Extension: the newest good set of so many days stays.'),
  RetentionWeekly: z.int().describe('Extension: of so many weeks.'),
  RetentionMonthly: z.int().describe('Extension: of so many months.'),
  RetentionYearly: z.int().describe('Extension: of so many years.'),
  RetentionMinimum: z.int().describe('Extension: so many of the newest good sets stay, however old.'),
})

/** A policy in the words of RDS. `next`: when the next automated backup is due. */
export function renderPolicy(
  { policy }: KnownPolicy,
  { settings }: Pick<Instance, 'settings'>,
  next: Moment | undefined,
): z.infer<typeof policyItem> {
  const { schedule, retention, log } = policy
  const { generations } = retention
  const increments = incrementsOf(policy)
  return {
    PreferredBackupPeriod: schedule.weekly.days.join(','),
    PreferredBackupTime: renderWindow(schedule.weekly),
    PreferredNextBackupTime: next === undefined ? '' : minuteOf(next),
    BackupRetentionPeriod: retention.days ?? -1,
    BackupInterval: String(schedule.everyMinutes ?? -1),
    BackupMethod: schedule.method ?? 'Physical',
    BackupPriority: settings.preferReplica ? 1 : 2,
    SupportModifyBackupPriority: true,
    BackupLog: log.enabled ? 'Enable' : 'Disabled',
    EnableBackupLog: log.enabled ? '1' : '0',
    LogBackupRetentionPeriod: log.days,
    LogBackupFrequency: 'LogInterval',
    LogBackupLocalRetentionNumber: 60,
    LocalLogRetentionHours: 0,
    LocalLogRetentionSpace: '0',
    HighSpaceUsageProtection: 'Disable',
    EnableIncrementDataBackup: increments.enabled,
    EnablePitrProtection: false,
    PitrRetentionPeriod: 0,
    ArchiveBackupRetentionPeriod: '0',
    ArchiveBackupKeepCount: '0',
    ArchiveBackupKeepPolicy: 'KeepAll',
    ReleasedKeepPolicy: renderReleasedKeep(policy.releasedKeep),
    SupportReleasedKeep: 1,
    SupportVolumeShadowCopy: 0,
    SupportsHighFrequencyBackup: 1,
    Category: 'Standard',
    CompressType: '',
    Duplication: '',
    DuplicationContent: '',
    IncrementChainLength: increments.chainLength,
    IncrementFullDays: increments.fullDays,
    ScheduleEnabled: schedule.enabled,
    ScheduleCron: schedule.cron?.expression ?? '',
    ScheduleTimeZone: schedule.cron?.timeZone ?? '',
    DrillEverySets: policy.drills?.everySets ?? 0,
    DrillCron: policy.drills?.cron?.expression ?? '',
    DrillTimeZone: policy.drills?.cron?.timeZone ?? '',
    RetentionCount: retention.count,
    RetentionDaily: generations.daily,
    RetentionWeekly: generations.weekly,
    RetentionMonthly: generations.monthly,
    RetentionYearly: generations.yearly,
    RetentionMinimum: retention.minimum,
  }
}
