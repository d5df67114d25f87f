import { open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { Fault } from '../../core/fault.ts'
import type { Clock } from '../../lib/clock.ts'
import { syncDirectory } from '../../lib/files.ts'
import type { Parts } from '../parts.ts'
import { progressBar, type ProgressBar } from '../progress.ts'
import { formatBytes } from '../units.ts'
import type { DownloadOptions } from './backups-options.ts'
import { findSet, type BackupItem } from './find-set.ts'
import { clientOf, printJson } from './session.ts'

/** How often in a row a download that was cut may bring nothing before it fails. */
const TRIES = 5
const PAUSE_MS = 1000

/** Downloads a set into a file: written under another name, taken up where it stopped, and renamed when every byte is there. */
export async function downloadSet(setId: string, options: DownloadOptions, parts: Parts): Promise<void> {
  const client = clientOf(options, parts)
  const freshLink = async () => {
    const set = await findSet(client, setId, options.instance)
    if (options.database !== undefined) return linkToDatabase(set, options.database)
    if (set.DownloadLink !== null) return set.DownloadLink
    throw new Fault('not_found', `set ${setId} has no bytes to download`, {
      hint: `'holdfast backups show ${setId}' says why.`,
    })
  }
  const file = resolve(options.output ?? basename(new URL(await freshLink()).pathname))
  if (await stat(file).catch(() => undefined)) {
    throw new Fault('conflict', `download into ${file}: the file is there already`, {
      hint: 'Name another with --output, or remove it.',
    })
  }
  const bar = progressBar(parts.io.err, parts.clock)
  const fetched = await fetchResuming(freshLink, file, bar, parts.clock)
  bar.end()
  if (options.json) printJson({ BackupId: setId, file, ...fetched }, parts)
  else parts.io.out.write(`${file}: ${formatBytes(fetched.bytes)}\n`)
}

/** The link to one database of a logical set. Fault 'not_found' that names those it has. */
function linkToDatabase({ BackupId, BackupDownloadLinkByDB }: BackupItem, name: string): string {
  const links = BackupDownloadLinkByDB.BackupDownloadLinkByDB
  const found = links.find(({ DataBase }) => DataBase === name)
  if (found) return found.DownloadLink
  throw new Fault('not_found', `set ${BackupId} has no database ${name} of its own`, {
    hint:
      links.length === 0 ? 'Only logical sets have.' : `It has ${links.map(({ DataBase }) => DataBase).join(', ')}.`,
  })
}

interface Fetched {
  readonly bytes: number
  readonly etag: string
}

async function fetchResuming(
  freshLink: () => Promise<string>,
  file: string,
  bar: ProgressBar,
  clock: Clock,
): Promise<Fetched> {
  const partial: Partial = { data: `${file}.partial`, etag: `${file}.partial.etag` }
  let [had, fruitless] = [0, 0]
  for (;;) {
    try {
      const fetched = await fetchRest(await freshLink(), partial, bar)
      await rename(partial.data, file)
      await rm(partial.etag, { force: true })
      await syncDirectory(dirname(file))
      return fetched
    } catch (error) {
      const has = await sizeOf(partial.data)
      fruitless = has > had ? 0 : fruitless + 1
      had = has
      if (!Fault.is(error, 'service_unavailable') || fruitless === TRIES) throw error
      await clock.sleep(PAUSE_MS * (fruitless + 1))
    }
  }
}

const sizeOf = async (path: string): Promise<number> => (await stat(path).catch(() => undefined))?.size ?? 0

/** What there is of a download that has not ended, and the ETag of what it is a part of. */
interface Partial {
  readonly data: string
  readonly etag: string
}

async function fetchRest(url: string, partial: Partial, bar: ProgressBar): Promise<Fetched> {
  const have = await sizeOf(partial.data)
  const known = have > 0 ? await readFile(partial.etag, 'utf8').catch(() => '') : ''
  const resuming = known !== ''
  const reply = await request(url, resuming ? { range: `bytes=${have}-`, 'if-range': known } : {})
  if (reply.status === 416 && resuming) {
    const total = Number(/\*\/(\d+)$/.exec(reply.headers.get('content-range') ?? '')?.[1] ?? NaN)
    if (total === have) return { bytes: have, etag: known }
  }
  const goesOn = reply.status === 206
  if (!goesOn && reply.status !== 200) throw await refusalOf(reply)
  const etag = reply.headers.get('etag') ?? ''
  if (goesOn && etag !== known) throw new Fault('store_corrupt', 'resume the download: the set is another one now')
  const start = goesOn ? have : 0
  const total = start + Number(reply.headers.get('content-length') ?? NaN)
  if (!goesOn) await writeFile(partial.etag, etag)
  await append(reply, partial.data, start, (bytes) => bar.update({ label: 'downloading', bytes, totalBytes: total }))
  const { size } = await stat(partial.data)
  if (size !== total) throw new Fault('service_unavailable', `download: ${size} of ${total} bytes came`)
  return { bytes: size, etag }
}

async function request(url: string, headers: Record<string, string>): Promise<Response> {
  try {
    // A compressed transfer would have another length than the set.
    return await fetch(url, { headers: { ...headers, 'accept-encoding': 'identity' } })
  } catch (cause) {
    throw new Fault('service_unavailable', `download from ${new URL(url).host}`, { cause })
  }
}

async function refusalOf(reply: Response): Promise<Fault> {
  const code = /<Code>([^<]+)<\/Code>/.exec(await reply.text())?.[1] ?? ''
  const passing = reply.status === 503 || reply.status === 403
  return new Fault(passing ? 'service_unavailable' : 'not_found', `download: status ${reply.status} ${code}`.trimEnd())
}

async function append(reply: Response, path: string, start: number, onBytes: (bytes: number) => void): Promise<void> {
  await using file = await open(path, start > 0 ? 'r+' : 'w', 0o600)
  let at = start
  try {
    for await (const chunk of reply.body ?? []) {
      await file.write(chunk as Uint8Array, 0, undefined, at)
      at += (chunk as Uint8Array).length
      onBytes(at)
    }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOSPC') throw new Fault('store_full', `write ${path}`, { cause })
    throw new Fault('service_unavailable', 'download: the connection was cut', { cause })
  } finally {
    await file.truncate(at)
    await file.sync()
  }
}
