import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { chown, open, rename, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32c } from '../../lib/crc32c.ts'
import type { Options } from '../../lib/streams.ts'
import { parseLine, readLines, type ListedFile } from './backup-manifest.ts'
import { absolute } from './extract-paths.ts'
import type { FileSum } from './file-list.ts'
import { targetOf } from './increment-file.ts'
import { targetFault } from './restore-fault.ts'
import type { Owner } from './restore-owner.ts'
import { readServerManifest } from './restore-verify.ts'

export interface Combined extends Options {
  /** Holds `data/` and `tablespaces/`. */
  readonly root: string
  readonly owner: Owner
  /** What is known of a file by its path of the server; undefined when it must be read. */
  readonly sumOf: (path: string) => FileSum | undefined
}

/** Written with the increment's own marks taken out, so that the server counts the directory as a full backup. */
const LABEL = 'backup_label'

/** Bytes of the new manifest that are gathered before they are written. */
const PIECE = 1 << 20

/**
 * Puts a manifest of the combined directory in the place of the last increment's: each file that had blocks there by its own name, with
 * its length and CRC-32C as it now is; all else as the server wrote it. Only files of which that is not known are read for it.
 */
export async function writeCombinedManifest(combined: Combined): Promise<void> {
  const { root, owner, signal } = combined
  const data = join(root, 'data')
  const path = join(data, 'backup_manifest')
  try {
    const file = await open(`${path}.combined`, 'wx', 0o600)
    try {
      await writeLines(file, combined, readLines(readServerManifest(data, signal)))
      await file.chmod((await stat(path)).mode & 0o777)
      await file.sync()
    } finally {
      await file.close()
    }
    if (owner) await chown(`${path}.combined`, owner.uid, owner.gid)
    await rename(`${path}.combined`, path)
  } catch (error) {
    throw targetFault(error, `write ${path}`)
  }
}

async function writeLines(file: FileHandle, combined: Combined, lines: AsyncIterable<string>): Promise<void> {
  const hash = createHash('sha256')
  let gathered = ''
  for await (const line of lines) {
    if (line === '' || line.startsWith('"Manifest-Checksum"')) continue
    const made = `${await combinedLine(line, combined)}\n`
    hash.update(made)
    gathered += made
    if (gathered.length < PIECE) continue
    await file.write(gathered)
    gathered = ''
  }
  await file.write(`${gathered}"Manifest-Checksum": "${hash.digest('hex')}"}\n`)
}

async function combinedLine(line: string, combined: Combined): Promise<string> {
  const entry = parseLine(line)
  if (entry?.kind !== 'file') return line
  const target = targetOf(entry.path)
  if (target === undefined && entry.path !== LABEL) return line
  const path = target ?? entry.path
  const { size, crc } = (target === undefined ? undefined : combined.sumOf(path)) ?? (await measure(path, combined))
  return formatEntry(line, entry, { path, size, crc })
}

async function measure(path: string, { root, signal }: Combined): Promise<FileSum> {
  const name = path.startsWith('pg_tblspc/') ? `tablespaces/${path.slice('pg_tblspc/'.length)}` : `data/${path}`
  let size = 0
  let crc = 0
  for await (const chunk of createReadStream(absolute(root, name), { highWaterMark: PIECE, signal })) {
    const bytes = chunk as Buffer
    size += bytes.length
    crc = crc32c(bytes, crc)
  }
  return { size, crc }
}

/** The server's line with another path, length and checksum; the path encoded as it was. */
function formatEntry(
  line: string,
  { path: before }: ListedFile,
  now: { path: string; size: number; crc: number },
): string {
  const sum = Buffer.alloc(4)
  sum.writeUInt32LE(now.crc)
  const bytes = Buffer.from(now.path, 'latin1')
  const isPlain = line.startsWith('{ "Path"')
  const path = isPlain ? `"Path": ${JSON.stringify(bytes.toString())}` : `"Encoded-Path": "${bytes.toString('hex')}"`
  const written = line
    .replace(/^\{ "(?:Encoded-)?Path": "(?:[^"\\]|\\.)*"/, () => `{ ${path}`)
    .replace(/"Size": \d+/, () => `"Size": ${now.size}`)
    .replace(/"Checksum": "[0-9a-f]*"/, () => `"Checksum": "${sum.toString('hex')}"`)
  if (parseLine(written)?.kind !== 'file') throw new Error(`no line of a manifest for ${before}`)
  return written
}
