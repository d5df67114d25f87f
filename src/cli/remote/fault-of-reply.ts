import { z } from 'zod'
import { Fault, type FaultCode } from '../../core/fault.ts'

const refusal = z.object({ Code: z.string(), Message: z.string(), RequestId: z.string().default('') })

/** RDS codes that say more than their status. */
const CODES: Readonly<Record<string, { readonly code: FaultCode; readonly hint?: string }>> = {
  BackupJobExists: { code: 'locked', hint: 'Wait for the backup that runs, or cancel it.' },
  'OperationDenied.BackupSetDeleteNotSupport': {
    code: 'locked',
    hint: 'Something needs the set: a task, a later set or a pin.',
  },
  DBInstanceExists: {
    code: 'conflict',
    hint: "Choose another id; 'holdfast instances list' shows those that are taken.",
  },
  'InvalidDBInstanceName.NotFound': {
    code: 'not_found',
    hint: "'holdfast instances list' shows the instances there are.",
  },
  'InvalidBackupSetID.NotFound': {
    code: 'not_found',
    hint: "'holdfast backups list INSTANCE' shows the sets there are.",
  },
  'InvalidAction.NotFound': { code: 'not_found', hint: 'docs/reference/api.md lists every action.' },
  'InvalidMaxRecordsPerPage.Malformed': { code: 'invalid', hint: 'PageSize is 30, 50 or 100.' },
  IncorrectDBInstanceState: { code: 'conflict', hint: "'holdfast instances show INSTANCE' tells how it stands." },
  IncorrectTaskStatus: { code: 'conflict' },
  IncorrectBackupSetState: { code: 'conflict' },
  'InvalidAccessKeyId.NotFound': {
    code: 'unauthenticated',
    hint: "On the machine of the service, 'holdfast keys add --local' makes a key.",
  },
  SignatureDoesNotMatch: {
    code: 'unauthenticated',
    hint: 'Is the access key secret right? Does a proxy change the Host header?',
  },
  'InvalidTimeStamp.Expired': {
    code: 'unauthenticated',
    hint: 'Compare the clock of this machine with that of the service.',
  },
  SignatureNonceUsed: { code: 'replayed' },
}

const STATUSES: Readonly<Record<number, FaultCode>> = {
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  413: 'invalid',
  429: 'limit_exceeded',
}

/** The fault that a refused call stands for: its message is the service's, its exit code that of the same failure met locally. */
export function faultOfReply(status: number, body: unknown, action: string): Fault {
  const parsed = refusal.safeParse(body)
  if (!parsed.success) return new Fault('service_unavailable', `call ${action}: status ${status}`)
  const { Code, Message, RequestId } = parsed.data
  const known = CODES[Code]
  const code = known?.code ?? STATUSES[status] ?? (status < 500 ? 'invalid' : 'service_unavailable')
  const message = `${action}: ${Message.replace(/\.$/, '')} (${Code}${RequestId ? `, request ${RequestId}` : ''})`
  return new Fault(code, message, { hint: known?.hint })
}
