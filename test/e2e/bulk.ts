import { createHash, randomBytes } from 'node:crypto'
import { mkdir, open, readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { giveTo } from '../lib/copy-cluster.ts'
import type { TestServer } from '../lib/postgres.ts'

const MIB = 1024 * 1024

/** Directory of the bulk files in a data directory. */
const BULK = 'bulk'

/** A megabyte of which half does not compress, as with most databases. */
const block = (): Buffer => Buffer.concat([randomBytes(MIB / 2), Buffer.alloc(MIB / 2, 'some row of text ')])

/**
 * Puts `count` files of `mib` megabytes each into a server's data directory, for volume that costs no INSERT: PostgreSQL backs up
 * whatever lies there. Gives the SHA-256 of each, by name.
 */
export async function addBulk(server: TestServer, count: number, mib: number): Promise<Record<string, string>> {
  const directory = join(server.dataDirectory, BULK)
  await mkdir(directory)
  const sums: Record<string, string> = {}
  for (let n = 0; n < count; n++) {
    const hash = createHash('sha256')
    const file = await open(join(directory, String(n)), 'w', 0o600)
    for (let filled = 0; filled < mib; filled += 16) {
      const piece = block()
      for (let copy = 0; copy < Math.min(16, mib - filled); copy++) {
        await file.write(piece)
        hash.update(piece)
      }
    }
    await file.close()
    sums[String(n)] = hash.digest('hex')
  }
  await giveTo(directory, server.account)
  return sums
}

/** The SHA-256 of each bulk file in a data directory, by name. */
export async function bulkIn(dataDirectory: string): Promise<Record<string, string>> {
  const directory = join(dataDirectory, BULK)
  const sums: Record<string, string> = {}
  for (const name of await readdir(directory)) {
    const hash = createHash('sha256')
    await using file = await open(join(directory, name))
    for await (const chunk of file.createReadStream({ highWaterMark: MIB, autoClose: false }))
      hash.update(chunk as Buffer)
    sums[name] = hash.digest('hex')
  }
  return sums
}

/** Most memory that a process ever had resident, in MB; since `forgetPeak` where that was called. */
export async function peakMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Math.ceil((Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024) / 1e6)
}

/** Lets `peakMegabytes` start anew. */
export async function forgetPeak(pid: number): Promise<void> {
  await using file = await open(`/proc/${pid}/clear_refs`, 'w')
  await file.write('5')
}
