import { randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Makes the names in a directory durable: files made, renamed and removed in it are so after a crash too. */
export async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r')
  await directory.sync()
}

/**
 * Writes a whole small file so that a crash leaves the old one or the new one, never half; durable when it resolves. The
 * directory must exist.
 */
export async function writeFileDurably(path: string, data: string | Uint8Array, mode = 0o644): Promise<void> {
  const draft = `${path}.${process.pid}-${randomBytes(4).toString('hex')}.draft`
  try {
    await writeSynced(draft, data, mode)
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
  await syncDirectory(dirname(path))
}

async function writeSynced(path: string, data: string | Uint8Array, mode: number): Promise<void> {
  await using file = await open(path, 'wx', mode)
  await file.writeFile(data)
  // open() takes the umask off; the mode asked for is exact.
  await file.chmod(mode)
  await file.sync()
}
