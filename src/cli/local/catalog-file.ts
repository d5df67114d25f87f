import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { exportForRecipients, importForRecipient, isForRecipients } from '../../catalog/age-export.ts'
import type { Catalog, LocalChange } from '../../catalog/catalog.ts'
import { exportCatalog, importCatalog } from '../../catalog/export.ts'
import { Fault } from '../../core/fault.ts'
import { readSecretFile } from '../../config/client.ts'
import { writeFileDurably } from '../../lib/files.ts'
import type { ConfigOptions } from '../options.ts'
import type { Parts } from '../parts.ts'
import { readSecret } from '../secret-input.ts'
import { localChange } from './local-change.ts'
import { lockRoles } from './lock-roles.ts'
import { configOf, withCatalog, withExistingCatalog } from './open.ts'
import { ROLES } from './role.ts'

export interface PassphraseOptions {
  readonly passphraseFile?: string
}

export interface ExportOptions extends ConfigOptions, PassphraseOptions {
  readonly recipient?: readonly string[]
}

export interface ImportOptions extends ConfigOptions, PassphraseOptions {
  readonly identityFile?: string
}

/** Writes the whole catalog into a new file of mode 0600, encrypted to recipients or with a passphrase. */
export async function writeExport(file: string, options: ExportOptions, parts: Parts): Promise<void> {
  const path = resolve(file)
  if (await stat(path).catch(() => undefined))
    throw new Fault('conflict', `export into ${path}: the file is there already`)
  const config = configOf(options, parts)
  const sealed = await withExistingCatalog(config, parts, async (catalog) =>
    options.recipient
      ? exportForRecipients(catalog, options.recipient)
      : exportCatalog(catalog, await passphraseOf(options, parts)),
  )
  await writeFileDurably(path, sealed, 0o600)
  parts.io.out.write(`${path}: ${sealed.length} bytes, encrypted\n`)
}

/** Fills an empty catalog from such a file. */
export async function readExport(file: string, options: ImportOptions, parts: Parts): Promise<void> {
  const config = configOf(options, parts)
  using _lock = await lockRoles(config.dataDir, ROLES)
  const sealed = await readFile(file).catch((cause: unknown) => {
    throw new Fault('not_found', `read ${file}`, { cause, hint: 'Name a file that catalog export wrote.' })
  })
  const load = await loaderOf(sealed, options, parts)
  const { instances, sets, keys } = await withCatalog(config, parts, async (catalog) => {
    await load(catalog, localChange('catalog import', { file: resolve(file) }, parts.clock))
    return catalog.dump()
  })
  parts.io.out.write(`${instances.length} instances, ${sets.length} sets and ${keys.length} keys imported\n`)
}

/** What fills a catalog from an export, once the secret that opens it is read. */
async function loaderOf(
  sealed: Uint8Array,
  options: ImportOptions,
  parts: Parts,
): Promise<(catalog: Catalog, local: LocalChange) => Promise<void>> {
  if (isForRecipients(sealed)) {
    if (options.identityFile === undefined) throw needIdentity()
    const identities = readSecretFile(options.identityFile)
    return (catalog, local) => importForRecipient(catalog, sealed, identities, local)
  }
  const passphrase = await passphraseOf(options, parts)
  return (catalog, local) => importCatalog(catalog, sealed, passphrase, local)
}

const needIdentity = () =>
  new Fault('invalid', 'open a catalog export: it is encrypted to recipients', {
    hint: 'Name the file with the identity of one of them by --identity-file.',
  })

const passphraseOf = ({ passphraseFile }: PassphraseOptions, { io }: Parts) =>
  readSecret({ file: passphraseFile, prompt: 'passphrase', option: '--passphrase-file' }, io)
