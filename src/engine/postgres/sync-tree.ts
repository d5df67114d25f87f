import { readdirSync } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Options } from '../../lib/streams.ts'
import { targetFault } from './restore-fault.ts'

/** Syncs at once: libuv has four threads. */
const AT_ONCE = 4

/** Makes every file and directory below a directory durable, and itself. Links are passed over: their directory holds them. */
export async function syncTree(directory: string, options: Options = {}): Promise<void> {
  try {
    await syncBelow(Buffer.from(directory), options)
  } catch (error) {
    throw options.signal?.aborted ? error : targetFault(error, `make ${directory} durable`)
  }
}

async function syncBelow(directory: Buffer, options: Options): Promise<void> {
  const files: Buffer[] = []
  for (const entry of readdirSync(directory, { withFileTypes: true, encoding: 'latin1' })) {
    const path = Buffer.concat([directory, Buffer.from(`/${entry.name}`, 'latin1')])
    if (entry.isDirectory()) await syncBelow(path, options)
    else if (entry.isFile()) files.push(path)
  }
  const queue = files.values()
  const lane = async () => {
    for (const path of queue) await syncOne(path, options)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
  await syncOne(directory, options)
}

async function syncOne(path: Buffer, { signal }: Options): Promise<void> {
  signal?.throwIfAborted()
  await using file = await open(path, 'r')
  await file.sync()
}
