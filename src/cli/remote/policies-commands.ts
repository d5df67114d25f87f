import type { Command } from 'commander'
import { z } from 'zod'
import type { Parts } from '../parts.ts'
import { formatFields, formatTable } from '../table.ts'
import { formatBytes, formatTime } from '../units.ts'
import type { Client } from './client.ts'
import { clientOf, printJson, withRemoteOptions, type RemoteOptions } from './session.ts'

const policyShape = z.object({
  ScheduleEnabled: z.boolean(),
  BackupMethod: z.string(),
  PreferredBackupPeriod: z.string(),
  PreferredBackupTime: z.string(),
  PreferredNextBackupTime: z.string(),
  BackupInterval: z.string(),
  EnableIncrementDataBackup: z.boolean(),
  IncrementChainLength: z.number(),
  IncrementFullDays: z.number(),
  ScheduleCron: z.string(),
  ScheduleTimeZone: z.string(),
  BackupPriority: z.number(),
  BackupRetentionPeriod: z.number(),
  DrillEverySets: z.number(),
  DrillCron: z.string(),
  DrillTimeZone: z.string(),
  RetentionCount: z.number(),
  RetentionDaily: z.number(),
  RetentionWeekly: z.number(),
  RetentionMonthly: z.number(),
  RetentionYearly: z.number(),
  RetentionMinimum: z.number(),
  ReleasedKeepPolicy: z.string(),
})
type Policy = z.infer<typeof policyShape>

const verdict = z.object({
  BackupId: z.string(),
  BackupStartTime: z.string(),
  BackupSize: z.number(),
  Kept: z.boolean(),
  Held: z.boolean(),
  Reason: z.string(),
})
const previewShape = z.object({
  RemovedCount: z.number(),
  RemovedBytes: z.number(),
  LostTimes: z.object({ LostTime: z.array(z.string()) }),
  Sets: z.object({ Set: z.array(verdict) }),
})

/** Each option of a change, and the parameter it becomes. */
const CHANGES = {
  schedule: ['ScheduleEnabled', '--schedule <on|off>', 'whether backups are taken by themselves'],
  days: ['PreferredBackupPeriod', '--days <names>', 'days of backups: Monday,Thursday'],
  window: ['PreferredBackupTime', '--window <times>', 'when they begin, UTC: 17:00Z-18:00Z'],
  interval: ['BackupInterval', '--interval <minutes>', 'minutes between backups beside those; -1 for none'],
  cron: ['ScheduleCron', '--cron <fields>', 'five fields of cron instead, until days or times are set again'],
  zone: ['ScheduleTimeZone', '--zone <name>', 'time zone of --cron: Europe/Berlin'],
  priority: ['BackupPriority', '--priority <1|2>', '1: from a replica if one will do, 2: from the primary'],
  method: ['BackupMethod', '--method <method>', 'how they are taken: Physical or Logical'],
  increments: ['EnableIncrementDataBackup', '--increments <on|off>', 'whether backups add to the set before them'],
  chainLength: ['IncrementChainLength', '--chain-length <n>', 'so many increments follow a full set'],
  fullDays: ['IncrementFullDays', '--full-days <n>', 'days after which a full set is not added to any more'],
  drillEvery: ['DrillEverySets', '--drill-every <n>', 'the newest set is drilled when so many came; 0 for none'],
  drillCron: ['DrillCron', '--drill-cron <fields>', 'and at these moments, five fields of cron; Off for none'],
  drillZone: ['DrillTimeZone', '--drill-zone <name>', 'time zone of --drill-cron: Europe/Berlin'],
  keepDays: ['BackupRetentionPeriod', '--keep-days <n>', 'days that a set stays; -1 for ever'],
  keepCount: ['RetentionCount', '--keep-count <n>', 'so many of the newest stay'],
  keepDaily: ['RetentionDaily', '--keep-daily <n>', 'the newest of so many days stays'],
  keepWeekly: ['RetentionWeekly', '--keep-weekly <n>', 'of so many weeks'],
  keepMonthly: ['RetentionMonthly', '--keep-monthly <n>', 'of so many months'],
  keepYearly: ['RetentionYearly', '--keep-yearly <n>', 'of so many years'],
  minimum: ['RetentionMinimum', '--minimum <n>', 'so many of the newest stay whatever their age'],
  released: ['ReleasedKeepPolicy', '--released <what>', 'what stays once deregistered: None, Latest or All'],
} as const
type ChangeOptions = RemoteOptions & { readonly [name in keyof typeof CHANGES]?: string }

/** `policies show|set|preview`. */
export function addPolicies(program: Command, parts: Parts): void {
  const policies = program
    .command('policies')
    .description('when backups are taken by themselves, and how long sets stay')
  withRemoteOptions(policies.command('show <instance>'))
    .description('show the policy of an instance')
    .action((id: string, options: RemoteOptions) => show(id, options, parts))
  withChanges(withRemoteOptions(policies.command('set <instance>')))
    .description('change what is named; what that removes, preview tells before')
    .action((id: string, options: ChangeOptions) => set(id, options, parts))
  withChanges(withRemoteOptions(policies.command('preview <instance>')))
    .description('tell what the policy, or a change of it, removes now; changes nothing')
    .action((id: string, options: ChangeOptions) => preview(id, options, parts))
}

function withChanges(command: Command): Command {
  for (const [, flags, about] of Object.values(CHANGES)) command.option(flags, about)
  return command
}

const SWITCH: Readonly<Record<string, string>> = { on: 'true', off: 'false' }

function parametersOf(id: string, options: ChangeOptions): Record<string, string | undefined> {
  const named = Object.entries(CHANGES).map(([option, [name]]) => [name, options[option as keyof typeof CHANGES]])
  const { schedule, increments } = options
  return {
    DBInstanceId: id,
    ...(Object.fromEntries(named) as Record<string, string | undefined>),
    EnableIncrementDataBackup: increments && (SWITCH[increments] ?? increments),
    ScheduleEnabled: schedule && (SWITCH[schedule] ?? schedule),
  }
}

async function show(id: string, options: RemoteOptions, parts: Parts): Promise<void> {
  await print(id, options, clientOf(options, parts), parts)
}

async function print(id: string, options: RemoteOptions, client: Client, parts: Parts): Promise<void> {
  const policy = await client.call('DescribeBackupPolicy', { DBInstanceId: id }, z.looseObject(policyShape.shape))
  if (options.json) return printJson(policy, parts)
  parts.io.out.write(formatFields(fieldsOf(policy, options)))
}

async function set(id: string, options: ChangeOptions, parts: Parts): Promise<void> {
  const client = clientOf(options, parts)
  await client.call('ModifyBackupPolicy', parametersOf(id, options), z.object({}))
  await print(id, options, client, parts)
}

async function preview(id: string, options: ChangeOptions, parts: Parts): Promise<void> {
  const told = await clientOf(options, parts).call('PreviewBackupPolicy', parametersOf(id, options), previewShape)
  if (options.json) return printJson(told, parts)
  parts.io.out.write(
    formatTable(
      [
        { title: 'SET', value: ({ BackupId }) => BackupId },
        { title: 'START', value: ({ BackupStartTime }) => formatTime(BackupStartTime, options) },
        { title: 'SIZE', value: ({ BackupSize }) => formatBytes(BackupSize), right: true },
        { title: '', value: ({ Kept, Held }) => (Kept ? 'stays' : Held ? 'goes later' : 'goes') },
        { title: 'IT', value: ({ Reason }) => Reason },
      ],
      told.Sets.Set,
    ),
  )
  const { RemovedCount, RemovedBytes, LostTimes } = told
  parts.io.out.write(`\n${RemovedCount} sets go, ${formatBytes(RemovedBytes)} come free\n`)
  for (const time of LostTimes.LostTime) parts.io.out.write(`no longer restorable: ${formatTime(time, options)}\n`)
}

function fieldsOf(policy: Policy, options: RemoteOptions): Record<string, string> {
  const weekly = `${policy.PreferredBackupPeriod} ${policy.PreferredBackupTime}`
  const often = policy.BackupInterval === '-1' ? weekly : `${weekly}, and every ${policy.BackupInterval} minutes`
  const when = policy.ScheduleCron === '' ? often : `${policy.ScheduleCron} (${policy.ScheduleTimeZone})`
  const next = policy.PreferredNextBackupTime
  return {
    schedule: policy.ScheduleEnabled ? when : 'off',
    method: policy.BackupMethod === 'Physical' ? '' : policy.BackupMethod.toLowerCase(),
    next: next === '' ? '' : formatTime(next.replace(/Z$/, ':00Z'), options),
    from: policy.BackupPriority === 1 ? 'a replica, if one will do' : 'the primary',
    increments: policy.EnableIncrementDataBackup
      ? `up to ${policy.IncrementChainLength} after a full set, which is added to for ${policy.IncrementFullDays} days`
      : 'off',
    drills: drillsOf(policy),
    'keep days': policy.BackupRetentionPeriod === -1 ? 'for ever' : String(policy.BackupRetentionPeriod),
    'keep count': String(policy.RetentionCount),
    'keep daily, weekly, monthly, yearly': [
      policy.RetentionDaily,
      policy.RetentionWeekly,
      policy.RetentionMonthly,
      policy.RetentionYearly,
    ].join(', '),
    'always stay': String(policy.RetentionMinimum),
    'once deregistered': policy.ReleasedKeepPolicy === 'Lastest' ? 'Latest' : policy.ReleasedKeepPolicy,
  }
}

function drillsOf({ DrillEverySets, DrillCron, DrillTimeZone }: Policy): string {
  const every = DrillEverySets === 1 ? 'after each set' : `after every ${DrillEverySets} sets`
  const parts = [DrillEverySets > 0 ? every : '', DrillCron === '' ? '' : `${DrillCron} (${DrillTimeZone})`]
  return parts.filter((part) => part !== '').join(', and ') || 'off'
}
