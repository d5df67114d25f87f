import { Fault } from '../../core/fault.ts'
import type { Clock, Moment } from '../../lib/clock.ts'
import { createSpool, type Spool } from '../../lib/spool.ts'
import type { Bytes } from '../../lib/streams.ts'
import { TAR_END, tarPadding } from '../../lib/tar.ts'
import type { BackupRequest, EngineProgress, PartSink } from '../engine.ts'
import { checkAgainstManifest, historyName, segmentsOf } from './backup-manifest.ts'
import { baseBackupCommand } from './base-backup-command.ts'
import { createBackupReader, type Announced, type BackupEvent } from './base-backup-stream.ts'
import type { ServerFacts } from './facts.ts'
import { createFileList } from './file-list.ts'
import { createMemberStream, formatMember, memberHeader, type MemberStream, type Seen } from './member-stream.ts'
import { runCommand, type Wire } from './replication-stream.ts'
import type { WireEvent } from './wire-reader.ts'
import { restoreText } from './restore-text.ts'
import type { SizeEstimate } from './size-estimate.ts'

/** Files above which the server is not asked to count its bytes first, since it would look at each of them. */
const MANY_FILES = 200_000

/** A server that sends nothing for so long, once the checkpoint is over, counts as gone. */
const IDLE_MS = 120_000

export interface StreamRequest {
  readonly facts: ServerFacts
  readonly request: BackupRequest
  readonly sink: PartSink
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly estimate: SizeEstimate
  readonly verifyChecksums: boolean
  readonly onProgress: ((progress: EngineProgress) => void) | undefined
  /** Gets the text of every WARNING, also of a backup that fails. */
  readonly warnings: string[]
}

/** Where a backup that has been taken whole begins and ends. */
export interface Streamed {
  readonly startLsn: string
  readonly endLsn: string
  readonly timeline: number
  readonly tablespaces: readonly { readonly oid: string; readonly location: string }[]
  readonly consistentAt: Moment
}

/** What is known while the bytes flow. */
interface Flow {
  readonly request: StreamRequest
  readonly seen: Seen
  readonly manifest: Spool
  tablespaces: readonly Announced[]
  /** The tar that comes now, and whose it is. */
  members: MemberStream | undefined
  start: { readonly lsn: string; readonly timeline: number } | undefined
  end: { readonly lsn: string; readonly timeline: number; readonly at: Moment } | undefined
  totalBytes: number
  /** Why our tar broke off, which a sink may have put into words of its own. */
  failure: unknown
}

/**
 * Runs BASE_BACKUP on an authenticated socket and passes it on as one tar: the text on how to restore first, the server's
 * manifest last. The tar ends only after every file was held against that manifest and the server has said that all went well.
 */
export async function streamBackup(socket: Wire, request: StreamRequest): Promise<Streamed> {
  const flow: Flow = {
    request,
    seen: { files: createFileList(), segments: new Map(), bytes: 0 },
    manifest: createSpool(),
    tablespaces: [],
    members: undefined,
    start: undefined,
    end: undefined,
    totalBytes: 0,
    failure: undefined,
  }
  tell(flow, 'checkpoint')
  await request.sink.part('data', tarOf(socket, flow)).catch((error: unknown) => {
    throw flow.failure ?? error
  })
  tell(flow, 'writing')
  await request.sink.extra('backup_manifest', flow.manifest.read())
  const { start, end } = flow
  if (!start || !end) throw new Fault('engine_failed', 'take a base backup: the sink ended before the backup did')
  const tablespaces = flow.tablespaces.flatMap(({ oid, location }) => (oid === undefined ? [] : [{ oid, location }]))
  return { startLsn: start.lsn, endLsn: end.lsn, timeline: end.timeline, tablespaces, consistentAt: end.at }
}

async function* tarOf(socket: Wire, flow: Flow): Bytes {
  const reader = createBackupReader(flow.request.facts.serverVersion)
  try {
    for await (const events of eventsOf(socket, flow)) {
      for (const raw of events) {
        const event = reader.read(raw)
        if (event === undefined) continue
        const pieces = take(event, flow)
        if (pieces instanceof Promise) await pieces
        else for (const piece of pieces) yield piece
      }
      if (flow.start) tell(flow, 'streaming')
      if (reader.over) break
    }
    tell(flow, 'checking')
    await check(flow)
  } catch (error) {
    flow.failure = error
    throw error
  }
  yield* manifestMember(flow)
  yield TAR_END
}

function eventsOf(socket: Wire, flow: Flow): AsyncIterable<WireEvent[]> {
  const { facts, request, estimate, verifyChecksums, signal } = flow.request
  const command = baseBackupCommand({
    serverVersion: facts.serverVersion,
    label: labelOf(request.title),
    checkpoint: request.checkpoint,
    progress: estimate.files < MANY_FILES,
    verifyChecksums,
    incremental: request.base !== undefined,
  })
  // A spread checkpoint may take as long as checkpoint_timeout, and nothing is sent meanwhile.
  return runCommand(socket, command, { signal, idleMs: () => (flow.start ? IDLE_MS : 0) })
}

/** A line of backup_label, which more than a line would break; the server takes 1024 bytes. */
const labelOf = (title: string): string => title.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ').slice(0, 200)

const NOTHING: readonly Uint8Array[] = []

/** What an event adds to our tar; a promise when it adds nothing and takes its time. */
function take(event: BackupEvent, flow: Flow): Iterable<Uint8Array> | Promise<void> {
  switch (event.kind) {
    case 'tar':
      if (!flow.members) throw new Fault('engine_failed', 'take a base backup: the server sent data of no tar')
      return flow.members.feed(event.bytes)
    case 'manifest-bytes':
      return flow.manifest.write(event.bytes)
    case 'start':
      flow.start = event
      tell(flow, 'streaming')
      return NOTHING
    case 'tablespaces':
      flow.tablespaces = event.tablespaces
      flow.totalBytes = event.tablespaces.reduce((sum, { size }) => sum + size, 0) || flow.request.estimate.bytes
      return opening(flow)
    case 'archive':
      flow.members?.end()
      flow.members = createMemberStream(event.oid, flow.seen)
      return NOTHING
    case 'manifest':
      flow.members?.end()
      flow.members = undefined
      return NOTHING
    case 'end':
      flow.end = { ...event, at: flow.request.clock.now() }
      return NOTHING
    case 'warning':
      flow.request.warnings.push(event.text)
      return NOTHING
  }
}

const seconds = (flow: Flow): number => Math.floor(flow.request.clock.now() / 1000)

function opening(flow: Flow): Iterable<Uint8Array> {
  const { facts, request } = flow.request
  const text = restoreText({
    title: request.title,
    serverVersionText: facts.serverVersionText,
    major: Math.floor(facts.serverVersion / 10_000),
    parentId: request.base?.manifest.backupId,
    tablespaces: flow.tablespaces.flatMap(({ oid, location }) => (oid === undefined ? [] : [{ oid, location }])),
  })
  return formatMember('RESTORE.txt', Buffer.from(text), seconds(flow))
}

/** Holds what passed against the server's manifest, and looks for every segment of WAL that recovery will read. */
async function check(flow: Flow): Promise<void> {
  const { walSegmentSize } = flow.request.facts
  try {
    const ranges = await checkAgainstManifest(flow.seen.files, flow.manifest.read())
    for (const name of ranges.flatMap((range) => segmentsOf(range, walSegmentSize))) {
      if (flow.seen.segments.get(name) === walSegmentSize) continue
      throw new Fault('store_corrupt', `WAL segment ${name} is not there, or not whole`)
    }
  } catch (cause) {
    if (!Fault.is(cause, 'store_corrupt')) throw cause
    throw new Fault('engine_failed', `take a base backup: what came is not what the server lists: ${cause.message}`, {
      cause,
      hint: 'The backup is taken again; if it goes on, look at the network and the memory of both machines.',
    })
  }
  checkHistory(flow)
}

/** Later sets and logs of a timeline are told apart by its history; recovery of this set alone does not need it. */
function checkHistory({ end, seen, request }: Flow): void {
  if (!end || end.timeline === 1) return
  const name = historyName(end.timeline)
  if (!seen.segments.has(name)) request.warnings.push(`the server has no ${name}, so the set does not hold it`)
}

async function* manifestMember(flow: Flow): Bytes {
  const { size } = flow.manifest
  yield memberHeader('data/backup_manifest', size, seconds(flow))
  yield* flow.manifest.read()
  yield Buffer.alloc(tarPadding(size))
}

function tell({ request, seen, totalBytes }: Flow, phase: EngineProgress['phase']): void {
  // The server's count leaves WAL out.
  const total = totalBytes > 0 ? Math.max(totalBytes, seen.bytes) : 0
  request.onProgress?.({ phase, bytes: seen.bytes, totalBytes: total })
}
