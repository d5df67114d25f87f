import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** A directory that no other process can lock while we hold it. */
export interface DirectoryLock extends Disposable {
  /** Gives the directory free. Doing so again is no error. */
  release(): void
}

const BUSY = 5

/** The open locks of this process: one that nobody refers to any more must not be collected, which would drop it. */
const held = new Set<DatabaseSync>()

/**
 * Locks a directory of a local file system against other processes; makes it when there is none. Throws the error of `fail`,
 * which gets the holder's process id when it is known, if somebody holds it already, ourselves included.
 *
 * The lock is a SQLite file with an exclusive transaction open in it: Node has no flock, and SQLite takes the same kind of lock
 * (fcntl) for us. The kernel drops it when the holder dies, by SIGKILL too, so there is nothing to clean up and no process id
 * that could be mistaken for a new process; a child does not inherit it; and it holds between containers that share a directory,
 * where process ids and abstract sockets mean nothing. Nothing else may open the file: closing any descriptor of it would
 * drop our lock, which is why the process id lies in a file of its own.
 */
export async function lockDirectory(
  directory: string,
  fail: (message: string, holder: number | undefined) => Error,
): Promise<DirectoryLock> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const holderFile = join(directory, 'lock.pid')
  const database = holdExclusively(join(directory, 'lock'))
  if (!database) throw fail(`lock ${directory}: another process holds it`, await holderIn(holderFile))
  held.add(database)
  const release = () => {
    if (held.delete(database)) database.close()
  }
  try {
    await writeFile(holderFile, `${process.pid}\n`)
  } catch (error) {
    release()
    throw error
  }
  return { release, [Symbol.dispose]: release }
}

/** A connection with the exclusive lock, which lasts until it is closed; undefined when another one has it. */
function holdExclusively(path: string): DatabaseSync | undefined {
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    // In memory: a rollback journal beside the file would be left behind by SIGKILL.
    database.exec('pragma journal_mode = memory; begin exclusive')
    return database
  } catch (error) {
    database.close()
    if (((error as { errcode?: number }).errcode ?? 0) % 256 === BUSY) return undefined
    throw error
  }
}

async function holderIn(path: string): Promise<number | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '')
  return /^\d+\n$/.test(text) ? Number(text) : undefined
}
