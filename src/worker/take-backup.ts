import { NEVER } from '../core/backup-set.ts'
import { setOfManifest } from '../core/set-of-manifest.ts'
import { Fault } from '../core/fault.ts'
import { triesOf, type Task, type TakeBackupRequest } from '../core/task.ts'
import { STORE_WAIT_SECONDS, type Node } from '../core/instance.ts'
import type { Manifest } from '../core/manifest.ts'
import type { SetReader } from '../core/set-reader.ts'
import type { BackupRequest, EngineProgress, Point } from '../engine/engine.ts'
import { findManifest, isEntombed, removeAttempt } from '../set/attempts.ts'
import { encryptionFacts, NO_ENCRYPTION } from '../set/encryption.ts'
import { ensureInstanceRecord } from '../set/instance-record.ts'
import { requireProven } from '../set/proofs.ts'
import { beginSet } from '../set/write.ts'
import { openDownload } from '../set/download.ts'
import { patientStore } from '../store/patient.ts'
import type { AttemptPlace, SetWriter } from '../set/set.ts'
import { startBackOff } from './back-off.ts'
import { findBase } from './find-base.ts'
import { composeManifest } from './compose-manifest.ts'
import { backupPercent } from './percent.ts'
import { createPauses, type Pause } from './pauses.ts'
import { pickNode, type Source } from './pick-node.ts'
import { createStandstill } from './standstill.ts'
import type { Story, TaskRun, WorkerDeps } from './task-run.ts'

const DAY_MS = 86_400_000

/**
 * Takes one backup: adopts what an earlier attempt finished, or probes the nodes, streams from one into the store, writes the
 * manifest, and commits. Until the commit there is no set; after it there is one that can be restored.
 */
export const takeBackup: Story = async (claimed, plain) => {
  const place = placeOf(claimed.task)
  const instance = await plain.catalog.instance(place.instanceId)
  const pauses = createPauses(claimed, plain)
  await using standstill = createStandstill({
    clock: plain.clock,
    pause: pauses.of('awaiting-store', 'for the store'),
    maxMs: (instance?.settings.maxStoreWaitSeconds ?? STORE_WAIT_SECONDS) * 1000,
    signal: claimed.signal,
  })
  const run: BackupRun = {
    ...claimed,
    signal: standstill.signal,
    report: pauses.report,
    isSlowed: () => standstill.waiting || claimed.pace.waiting,
    busy: pauses.of('backing-off', 'for the database to be less busy'),
    abandon: (attempt) => abandon(attempt, plain),
  }
  await take(place, run, { ...plain, store: patientStore(plain.store, standstill) })
}

/** The run of a backup, which waits for its store and says so. */
interface BackupRun extends TaskRun {
  /** Whether the store takes nothing just now, by its own trouble or on purpose. */
  readonly isSlowed: () => boolean
  /** The pause that lets a busy database be. */
  readonly busy: Pause
  /** Clears away an attempt that is no set and becomes none, without any patience with the store. */
  readonly abandon: (place: AttemptPlace) => Promise<void>
}

async function take(place: AttemptPlace, run: BackupRun, deps: WorkerDeps): Promise<void> {
  const earlier = run.task.attempt > 1 ? await findManifest(deps.store, place) : undefined
  const finished = earlier ?? (await writeAttempt(place, run, deps))
  const download = await openDownload(deps.store, finished.manifest)
  const set = { ...setOfManifest(finished.manifest, finished.key, download), ...endOf(run.task, finished.manifest) }
  const { attempt, warnings } = finished.manifest
  try {
    if (earlier) await checkNotEntombed({ ...place, attempt }, run, deps)
    await deps.catalog.commitSet(run.lease, set, { size: set.size, node: set.nodeId, warnings })
  } catch (error) {
    // Nobody adopts the manifest of a cancelled task; of any other it may be all that is needed.
    if (Fault.is(error, 'cancelled')) await run.abandon({ ...place, attempt })
    throw error
  }
}

/** The end of its own that was asked for with the set. */
function endOf(task: Task, { startedAt }: { readonly startedAt: number }): { expiresAt?: number } {
  const { keepDays } = task.request as TakeBackupRequest
  if (keepDays === undefined) return {}
  return { expiresAt: keepDays === -1 ? NEVER : startedAt + keepDays * DAY_MS }
}

function placeOf(task: Task): AttemptPlace {
  const { instanceId, setId, id, attempt } = task
  if (instanceId === undefined || setId === undefined) throw new Fault('invalid', `task ${id} names no instance or set`)
  return { instanceId, setId, taskId: id, attempt }
}

/** Just before an adoption is committed: a tombstone put later is lifted by the sweep, one put before may be old enough to act on. */
async function checkNotEntombed(place: AttemptPlace, run: TaskRun, { store }: WorkerDeps): Promise<void> {
  await run.renew()
  if (!(await isEntombed(store, place, { signal: run.signal }))) return
  throw new Fault('locked', `adopt set ${place.setId}: attempt ${place.attempt} is being swept away`)
}

async function writeAttempt(place: AttemptPlace, run: BackupRun, deps: WorkerDeps) {
  const { attempts, compressionLevel } = deps.settings
  if (triesOf(run.task) > attempts) {
    throw new Fault('conflict', `gave up: the worker died in each of ${attempts} attempts`)
  }
  const startedAt = deps.clock.now()
  const request = run.task.request as TakeBackupRequest
  run.report({ phase: 'preparing', percent: 0, bytes: 0, totalBytes: 0 })
  const { recipients } = deps.encryption ?? NO_ENCRYPTION
  if (recipients.length > 0) await requireProven(deps.store, recipients, { signal: run.signal })
  const source = await pickNode(place.instanceId, request.method, run, deps)
  run.reached(source.node.id)
  await ensureInstanceRecord(deps.store, source.instance, { signal: run.signal })
  // The first byte is sent at the rate that holds, and not before it is known.
  await run.renew()
  const writing = { level: compressionLevel, recipients, pace: run.pace, signal: run.signal }
  const writer = beginSet(deps.store, place, writing)
  const taken = await streamPlanned(source, request, { writer, run, deps }).catch(async (error: unknown) => {
    await run.abandon(place)
    throw error
  })
  const manifest = composeManifest({
    ...source,
    ...taken,
    place,
    request,
    writer,
    encryption: encryptionFacts(deps.encryption ?? NO_ENCRYPTION),
    startedAt,
    endedAt: deps.clock.now(),
  })
  const key = await writer.commit(manifest).catch(async (error: unknown) => {
    if (Fault.is(run.signal.reason, 'cancelled')) await run.abandon(place)
    throw error
  })
  return { manifest, key }
}

interface Streaming {
  readonly writer: SetWriter
  readonly run: BackupRun
  readonly deps: WorkerDeps
}

interface Taken {
  readonly point: Point
  readonly node: Node
  readonly base: Manifest | undefined
}

/** A replica makes a restartpoint after each checkpoint of its primary: every five minutes, unless that was changed. */
const BASE_WAIT_MS = 330_000

/**
 * Takes what was asked for. An increment that the node refuses is tried on every other that would do; then once more, with time for a
 * replica to come so far; and then becomes a full set on the same task, with the reasons among its warnings.
 */
async function streamPlanned(source: Source, request: TakeBackupRequest, streaming: Streaming): Promise<Taken> {
  const { run, deps } = streaming
  const { base, reason } = request.type === 'FullBackup' ? {} : await findBase(source.instance, run, deps)
  const reasons = new Set(reason === undefined ? [] : [reason])
  const nodes = [source.node, ...source.others]
  const tries = nodes.map((node) => ({ node, baseWaitMs: 0 })).concat({ node: source.node, baseWaitMs: BASE_WAIT_MS })
  for (const { node, baseWaitMs } of base ? tries : []) {
    run.reached(node.id)
    try {
      const point = await stream({ ...source, node }, request, streaming, base && { set: base, waitMs: baseWaitMs })
      return { point, node, base: base?.manifest }
    } catch (error) {
      if (!Fault.is(error, 'increment_refused')) throw error
      reasons.add(`node ${node.id}: ${error.message}`)
    }
  }
  run.reached(source.node.id)
  const point = await stream(source, request, streaming, undefined)
  const warnings = [...[...reasons].map((why) => `a full set instead of an increment: ${why}`), ...point.warnings]
  return { point: { ...point, warnings }, node: source.node, base: undefined }
}

/** Streams the backup into the set, and makes sure that the task is still ours: nothing but the manifest comes after. */
async function stream(
  { instance, node, engine }: Source,
  request: TakeBackupRequest,
  { writer, run, deps }: Streaming,
  base: { readonly set: SetReader; readonly waitMs: number } | undefined,
) {
  const percent = backupPercent()
  const ask: BackupRequest = {
    method: request.method,
    databases: request.databases,
    binDirs: deps.restore.binDirs,
    checkpoint: request.mode === 'Manual' ? 'fast' : 'spread',
    systemIdentifier: instance.systemIdentifier,
    maxKeptWalBytes: instance.settings.maxKeptWalBytes,
    keepCorrupt: instance.settings.keepCorrupt,
    compressionLevel: deps.settings.compressionLevel,
    title: base
      ? `Backup set ${run.task.setId} of ${instance.id}, an increment that adds to set ${base.set.manifest.backupId}`
      : `Backup set ${run.task.setId} of ${instance.id}`,
    base: base?.set,
    baseWaitMs: base?.waitMs,
  }
  const onProgress = (progress: EngineProgress) => run.report(percent(progress))
  await using backOff = startBackOff(instance, { engine, pace: run.pace, pause: run.busy, clock: deps.clock })
  const point = await engine.backup(node.address, ask, writer, {
    signal: run.signal,
    onProgress,
    isSlowed: run.isSlowed,
  })
  await run.renew()
  return { ...point, warnings: [...point.warnings, ...backOff.warnings] }
}

/** How long a store may take to clear an attempt away: one that hangs must not hang the task. */
const CLEAR_MS = 30_000

/** Clears away an attempt that is no set and becomes none. What cannot be removed now, on a store that is down, the sweep removes. */
async function abandon(place: AttemptPlace, { store, clock, log }: WorkerDeps): Promise<void> {
  const over = new AbortController()
  const giveUp = async () => {
    await clock.sleep(CLEAR_MS, over.signal)
    throw new Fault('store_unavailable', 'the store does not answer')
  }
  try {
    await Promise.race([removeAttempt(store, place, { signal: over.signal }), giveUp()])
  } catch (error) {
    log.warn({ set: place.setId, err: (error as Error).message }, 'remains of the attempt left to the sweep')
  } finally {
    over.abort()
  }
}
