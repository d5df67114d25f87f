import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Options } from '../../lib/streams.ts'
import type { BadPage } from './bad-pages.ts'
import { checksumOf, isNewPage, reckonChecksum } from './page-checksum.ts'

export interface CheckPagesOptions extends Options {
  readonly blockSize: number
  /** Told the bytes of each stretch that was read. */
  readonly onBytes?: ((bytes: number) => void) | undefined
}

export interface CheckedPages {
  readonly pages: number
  readonly bad: readonly BadPage[]
}

/** Bytes read at once: a multiple of every block size. */
const STRETCH = 1024 * 1024

/** PostgreSQL cuts a relation into files of so many bytes, unless it was built otherwise. */
const SEGMENT = 1024 * 1024 * 1024

/** A file of a relation, of any fork and segment; not one of a temporary table. */
const RELATION_FILE = /^\d+(?:_(?:fsm|vm|init))?(?:\.(\d+))?$/

/** After so many bad pages nobody learns from more. */
const MOST = 1000

/** Reckons the checksum of every page of every relation below a data directory whose server is shut down. */
export async function checkPages(dataDirectory: string, options: CheckPagesOptions): Promise<CheckedPages> {
  const room = Buffer.allocUnsafeSlow(STRETCH)
  const bad: BadPage[] = []
  let pages = 0
  for await (const file of relationFiles(dataDirectory)) {
    pages += await checkFile(dataDirectory, file, { ...options, room, bad })
    if (bad.length >= MOST) break
  }
  return { pages, bad }
}

/** Paths below the data directory. */
async function* relationFiles(dataDirectory: string): AsyncGenerator<string> {
  const below = async (directory: string) => {
    const entries = await readdir(join(dataDirectory, directory)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw error
    })
    return entries.map((name) => `${directory}/${name}`)
  }
  const directories = ['global', ...(await below('base'))]
  for (const space of await below('pg_tblspc')) {
    for (const version of await below(space)) directories.push(...(await below(version)))
  }
  for (const directory of directories) {
    for (const path of await below(directory)) if (RELATION_FILE.test(path.slice(directory.length + 1))) yield path
  }
}

interface FileCheck extends CheckPagesOptions {
  readonly room: Buffer
  readonly bad: BadPage[]
}

async function checkFile(dataDirectory: string, file: string, check: FileCheck): Promise<number> {
  const { blockSize, room, bad, signal, onBytes } = check
  const segment = Number(RELATION_FILE.exec(file.slice(file.lastIndexOf('/') + 1))?.[1] ?? 0)
  const first = (segment * SEGMENT) / blockSize
  await using handle = await open(join(dataDirectory, file))
  let block = 0
  for (;;) {
    signal?.throwIfAborted()
    const { bytesRead } = await handle.read(room, 0, room.length, block * blockSize)
    onBytes?.(bytesRead)
    const whole = Math.floor(bytesRead / blockSize)
    for (let at = 0; at < whole; at += 1, block += 1) {
      const page = room.subarray(at * blockSize, (at + 1) * blockSize)
      if (!isNewPage(page) && checksumOf(page) !== reckonChecksum(page, first + block)) bad.push({ file, block })
      if (bad.length >= MOST) return block
    }
    if (bytesRead < room.length) return block
  }
}
