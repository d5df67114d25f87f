import { createHash, randomBytes } from 'node:crypto'
import { Fault } from '../core/fault.ts'
import { formatProofRecord, NO_PROOFS, parseProofRecord, type Proofs } from '../core/proof-record.ts'
import { fingerprintOf, sealForRecipients } from '../lib/age.ts'
import type { Moment } from '../lib/clock.ts'
import type { Options } from '../lib/streams.ts'
import type { Store } from '../store/store.ts'
import { readText, recordsOf } from './records.ts'

const records = recordsOf('encryption')
const OWNER = 'proofs'
/** 80 random bits: what is kept of an answer, its SHA-256, tells nothing of it. */
const ANSWER_BYTES = 10

/** A file that only the holder of one recipient's identity can read the answer in. */
export interface Challenge {
  readonly recipient: string
  readonly fingerprint: string
  /** In the format of age. */
  readonly file: Uint8Array
}

/** Who showed in this store that he can open what is encrypted. */
export async function readProofs(store: Store, options: Options = {}): Promise<Proofs> {
  const key = await records.newest(store, OWNER, options)
  return key === undefined ? NO_PROOFS : parseProofRecord(await readText(store, key, options), key)
}

const writeProofs = (store: Store, proofs: Proofs, options: Options): Promise<string> =>
  records.write(store, OWNER, formatProofRecord(proofs), options)

/** A new challenge to each recipient. What an earlier one held is no answer any more. */
export async function makeChallenges(
  store: Store,
  recipients: readonly string[],
  now: Moment,
  options: Options = {},
): Promise<readonly Challenge[]> {
  const known = await readProofs(store, options)
  const made = await Promise.all(recipients.map(challengeTo))
  const challenges = made.map(({ fingerprint, answer }) => [fingerprint, { answer: sha256(answer), at: now }] as const)
  await writeProofs(
    store,
    { ...known, challenges: { ...known.challenges, ...Object.fromEntries(challenges) } },
    options,
  )
  return made.map(({ recipient, fingerprint, file }) => ({ recipient, fingerprint, file }))
}

async function challengeTo(recipient: string): Promise<Challenge & { readonly answer: string }> {
  const answer = randomBytes(ANSWER_BYTES).toString('hex')
  const text = async function* () {
    yield Buffer.from(
      `Whoever reads this can open what Holdfast encrypts. Say so:\n  holdfast encryption prove ${answer}\n`,
    )
  }
  const file = Buffer.concat(await Array.fromAsync(sealForRecipients(text(), [recipient])))
  return { recipient, fingerprint: fingerprintOf(recipient), answer, file }
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/**
 * Notes that somebody read an answer, and gives the fingerprint of the recipient whose identity he has. Fault 'invalid' when no newest
 * challenge holds it.
 */
export async function proveAnswer(store: Store, answer: string, now: Moment, options: Options = {}): Promise<string> {
  const known = await readProofs(store, options)
  const digest = sha256(answer.trim().toLowerCase())
  const [fingerprint] = Object.entries(known.challenges).find(([, challenge]) => challenge.answer === digest) ?? []
  if (fingerprint === undefined) {
    throw new Fault('invalid', 'prove that a challenge was opened: this is the answer to none of the newest ones', {
      hint: 'Copy it from the opened file as it stands there, or make new ones: holdfast encryption challenge DIR.',
    })
  }
  await noteProven(store, [fingerprint], now, options)
  return fingerprint
}

/** Notes that somebody opened what is encrypted to these recipients. */
export async function noteProven(
  store: Store,
  fingerprints: readonly string[],
  now: Moment,
  options: Options = {},
): Promise<void> {
  const known = await readProofs(store, options)
  const challenges = Object.fromEntries(
    Object.entries(known.challenges).filter(([fingerprint]) => !fingerprints.includes(fingerprint)),
  )
  const proven = { ...known.proven, ...Object.fromEntries(fingerprints.map((fingerprint) => [fingerprint, now])) }
  await writeProofs(store, { challenges, proven }, options)
}

/**
 * Fault 'invalid' unless somebody showed that he has the identity of one of the recipients: a set that nobody can open is worse than
 * none, since it looks like one.
 */
export async function requireProven(store: Store, recipients: readonly string[], options: Options = {}): Promise<void> {
  const { proven } = await readProofs(store, options)
  const fingerprints = recipients.map(fingerprintOf)
  if (fingerprints.some((fingerprint) => proven[fingerprint] !== undefined)) return
  throw new Fault(
    'invalid',
    `encrypt to ${fingerprints.join(', ')}: nobody has shown yet that he has an identity of one of them`,
    { hint: 'Run holdfast encryption challenge DIR, open a file it writes, and do what the file says.' },
  )
}
