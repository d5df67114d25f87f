import { chmod, chown, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Account, canEnter, makeDirectoryFor } from './account.ts'

/** The directories that a quickstart works in. */
export interface Workplace {
  /** Holds the two others, but where PostgreSQL's had to go elsewhere. */
  readonly base: string
  /** Holdfast's own: catalog, store, key, configuration, logs, and the downloaded set. */
  readonly service: string
  /** PostgreSQL's: the source and the restored server. Belongs to the user it runs as. */
  readonly databases: string
  /** Removes what this run made. */
  remove(): Promise<void>
}

/**
 * Makes the directories: below `data`, which must be absent or empty, or else below a temporary one. PostgreSQL's goes to a
 * temporary place of its own where its user cannot reach `data`.
 */
export async function makeWorkplace(data: string | undefined, account: Account | undefined): Promise<Workplace> {
  const made: string[] = []
  const remove = async () => {
    for (const directory of made.toReversed()) await rm(directory, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    const base = await makeBase(data, made)
    const service = join(base, 'service')
    made.push(service)
    await mkdir(service, { mode: 0o700 })
    const databases = await makeDatabases(join(base, 'databases'), account)
    made.push(databases)
    return { base, service, databases, remove }
  } catch (error) {
    await remove()
    throw error
  }
}

async function makeBase(data: string | undefined, made: string[]): Promise<string> {
  if (data === undefined) {
    const base = await mkdtemp(join(tmpdir(), 'holdfast-quickstart-'))
    made.push(base)
    // Others may pass through to what is theirs below, and see nothing.
    await chmod(base, 0o711)
    return base
  }
  const base = resolve(data)
  const first = await mkdir(base, { recursive: true })
  if (first !== undefined) made.push(first)
  if ((await readdir(base)).length === 0) return base
  throw new Error(`${base} is not empty; name a directory that is absent or empty`)
}

async function makeDatabases(directory: string, account: Account | undefined): Promise<string> {
  await mkdir(directory, { mode: 0o700 })
  if (account) await chown(directory, account.uid, account.gid)
  if (canEnter(account, directory)) return directory
  await rm(directory, { recursive: true })
  return makeDirectoryFor(account, 'holdfast-databases-')
}
