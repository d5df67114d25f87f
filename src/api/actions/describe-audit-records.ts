import { z } from 'zod'
import type { AuditRecord } from '../../core/audit.ts'
import { isoMillis } from '../../lib/time.ts'
import { defineAction } from '../action.ts'
import { RdsError } from '../errors.ts'
import { instanceId, integer, oneOf, pageSize, text, utcMinuteOrSecond } from '../parameters.ts'

const item = z.object({
  CallRequestId: z.string().describe('RequestId of the call; of a local command, a fresh one.'),
  Time: z.string().describe('When, UTC with milliseconds.'),
  Origin: z
    .enum(['api', 'local', 'service'])
    .describe('local: a command on the machine of the service. service: what it did by itself, as a policy says.'),
  AccessKeyId: z.string().describe('Whose call it was; empty for a local command.'),
  ParentAccessKeyId: z.string().describe('The lasting key that made a temporary one; else empty.'),
  OsUser: z.string().describe('Who ran a local command; else empty.'),
  ActionName: z.string(),
  DBInstanceId: z.string(),
  Parameters: z
    .object({ Parameter: z.array(z.object({ Name: z.string(), Value: z.string() })) })
    .describe('No secrets.'),
  TaskIds: z.object({ TaskId: z.array(z.string()) }).describe('Tasks that the change added.'),
  BackupIds: z.object({ BackupId: z.array(z.string()) }).describe('Sets that these tasks make or work on.'),
  SourceAddress: z.string(),
  UserAgent: z.string(),
  Outcome: z.enum(['done', 'refused']),
  ErrorCode: z
    .string()
    .describe('Why it was refused; of a call that was done, the error it met after its change; else empty.'),
})

/** Who changed what. */
export const describeAuditRecords = defineAction({
  name: 'DescribeAuditRecords',
  about:
    'Lists what was changed and what was refused to be, newest first. Reads and downloads are in files of the service: see docs/guide/audit.md.',
  extension: true,
  mutates: false,
  role: 'admin',
  parameters: {
    StartTime: {
      codec: utcMinuteOrSecond,
      malformed: 'InvalidStartTime.Format',
      about: 'Only calls of this second or later.',
    },
    EndTime: {
      codec: utcMinuteOrSecond,
      malformed: 'InvalidEndTime.Format',
      about: 'Only calls of this second or earlier. Must be later than StartTime.',
    },
    UserAccessKeyId: { codec: text({ max: 128 }), about: 'Only calls of this key, or of temporary keys that it made.' },
    ActionName: { codec: text({ max: 128 }), about: 'Only calls of this action.' },
    DBInstanceId: { codec: instanceId, about: 'Only calls about this instance.' },
    Outcome: { codec: oneOf(['done', 'refused']), about: 'Only calls that were done, or were refused.' },
    PageSize: {
      codec: pageSize([30, 50, 100]),
      malformed: 'InvalidMaxRecordsPerPage.Malformed',
      default: 30,
      about: 'Records on a page.',
    },
    PageNumber: {
      codec: integer({ min: 1, max: 2_147_483_647 }),
      malformed: 'InvalidPageNumbers.Malformed',
      default: 1,
      about: 'Which page. Past the last one the page is empty.',
    },
  },
  combine({ StartTime, EndTime }) {
    if (StartTime === undefined || EndTime === undefined || EndTime > StartTime) return
    throw new RdsError('InvalidParameterCombination', 'EndTime must be later than StartTime.')
  },
  errors: ['InvalidParameterCombination'],
  faults: {},
  reply: z.object({
    PageNumber: z.int(),
    PageRecordCount: z.int().describe('Records on this page.'),
    TotalRecordCount: z.int().describe('Records on all pages.'),
    Items: z.object({ AuditRecord: z.array(item) }),
  }),

  async handle(values, { catalog }) {
    const { total, items } = await catalog.auditRecords({
      from: values.StartTime,
      before: values.EndTime === undefined ? undefined : values.EndTime + 1000,
      keyId: values.UserAccessKeyId,
      action: values.ActionName,
      instanceId: values.DBInstanceId,
      outcome: values.Outcome,
      offset: (values.PageNumber - 1) * values.PageSize,
      limit: values.PageSize,
    })
    return {
      PageNumber: values.PageNumber,
      PageRecordCount: items.length,
      TotalRecordCount: total,
      Items: { AuditRecord: items.map(render) },
    }
  },
})

const render = (record: AuditRecord): z.infer<typeof item> => ({
  CallRequestId: record.requestId,
  Time: isoMillis(record.at),
  Origin: record.origin,
  AccessKeyId: record.keyId,
  ParentAccessKeyId: record.parentKeyId,
  OsUser: record.osUser,
  ActionName: record.action,
  DBInstanceId: record.instanceId,
  Parameters: { Parameter: Object.entries(record.parameters).map(([Name, Value]) => ({ Name, Value })) },
  TaskIds: { TaskId: [...record.taskIds] },
  BackupIds: { BackupId: [...record.setIds] },
  SourceAddress: record.remoteAddress,
  UserAgent: record.userAgent,
  Outcome: record.outcome,
  ErrorCode: record.code,
})
