import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { runProgram, type Programs } from '../../quickstart/postgres-process.ts'

/** Of which a restore writes its own, and puts what was sent aside. */
const REPLACED = ['postgresql.conf', 'postgresql.auto.conf', 'pg_hba.conf', 'pg_ident.conf']

/** `use`, with the files that the server sent in their places; afterwards those of the restore are back. */
export async function withSentFiles<T>(dataDirectory: string, use: () => Promise<T>): Promise<T> {
  const swap = async (from: string, to: string) => {
    for (const name of REPLACED) {
      await rename(join(dataDirectory, name), join(dataDirectory, `${name}${from}`))
      await rename(join(dataDirectory, `${name}${to}`), join(dataDirectory, name))
    }
  }
  await swap('.ours', '.original')
  const aside = join(dataDirectory, '..', 'ours')
  for (const name of REPLACED) await rename(join(dataDirectory, `${name}.ours`), `${aside}.${name}`)
  try {
    return await use()
  } finally {
    for (const name of REPLACED) await rename(`${aside}.${name}`, join(dataDirectory, `${name}.ours`))
    await swap('.original', '.ours')
  }
}

/**
 * What every restore writes anew or takes away: the map of tablespaces, and what would make a standby of the restored server or tells of
 * an earlier backup that the source was made from.
 */
export const CHANGED_BY_RESTORE = ['tablespace_map', 'tablespace_map.old', 'backup_label.old', 'standby.signal']

/**
 * The real pg_verifybackup over what a restore laid down and nobody has started, but for `CHANGED_BY_RESTORE`.
 * Only a pg_verifybackup of the server's own version reads its log.
 */
export const verifyBackup = (
  { binDirectory }: Pick<Programs, 'binDirectory'>,
  dataDirectory: string,
  { log = true } = {},
): Promise<string> =>
  withSentFiles(dataDirectory, () =>
    runProgram({ binDirectory, account: undefined }, 'pg_verifybackup', [
      ...CHANGED_BY_RESTORE.flatMap((name) => ['-i', name]),
      ...(log ? [] : ['--no-parse-wal']),
      dataDirectory,
    ]),
  )
