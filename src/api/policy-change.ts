import { incrementsOf, type Policy, type Retention } from '../core/policy.ts'
import type { Parameters, Values } from './action.ts'
import { RdsError } from './errors.ts'
import { flag, integer, oneOf, type ParameterCodec } from './parameters.ts'
import {
  backupInterval,
  backupWindow,
  changedSchedule,
  cronExpression,
  drillCron,
  releasedKeep,
  retentionDays,
  switchWord,
  timeZone,
  weekdays,
} from './policy-parameters.ts'
import { refused } from './refused.ts'

/** 0 and nothing are the same: no archive. */
const noArchive: ParameterCodec<0> = { form: '0 or absent', parse: (text) => (text === '0' ? 0 : undefined) }

const most = (about: string) => ({ codec: integer({ min: 0, max: 1000 }), about })

/** What a policy may be changed in: by ModifyBackupPolicy, and in a preview of what that would do. */
export const POLICY_PARAMETERS = {
  BackupPolicyMode: {
    codec: oneOf(['DataBackupPolicy', 'LogBackupPolicy']),
    about: 'Taken and not needed: whatever is named is changed, and nothing else.',
  },
  PreferredBackupPeriod: { codec: weekdays, about: 'On which days a backup begins.' },
  PreferredBackupTime: {
    codec: backupWindow,
    about:
      'Between which times, UTC. When within them is told by the name of the instance, so that a fleet does not begin at once.',
  },
  BackupInterval: {
    codec: backupInterval,
    about: 'Minutes from the beginning of one automated backup to the next, beside those of the days; -1 for none.',
  },
  BackupRetentionPeriod: {
    codec: retentionDays,
    malformed: 'InvalidBackupRetentionPeriod.Malformed',
    about: 'Days that a set stays. RDS has 7 to 730.',
  },
  BackupLog: { codec: switchWord, about: 'The same as EnableBackupLog.' },
  EnableBackupLog: {
    codec: switchWord,
    about:
      'Whether the log is to be kept. It is noted, and shown again; no engine here follows the log yet, which EnablePitrProtection says by false.',
  },
  LogBackupRetentionPeriod: {
    codec: retentionDays,
    malformed: 'InvalidBackupRetentionPeriod.Malformed',
    about: 'Days that the log stays; it stays longer where a set needs it.',
  },
  ReleasedKeepPolicy: {
    codec: releasedKeep,
    malformed: 'InvalidReleasedKeepPolicy.Format',
    about:
      'What stays when the instance is deregistered: None (retention goes on), Lastest (the newest good set) or All.',
  },
  BackupPriority: {
    codec: oneOf(['1', '2']),
    about: '1: a replica is preferred, 2: the primary. The PreferReplica of the instance.',
  },
  BackupMethod: {
    codec: oneOf(['Physical', 'Logical']),
    malformed: 'OperationDenied.NotSupportedBackupMethod',
    about:
      'How automated backups are taken: Physical, or Logical (extension), of the whole instance. Snapshot is refused.',
  },
  EnableIncrementDataBackup: {
    codec: flag,
    about:
      'Whether automated backups, and those of BackupType Auto, add to the set before them where the engine can (PostgreSQL 17 and newer).',
  },
  ArchiveBackupRetentionPeriod: { codec: noArchive, about: '0. RetentionMonthly and its like keep sets for long.' },
  ArchiveBackupKeepCount: { codec: noArchive, about: '0.' },
  ArchiveBackupKeepPolicy: { codec: refused, about: 'RetentionMonthly and its like keep sets for long.' },
  IncrementChainLength: {
    codec: integer({ min: 1, max: 1000 }),
    about: 'Extension: so many increments follow a full set; the next backup is a full one.',
  },
  IncrementFullDays: {
    codec: integer({ min: 1, max: 36_500 }),
    about: 'Extension: a full set that is older is not added to any more; the next backup is a full one.',
  },
  ScheduleEnabled: { codec: flag, about: 'Extension: whether automated backups are taken.' },
  ScheduleCron: {
    codec: cronExpression,
    about:
      'Extension: when automated backups begin, instead of PreferredBackupPeriod, PreferredBackupTime and BackupInterval; naming one of those ends it.',
  },
  ScheduleTimeZone: { codec: timeZone, about: 'Extension: the time zone of ScheduleCron. UTC when it is not named.' },
  DrillEverySets: most(
    'Extension: the newest good set is drilled when so many came since the last one that was; 0: not for their number.',
  ),
  DrillCron: {
    codec: drillCron,
    about: 'Extension: the newest good set is drilled at these moments too. Off ends it.',
  },
  DrillTimeZone: { codec: timeZone, about: 'Extension: the time zone of DrillCron. UTC when it is not named.' },
  RetentionCount: most('Extension: so many of the newest good sets stay, whatever their age.'),
  RetentionDaily: most('Extension: the newest good set of so many days stays.'),
  RetentionWeekly: most('Extension: of so many weeks.'),
  RetentionMonthly: most('Extension: of so many months.'),
  RetentionYearly: most('Extension: of so many years.'),
  RetentionMinimum: {
    codec: integer({ min: 1, max: 1000 }),
    about:
      'Extension: so many of the newest good sets stay, however old they are and whatever end of their own they have.',
  },
} as const satisfies Parameters

export type PolicyValues = Values<typeof POLICY_PARAMETERS>

/** Refuses values that contradict each other. */
export function checkPolicyValues(values: PolicyValues): void {
  const { BackupLog, EnableBackupLog, ScheduleCron, ScheduleTimeZone } = values
  if (BackupLog !== undefined && EnableBackupLog !== undefined && BackupLog !== EnableBackupLog) {
    throw new RdsError('InvalidParameterCombination', 'BackupLog and EnableBackupLog say different things.')
  }
  const week = values.PreferredBackupPeriod ?? values.PreferredBackupTime ?? values.BackupInterval
  if (ScheduleCron !== undefined && week !== undefined) {
    throw new RdsError(
      'InvalidParameterCombination',
      'ScheduleCron is instead of PreferredBackupPeriod, PreferredBackupTime and BackupInterval.',
    )
  }
  if (ScheduleTimeZone !== undefined && ScheduleCron === undefined) {
    throw new RdsError('InvalidParameterCombination', 'ScheduleTimeZone is for ScheduleCron, which is not named.')
  }
  if (values.DrillTimeZone !== undefined && (values.DrillCron ?? 'Off') === 'Off') {
    throw new RdsError('InvalidParameterCombination', 'DrillTimeZone is for DrillCron, which is not named or Off.')
  }
}

/** A policy with what is named changed. */
export function changedPolicy(policy: Policy, values: PolicyValues): Policy {
  const { log } = policy
  return {
    schedule: changedSchedule(policy.schedule, {
      enabled: values.ScheduleEnabled,
      days: values.PreferredBackupPeriod,
      window: values.PreferredBackupTime,
      interval: values.BackupInterval,
      cron: cronOf(values),
      method: values.BackupMethod,
    }),
    retention: changedRetention(policy.retention, values),
    log: {
      enabled: values.EnableBackupLog ?? values.BackupLog ?? log.enabled,
      days: daysOf(values.LogBackupRetentionPeriod) ?? log.days,
    },
    releasedKeep: values.ReleasedKeepPolicy ?? policy.releasedKeep,
    ...changedIncrements(policy, values),
    ...changedDrills(policy, values),
  }
}

/** None in a policy in which nobody ever named them. */
function changedIncrements(policy: Policy, values: PolicyValues): Pick<Policy, 'increments'> {
  const { EnableIncrementDataBackup, IncrementChainLength, IncrementFullDays } = values
  const named = EnableIncrementDataBackup === true || (IncrementChainLength ?? IncrementFullDays) !== undefined
  // Terraform names the first in each change, and false is what there is.
  if (policy.increments === undefined && !named) return {}
  const before = incrementsOf(policy)
  return {
    increments: {
      enabled: EnableIncrementDataBackup ?? before.enabled,
      chainLength: IncrementChainLength ?? before.chainLength,
      fullDays: IncrementFullDays ?? before.fullDays,
    },
  }
}

/** None in a policy in which nobody ever named them. */
function changedDrills({ drills }: Policy, values: PolicyValues): Pick<Policy, 'drills'> {
  const { DrillEverySets, DrillCron, DrillTimeZone = 'UTC' } = values
  if ((drills ?? DrillEverySets ?? DrillCron) === undefined) return {}
  const named = DrillCron === undefined ? drills?.cron : { expression: DrillCron, timeZone: DrillTimeZone }
  const cron = DrillCron === 'Off' ? undefined : named
  return { drills: { everySets: DrillEverySets ?? drills?.everySets ?? 0, ...(cron && { cron }) } }
}

const cronOf = ({ ScheduleCron: expression, ScheduleTimeZone = 'UTC' }: PolicyValues) =>
  expression === undefined ? undefined : { expression, timeZone: ScheduleTimeZone }

/** -1 is RDS's word for ever. */
const FOR_EVER_DAYS = 36_500
const daysOf = (days: number | undefined) => (days === -1 ? FOR_EVER_DAYS : days)

function changedRetention(retention: Retention, values: PolicyValues): Retention {
  const { generations } = retention
  const days = values.BackupRetentionPeriod ?? retention.days
  return {
    ...(days !== undefined && days !== -1 && { days }),
    count: values.RetentionCount ?? retention.count,
    generations: {
      daily: values.RetentionDaily ?? generations.daily,
      weekly: values.RetentionWeekly ?? generations.weekly,
      monthly: values.RetentionMonthly ?? generations.monthly,
      yearly: values.RetentionYearly ?? generations.yearly,
    },
    minimum: values.RetentionMinimum ?? retention.minimum,
  }
}
