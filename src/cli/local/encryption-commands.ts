import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { Fault } from '../../core/fault.ts'
import { fingerprintOf } from '../../lib/age.ts'
import { writeFileDurably } from '../../lib/files.ts'
import { isoSeconds } from '../../lib/time.ts'
import { encryptionFacts } from '../../set/encryption.ts'
import { makeChallenges, proveAnswer, readProofs } from '../../set/proofs.ts'
import { withConfigOptions, type ConfigOptions } from '../options.ts'
import type { Parts } from '../parts.ts'
import { formatTable } from '../table.ts'
import { openEncryption } from './encryption.ts'
import { checkEncryption, type CheckOptions } from './encryption-check.ts'
import { configOf } from './open.ts'

interface EncryptionOptions extends ConfigOptions {
  readonly json?: boolean
}

/** `encryption status|challenge|prove|check`: on a machine with the store, without a service. */
export function addEncryption(program: Command, parts: Parts): void {
  const encryption = program.command('encryption').description('whom sets are encrypted to, and who can open them')
  withConfigOptions(encryption.command('status'))
    .description('show the recipients, and who has shown that he has an identity')
    .option('--json', 'print JSON')
    .action((options: EncryptionOptions) => status(options, parts))
  withConfigOptions(encryption.command('challenge <dir>'))
    .description('write a file for each recipient that only he can read; each tells how to prove that it was read')
    .option('--json', 'print JSON')
    .action((directory: string, options: EncryptionOptions) => challenge(directory, options, parts))
  withConfigOptions(encryption.command('prove <answer>'))
    .description('tell what such a file holds; the first one switches encryption on')
    .option('--json', 'print JSON')
    .action((answer: string, options: EncryptionOptions) => prove(answer, options, parts))
  withConfigOptions(encryption.command('check [set]'))
    .description('open the newest encrypted set of each instance with an identity, or read one set whole')
    .requiredOption('--identity <file>', "file with the identity of a recipient, '-' for standard input")
    .option('--json', 'print JSON')
    .action((set: string | undefined, options: CheckOptions) => checkEncryption(set, options, parts))
}

async function opened(options: ConfigOptions, parts: Parts) {
  const config = configOf(options, parts)
  return { config, store: await parts.openStore(config.store.url) }
}

async function status(options: EncryptionOptions, parts: Parts): Promise<void> {
  const { config, store } = await opened(options, parts)
  const encryption = await openEncryption(config.encryption)
  const { proven } = await readProofs(store)
  const recipients = encryption.recipients.map((recipient) => {
    const fingerprint = fingerprintOf(recipient)
    const provenAt = proven[fingerprint]
    return {
      fingerprint,
      recipient,
      held: encryption.identities.some((identity) => identity.fingerprint === fingerprint),
      provenAt: provenAt === undefined ? null : isoSeconds(provenAt),
    }
  })
  const mode = encryptionFacts(encryption)?.mode ?? 'off'
  const found = { mode, proven: recipients.some(({ provenAt }) => provenAt !== null), recipients }
  if (options.json) {
    parts.io.out.write(`${JSON.stringify(found, null, 2)}\n`)
    return
  }
  parts.io.out.write(`new sets are ${mode === 'off' ? 'not encrypted' : `encrypted, ${mode}`}\n`)
  if (mode === 'off') return
  parts.io.out.write(
    formatTable(
      [
        { title: 'FINGERPRINT', value: (one) => one.fingerprint },
        { title: 'IDENTITY', value: (one) => (one.held ? 'held by the service' : 'elsewhere') },
        { title: 'SHOWN', value: (one) => one.provenAt ?? 'never' },
        { title: 'RECIPIENT', value: (one) => one.recipient },
      ],
      recipients,
    ),
  )
  if (!found.proven) parts.io.err.write(`warning: no backup is taken before one of them is shown\n`)
}

async function challenge(directory: string, options: EncryptionOptions, parts: Parts): Promise<void> {
  const { config, store } = await opened(options, parts)
  const { recipients } = config.encryption
  if (recipients.length === 0) {
    throw new Fault('invalid', 'challenge the recipients: encryption.recipients names none', {
      hint: 'Make identities by age-keygen, and set what it prints behind "Public key:".',
    })
  }
  const to = resolve(directory)
  await mkdir(to, { recursive: true, mode: 0o700 })
  const made = await makeChallenges(store, recipients, parts.clock.now())
  const written: { fingerprint: string; recipient: string; file: string }[] = []
  for (const { fingerprint, recipient, file: bytes } of made) {
    const file = join(to, `holdfast-challenge-${fingerprint}.age`)
    await writeFileDurably(file, bytes, 0o600)
    written.push({ fingerprint, recipient, file })
  }
  if (options.json) {
    parts.io.out.write(`${JSON.stringify(written, null, 2)}\n`)
    return
  }
  for (const { file, recipient } of written) parts.io.out.write(`${file}: for ${recipient}\n`)
  parts.io.out.write('Open one where its identity is, and do what it says: age -d -i IDENTITY FILE\n')
}

async function prove(answer: string, options: EncryptionOptions, parts: Parts): Promise<void> {
  const { store } = await opened(options, parts)
  const fingerprint = await proveAnswer(store, answer, parts.clock.now())
  if (options.json) parts.io.out.write(`${JSON.stringify({ fingerprint }, null, 2)}\n`)
  else parts.io.out.write(`shown: there is an identity of recipient ${fingerprint}\n`)
}
