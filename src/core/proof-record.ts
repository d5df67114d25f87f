import { z } from 'zod'
import { Fault } from './fault.ts'
import { parseJson } from './instance-record.ts'

/** The newest version of a record of proofs that this program writes and reads. Older ones are read for ever. */
export const PROOF_RECORD_VERSION = 1

const fingerprint = z.string().regex(/^[0-9a-f]{16}$/)
const at = z.int().nonnegative()

const proofRecord = z.object({
  format: z.literal('holdfast-proofs'),
  version: z.literal(1),
  /** Of each recipient: SHA-256 of what the newest challenge to it holds, and when that was made. */
  challenges: z.record(fingerprint, z.object({ answer: z.string().regex(/^[0-9a-f]{64}$/), at })),
  /** Of each recipient: when somebody last showed that he has its identity. */
  proven: z.record(fingerprint, at),
})

/** What a store remembers of who showed that he can open what is encrypted. It holds no secret. */
export type Proofs = Omit<z.infer<typeof proofRecord>, 'format' | 'version'>

export const NO_PROOFS: Proofs = { challenges: {}, proven: {} }

/** The text of a record of proofs. */
export const formatProofRecord = ({ challenges, proven }: Proofs): string =>
  `${JSON.stringify({ format: 'holdfast-proofs', version: 1, challenges, proven }, null, 2)}\n`

/** The proofs that `text` tells of. Fault 'too_new' when its version is above ours, 'store_corrupt' when it is no such record. */
export function parseProofRecord(text: string, where: string): Proofs {
  const value = parseJson(text, where)
  const version = (value as { version?: unknown } | null)?.version
  if (typeof version === 'number' && version > PROOF_RECORD_VERSION) {
    throw new Fault('too_new', `read ${where}: version ${version}, this program knows up to ${PROOF_RECORD_VERSION}`, {
      hint: 'Update Holdfast: it was written by a newer version.',
    })
  }
  const parsed = proofRecord.safeParse(value)
  if (parsed.success) return { challenges: parsed.data.challenges, proven: parsed.data.proven }
  const issue = parsed.error.issues[0]
  throw new Fault('store_corrupt', `read ${where}: ${issue?.path.join('.')}: ${issue?.message}`, {
    cause: parsed.error,
  })
}
