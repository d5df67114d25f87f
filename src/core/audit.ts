import type { Moment } from '../lib/clock.ts'

/** Whether a call was done, or refused with a code. */
export type AuditOutcome = 'done' | 'refused'

/** Who asked for what, from where and when. Texts are empty where there is nothing to tell; no secret is ever in one. */
export interface AuditEntry {
  /** The RequestId of the call; a fresh one for what was done locally. */
  readonly requestId: string
  readonly at: Moment
  /** `local`: by a command on this machine, without the service. `service`: by the service itself, as its policies say. */
  readonly origin: 'api' | 'local' | 'service'
  readonly keyId: string
  /** The lasting key that made the temporary one. */
  readonly parentKeyId: string
  /** Who ran a local command, as the operating system names him. */
  readonly osUser: string
  readonly action: string
  readonly instanceId: string
  readonly parameters: Readonly<Record<string, string>>
  readonly remoteAddress: string
  readonly userAgent: string
}

/** One record of the audit. */
export interface AuditRecord extends AuditEntry {
  readonly outcome: AuditOutcome
  /** The code of the refusal; empty when the call was done. */
  readonly code: string
  /** The tasks that the change added. */
  readonly taskIds: readonly string[]
  /** The sets that these tasks make or work on. */
  readonly setIds: readonly string[]
}
