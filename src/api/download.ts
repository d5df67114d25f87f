import { create as contentDisposition } from 'content-disposition'
import type { Catalog } from '../catalog/catalog.ts'
import type { BackupSet } from '../core/backup-set.ts'
import { FAULTS, Fault } from '../core/fault.ts'
import type { Clock, Moment } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { httpDate, parseHttpDate } from '../lib/time.ts'
import { openDownload } from '../set/download.ts'
import { readManifest } from '../set/read.ts'
import type { Download } from '../set/set.ts'
import type { Store } from '../store/store.ts'
import { downloadSlots, type DownloadLimits } from './download-slots.ts'
import { heldBytes, holdForDownload, type HoldingDeps } from './holding.ts'
import { linkErrorReply, type LinkError, type LinkErrorDetail } from './link-errors.ts'
import type { Links } from './links.ts'
import { judgeConditions, parseRange, rangeStillHolds } from './range.ts'
import type { Reply, Request } from './request.ts'

export interface DownloadDeps {
  readonly links: Links
  readonly catalog: Pick<Catalog, 'set' | 'holdSet' | 'releaseHold'>
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly limits: DownloadLimits
}

/** What one good link says. */
interface Wanted {
  readonly setId: string
  readonly fileName: string
  /** The name of the one object of the set that is wanted; undefined for the whole. */
  readonly part?: string | undefined
}

/** What it leads to. */
interface Found extends Wanted {
  readonly download: Download
  readonly modifiedAt: Moment
}

/**
 * Answers requests below `/link/`. Judged in this order: method, form of the link, expiry, signature, whether the set is
 * still there and its links were not revoked since, limits, conditions, range. What went wrong is told in OSS's XML; HEAD gives the
 * same status and headers as GET. A download that has begun goes on when its link ends or is revoked.
 */
export function createLinkHandler(deps: DownloadDeps): (request: Request) => Promise<Reply> {
  const slots = downloadSlots(deps.limits)
  const hostId = new URL(deps.links.publicUrl).host

  return async (request) => {
    const bodyless = request.method === 'HEAD'
    const fail = (error: LinkError, detail: Partial<LinkErrorDetail> = {}) =>
      linkErrorReply(error, { hostId, bodyless, ...detail })

    if (!bodyless && request.method !== 'GET') return fail('method', { headers: { allow: 'GET, HEAD' } })
    const link = deps.links.check(request.target)
    if (link.kind === 'expired') {
      return fail('expired', { expired: { expiresAt: link.expiresAt, now: deps.clock.now() } })
    }
    if (link.kind !== 'good') return fail(link.kind)

    try {
      const set = await deps.catalog.set(link.setId)
      if (set !== undefined && !set.removing && (set.linkRound ?? 0) !== link.round) return fail('revoked')
      const found = await find(deps.store, link, set)
      return found ? await serve(found, request, { ...deps, slots }, fail) : fail('removed')
    } catch (error) {
      if (Fault.is(error, 'not_found')) return fail('removed')
      deps.log.error({ err: error, setId: link.setId }, 'download')
      return Fault.is(error) && FAULTS[error.code].retry ? fail('unavailable', RETRY) : fail('internal')
    }
  }
}

type Fail = (error: LinkError, detail?: Partial<LinkErrorDetail>) => Reply

const RETRY = { headers: { 'retry-after': '10' } }

/** The download that a link means; undefined or Fault 'not_found' when its set is gone or has no bytes. */
async function find(store: Store, link: Wanted, set: BackupSet | undefined): Promise<Found | undefined> {
  if (set?.manifestKey === undefined || set.removing) return undefined
  const { fileName, part } = link
  const download = await openDownload(store, await readManifest(store, set.manifestKey), { file: part })
  return { setId: set.id, fileName, part, download, modifiedAt: Math.floor(set.endedAt / 1000) * 1000 }
}

async function serve(found: Found, request: Request, deps: HoldingDeps, fail: Fail): Promise<Reply> {
  const { download, modifiedAt } = found
  const checksum = download.checksum()
  const version = { etag: download.etag, modifiedAt }
  const validators = {
    etag: download.etag,
    'last-modified': httpDate(modifiedAt),
    'cache-control': 'private, no-transform',
    ...(checksum !== undefined && { 'x-oss-hash-crc64ecma': checksum }),
  }

  const condition = judgeConditions(request.headers, version, parseHttpDate)
  if (condition === 'failed') return fail('condition')
  if (condition === 'not modified') return { status: 304, headers: validators, body: '' }

  // Ranges are defined for GET alone: HEAD tells of the whole.
  const asked = request.method === 'GET' && rangeStillHolds(request.headers, version, parseHttpDate)
  const range = parseRange(asked ? request.headers.range : undefined, download.size)
  if (range.kind === 'unsatisfiable') {
    return fail('range', { headers: { 'accept-ranges': 'bytes', 'content-range': `bytes */${download.size}` } })
  }

  const { start, end } = range.kind === 'part' ? range : { start: 0, end: download.size }
  const headers = {
    ...validators,
    'accept-ranges': 'bytes',
    'content-type': download.contentType,
    'content-disposition': contentDisposition(found.fileName),
    'content-length': String(end - start),
    'x-content-type-options': 'nosniff',
    ...(range.kind === 'part' ? { 'content-range': `bytes ${start}-${end - 1}/${download.size}` } : {}),
  }
  const status = range.kind === 'part' ? 206 : 200
  if (request.method === 'HEAD') return { status, headers, body: '' }

  const holding = await holdForDownload(deps, found.setId)
  if (holding === undefined) {
    const { remoteAddress } = request
    deps.log.warn({ setId: found.setId, remoteAddress }, 'over limits.downloads or limits.downloadsPerSet, refused')
    return fail('busy', RETRY)
  }
  const { signal } = request
  return { status, headers, body: await heldBytes(holding, () => download.read({ start, end }, { signal }), signal) }
}
