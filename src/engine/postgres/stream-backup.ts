import type { Socket } from 'node:net'
import { Fault } from '../../core/fault.ts'
import type { Clock, Moment } from '../../lib/clock.ts'
import { createSpool, type Spool } from '../../lib/spool.ts'
import type { Bytes } from '../../lib/streams.ts'
import { TAR_END, tarPadding } from '../../lib/tar.ts'
import type { BackupRequest, EngineProgress, PartSink } from '../engine.ts'
import { checkAgainstManifest, segmentsOf } from './backup-manifest.ts'
import { baseBackupCommand } from './base-backup-command.ts'
import { createBackupReader, type Announced, type BackupEvent } from './base-backup-stream.ts'
import type { ServerFacts } from './facts.ts'
import { createFileList } from './file-list.ts'
import { createMemberStream, formatMember, memberHeader, type MemberStream, type Seen } from './member-stream.ts'
import { runCommand } from './replication-stream.ts'
import { restoreText } from './restore-text.ts'

/** A server that sends nothing for so long, once the checkpoint is over, counts as gone. */
const IDLE_MS = 120_000

export interface StreamRequest {
  readonly facts: ServerFacts
  readonly request: BackupRequest
  readonly sink: PartSink
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly progress: boolean
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
}

/**
 * Runs BASE_BACKUP on an authenticated socket and passes it on as one tar: the text on how to restore first, the server's
 * manifest last. The tar ends only after every file was held against that manifest and the server has said that all went well.
 */
export async function streamBackup(socket: Socket, request: StreamRequest): Promise<Streamed> {
  const flow: Flow = {
    request,
    seen: { files: createFileList(), segments: new Set(), bytes: 0 },
    manifest: createSpool(),
    tablespaces: [],
    members: undefined,
    start: undefined,
    end: undefined,
    totalBytes: 0,
  }
  tell(flow, 'checkpoint')
  await request.sink.part('data', tarOf(socket, flow))
  tell(flow, 'writing')
  await request.sink.extra('backup_manifest', flow.manifest.read())
  const { start, end } = flow
  if (!start || !end) throw new Fault('engine_failed', 'take a base backup: the sink ended before the backup did')
  const tablespaces = flow.tablespaces.flatMap(({ oid, location }) => (oid === undefined ? [] : [{ oid, location }]))
  return { startLsn: start.lsn, endLsn: end.lsn, timeline: end.timeline, tablespaces, consistentAt: end.at }
}

async function* tarOf(socket: Socket, flow: Flow): Bytes {
  const { facts, request, progress, verifyChecksums, signal } = flow.request
  const reader = createBackupReader(facts.serverVersion)
  const command = baseBackupCommand({
    serverVersion: facts.serverVersion,
    label: request.title.slice(0, 200),
    checkpoint: request.checkpoint,
    progress,
    verifyChecksums,
  })
  // A spread checkpoint may take as long as checkpoint_timeout, and nothing is sent meanwhile.
  const idleMs = () => (flow.start ? IDLE_MS : 0)
  for await (const events of runCommand(socket, command, { signal, idleMs })) {
    for (const raw of events) {
      const event = reader.read(raw)
      if (event === undefined) continue
      const pieces = take(event, flow)
      if (pieces instanceof Promise) await pieces
      else yield* pieces
    }
    tell(flow, flow.start ? 'streaming' : 'checkpoint')
    if (reader.over) break
  }
  tell(flow, 'checking')
  await check(flow)
  yield* manifestMember(flow)
  yield TAR_END
}

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
      return NOTHING
    case 'tablespaces':
      flow.tablespaces = event.tablespaces
      flow.totalBytes = event.tablespaces.reduce((sum, { size }) => sum + size, 0)
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
    tablespaces: flow.tablespaces.flatMap(({ oid, location }) => (oid === undefined ? [] : [{ oid, location }])),
  })
  return formatMember('RESTORE.txt', Buffer.from(text), seconds(flow))
}

/** Holds what passed against the server's manifest, and looks for every segment of WAL that recovery will read. */
async function check({ seen, manifest, request }: Flow): Promise<void> {
  try {
    const ranges = await checkAgainstManifest(seen.files, manifest.read())
    for (const name of ranges.flatMap((range) => segmentsOf(range, request.facts.walSegmentSize))) {
      if (!seen.segments.has(name)) throw new Fault('store_corrupt', `WAL segment ${name} is missing`)
    }
  } catch (cause) {
    if (!Fault.is(cause, 'store_corrupt')) throw cause
    throw new Fault('engine_failed', `take a base backup: what came is not what the server lists: ${cause.message}`, {
      cause,
      hint: 'The backup is taken again; if it goes on, look at the network and the memory of both machines.',
    })
  }
}

async function* manifestMember(flow: Flow): Bytes {
  const { size } = flow.manifest
  yield memberHeader('data/backup_manifest', size, seconds(flow))
  yield* flow.manifest.read()
  yield Buffer.alloc(tarPadding(size))
}

function tell({ request, seen, totalBytes }: Flow, phase: EngineProgress['phase']): void {
  request.onProgress?.({ phase, bytes: seen.bytes, totalBytes })
}
