import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { exportCatalog, importCatalog } from '../../catalog/export.ts'
import { Fault } from '../../core/fault.ts'
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

/** Writes the whole catalog into a new file of mode 0600, encrypted with a passphrase. */
export async function writeExport(
  file: string,
  options: ConfigOptions & PassphraseOptions,
  parts: Parts,
): Promise<void> {
  const path = resolve(file)
  if (await stat(path).catch(() => undefined))
    throw new Fault('conflict', `export into ${path}: the file is there already`)
  const config = configOf(options, parts)
  const sealed = await withExistingCatalog(config, parts, async (catalog) =>
    exportCatalog(catalog, await passphraseOf(options, parts)),
  )
  await writeFileDurably(path, sealed, 0o600)
  parts.io.out.write(`${path}: ${sealed.length} bytes, encrypted\n`)
}

/** Fills an empty catalog from such a file. */
export async function readExport(
  file: string,
  options: ConfigOptions & PassphraseOptions,
  parts: Parts,
): Promise<void> {
  const config = configOf(options, parts)
  using _lock = await lockRoles(config.dataDir, ROLES)
  const sealed = await readFile(file).catch((cause: unknown) => {
    throw new Fault('not_found', `read ${file}`, { cause, hint: 'Name a file that catalog export wrote.' })
  })
  const passphrase = await passphraseOf(options, parts)
  const { instances, sets, keys } = await withCatalog(config, parts, async (catalog) => {
    await importCatalog(
      catalog,
      sealed,
      passphrase,
      localChange('catalog import', { file: resolve(file) }, parts.clock),
    )
    return catalog.dump()
  })
  parts.io.out.write(`${instances.length} instances, ${sets.length} sets and ${keys.length} keys imported\n`)
}

const passphraseOf = ({ passphraseFile }: PassphraseOptions, { io }: Parts) =>
  readSecret({ file: passphraseFile, prompt: 'passphrase', option: '--passphrase-file' }, io)
