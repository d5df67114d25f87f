import { randomBytes, scryptSync } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { z } from 'zod'
import type { CatalogDump } from '../../catalog/catalog.ts'
import { Fault } from '../../core/fault.ts'
import { writeFileDurably } from '../../lib/files.ts'
import { createSealer, type Sealer } from '../../lib/seal.ts'
import type { ConfigOptions } from '../options.ts'
import type { Parts } from '../parts.ts'
import { readSecret } from '../secret-input.ts'
import { lockRoles } from './lock-roles.ts'
import { configOf, withCatalog } from './open.ts'
import { ROLES } from './role.ts'

export interface PassphraseOptions {
  readonly passphraseFile?: string
}

/** A whole catalog in one file. What is sealed is the JSON of its dump; the key is scrypt's of a passphrase. */
const fileSchema = z.object({
  format: z.literal('holdfast-catalog'),
  version: z.literal(1),
  kdf: z.object({
    name: z.literal('scrypt'),
    N: z.int().max(1 << 20),
    r: z.int().max(32),
    p: z.int().max(16),
    salt: z.string(),
  }),
  sealed: z.string(),
})
type Kdf = z.infer<typeof fileSchema>['kdf']

const PURPOSE = 'catalog export'
const KDF = { name: 'scrypt', N: 1 << 17, r: 8, p: 1 } as const

/** Writes the whole catalog into a new file of mode 0600, encrypted with a passphrase. */
export async function exportCatalog(
  file: string,
  options: ConfigOptions & PassphraseOptions,
  parts: Parts,
): Promise<void> {
  const path = resolve(file)
  if (await stat(path).catch(() => undefined))
    throw new Fault('conflict', `export into ${path}: the file is there already`)
  const passphrase = await passphraseOf(options, parts)
  const dump = await withCatalog(configOf(options, parts), parts, (catalog) => catalog.dump())
  const kdf = { ...KDF, salt: randomBytes(16).toString('base64') }
  const sealed = sealerOf(passphrase, kdf).seal(JSON.stringify(dump), PURPOSE)
  await writeFileDurably(path, `${JSON.stringify({ format: 'holdfast-catalog', version: 1, kdf, sealed })}\n`, 0o600)
  parts.io.out.write(
    `${path}: ${dump.instances.length} instances, ${dump.sets.length} sets, ${dump.keys.length} keys\n`,
  )
}

/** Fills an empty catalog from such a file. */
export async function importCatalog(
  file: string,
  options: ConfigOptions & PassphraseOptions,
  parts: Parts,
): Promise<void> {
  const config = configOf(options, parts)
  using _lock = await lockRoles(config.dataDir, ROLES)
  const { kdf, sealed } = parseFile(await readText(file), file)
  const dump = JSON.parse(sealerOf(await passphraseOf(options, parts), kdf).open(sealed, PURPOSE)) as CatalogDump
  await withCatalog(config, parts, (catalog) => catalog.load(dump))
  parts.io.out.write(
    `${dump.instances.length} instances, ${dump.sets.length} sets and ${dump.keys.length} keys imported\n`,
  )
}

const passphraseOf = ({ passphraseFile }: PassphraseOptions, { io }: Parts) =>
  readSecret({ file: passphraseFile, prompt: 'passphrase', option: '--passphrase-file' }, io)

function sealerOf(passphrase: string, { N, r, p, salt }: Kdf): Sealer {
  const key = scryptSync(passphrase, Buffer.from(salt, 'base64'), 32, { N, r, p, maxmem: 256 * N * r })
  return createSealer(
    [key],
    () =>
      new Fault('forbidden', 'open the exported catalog', { hint: 'Is it the right passphrase, and the file whole?' }),
  )
}

async function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Fault('not_found', `read ${file}`, { cause })
  })
}

function parseFile(text: string, file: string): z.infer<typeof fileSchema> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new Fault('invalid', `read ${file}: no exported catalog`, { cause })
  }
  const version = (value as { version?: unknown } | null)?.version
  if (typeof version === 'number' && version > 1) {
    throw new Fault('too_new', `read ${file}: version ${version}, this program knows up to 1`, {
      hint: 'Update Holdfast.',
    })
  }
  const parsed = fileSchema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new Fault('invalid', `read ${file}: no exported catalog`, { cause: parsed.error })
}
