import type { Command } from 'commander'
import { z } from 'zod'
import { Fault } from '../../core/fault.ts'
import type { AuditExportOptions } from '../local/audit-export.ts'
import { withConfigOptions } from '../options.ts'
import type { Parts } from '../parts.ts'
import { formatTable } from '../table.ts'
import { formatTime } from '../units.ts'
import type { Client } from './client.ts'
import { clientOf, printJson, withRemoteOptions, type RemoteOptions } from './session.ts'

const record = z.object({
  CallRequestId: z.string(),
  Time: z.string(),
  Origin: z.string(),
  AccessKeyId: z.string(),
  ParentAccessKeyId: z.string(),
  OsUser: z.string(),
  ActionName: z.string(),
  DBInstanceId: z.string(),
  Parameters: z.object({ Parameter: z.array(z.object({ Name: z.string(), Value: z.string() })) }),
  TaskIds: z.object({ TaskId: z.array(z.string()) }),
  BackupIds: z.object({ BackupId: z.array(z.string()) }),
  SourceAddress: z.string(),
  UserAgent: z.string(),
  Outcome: z.string(),
  ErrorCode: z.string(),
})
type Record = z.infer<typeof record>
const page = z.object({ TotalRecordCount: z.number(), Items: z.object({ AuditRecord: z.array(record) }) })

interface ListOptions extends RemoteOptions {
  readonly from?: string
  readonly to?: string
  readonly key?: string
  readonly action?: string
  readonly instance?: string
  readonly outcome?: string
  readonly limit: string
}

/** `audit list` asks the service what was changed; `audit export` prints all that this machine knows, reads and downloads too. */
export function addAudit(program: Command, parts: Parts): void {
  const audit = program.command('audit').description('who changed what, and who read what')
  withRemoteOptions(audit.command('list'))
    .description('list what was changed, and what was refused to be, newest first')
    .option('--from <time>', 'at this time or later: 2026-01-02T03:04Z')
    .option('--to <time>', 'at this time or earlier')
    .option('--key <id>', 'only by this access key')
    .option('--action <name>', 'only this action')
    .option('--instance <id>', 'only about this instance')
    .option('--outcome <outcome>', 'only done or refused')
    .option('--limit <n>', 'at most so many', '100')
    .action((options: ListOptions) => list(options, parts))
  withConfigOptions(audit.command('export'))
    .description('print the audit of this machine as JSON lines, without a service: changes, reads and downloads')
    .option('--from <time>', 'from this time on: 2026-01-02T03:04Z')
    .option('--to <time>', 'up to this time')
    .action(async (options: AuditExportOptions) =>
      (await import('../local/audit-export.ts')).exportAudit(options, parts),
    )
}

async function list(options: ListOptions, parts: Parts): Promise<void> {
  if (!/^[1-9]\d{0,8}$/.test(options.limit))
    throw new Fault('invalid', `--limit ${options.limit}`, { hint: 'Write a whole number from 1 up.' })
  const { total, items } = await read(clientOf(options, parts), options)
  if (options.json) return printJson(items, parts)
  parts.io.out.write(
    formatTable(
      [
        { title: 'TIME', value: (item) => formatTime(item.Time, options) },
        { title: 'WHO', value: (item) => item.AccessKeyId || `${item.OsUser} (local)` },
        { title: 'ACTION', value: (item) => item.ActionName },
        { title: 'INSTANCE', value: (item) => item.DBInstanceId },
        { title: 'FROM', value: (item) => item.SourceAddress },
        { title: 'OUTCOME', value: (item) => [item.Outcome, item.ErrorCode].filter(Boolean).join(' ') },
      ],
      items,
    ),
  )
  if (items.length < total) parts.io.err.write(`${items.length} of ${total} records; --limit shows more\n`)
}

const PAGE = 100

async function read(client: Client, options: ListOptions): Promise<{ total: number; items: Record[] }> {
  const { from, to, key, action, instance, outcome } = options
  const wanted = { StartTime: from, EndTime: to, UserAccessKeyId: key, ActionName: action, Outcome: outcome }
  const limit = Number(options.limit)
  const items: Record[] = []
  for (let number = 1; ; number++) {
    const parameters = { ...wanted, DBInstanceId: instance, PageSize: String(PAGE), PageNumber: String(number) }
    const reply = await client.call('DescribeAuditRecords', parameters, page)
    items.push(...reply.Items.AuditRecord)
    const total = reply.TotalRecordCount
    const last = reply.Items.AuditRecord.length < PAGE
    if (last || items.length >= limit || items.length >= total) return { total, items: items.slice(0, limit) }
  }
}
