import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Configuration } from './restore-configuration.ts'
import { writeOwned, type Owner } from './restore-owner.ts'

/** Files of a cluster whose place ours take; they stay beside as `*.original`. */
const REPLACED = ['postgresql.conf', 'postgresql.auto.conf', 'pg_hba.conf', 'pg_ident.conf']

/** Gives the cluster in `data`, which does not run, this configuration. */
export async function replaceConfiguration(data: string, made: Configuration, owner: Owner): Promise<void> {
  for (const name of REPLACED) {
    await rename(join(data, name), join(data, `${name}.original`)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
  }
  await writeOwned(join(data, 'postgresql.conf'), made.postgresql, 0o600, owner)
  await writeOwned(join(data, 'postgresql.auto.conf'), '# ALTER SYSTEM writes here.\n', 0o600, owner)
  await writeOwned(join(data, 'pg_hba.conf'), made.hba, 0o600, owner)
  await writeOwned(join(data, 'pg_ident.conf'), made.ident, 0o600, owner)
}
