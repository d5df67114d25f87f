import { randomBytes } from 'node:crypto'
import { Fault } from '../../core/fault.ts'
import type { NodeAddress } from '../../core/instance.ts'
import type { Clock } from '../../lib/clock.ts'
import type { BackupRequest, EngineOptions, EngineProgress, PartSink } from '../engine.ts'
import type { Ask } from './ask.ts'
import { connectReplication } from './connect.ts'
import type { ServerFacts } from './facts.ts'
import { asRefusal, uploadManifest } from './incremental.ts'
import { watchKeptWal } from './kept-wal.ts'
import { unlessStuck, watchStall } from './patience.ts'
import type { SizeEstimate } from './size-estimate.ts'
import { streamBackup, type Streamed } from './stream-backup.ts'

/** What every attempt at one backup shares. */
export interface Ground {
  readonly address: NodeAddress
  readonly request: BackupRequest
  readonly sink: PartSink
  readonly options: EngineOptions
  readonly clock: Clock
  readonly facts: ServerFacts
  /** Of the node that was asked for facts; undefined when it may not tell. */
  readonly systemIdentifier: string | undefined
  readonly estimate: SizeEstimate
}

export interface Taken extends Streamed {
  readonly systemIdentifier: string
}

/**
 * One BASE_BACKUP, on one walsender that also holds the slot: both end with the connection. A second connection watches the
 * WAL that is kept meanwhile. The text of every WARNING goes into `warnings`, also of an attempt that fails.
 */
export async function attempt(
  ground: Ground,
  { verifyChecksums, warnings }: { verifyChecksums: boolean; warnings: string[] },
): Promise<Taken> {
  const { address, request, sink, clock, options, facts, estimate } = ground
  await using connection = await connectReplication(address, options)
  const systemIdentifier = await checkIdentity(connection.ask, request.systemIdentifier, ground.systemIdentifier)
  const { base } = request
  if (base) await uploadManifest(connection, base, options)
  const slot = `holdfast_${randomBytes(8).toString('hex')}`
  await connection.ask(`CREATE_REPLICATION_SLOT "${slot}" TEMPORARY PHYSICAL RESERVE_WAL`)

  const over = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, over.signal]) : over.signal
  let latest: EngineProgress = { phase: 'preparing', bytes: 0, totalBytes: 0 }
  const onProgress = (progress: EngineProgress) => {
    latest = progress
    options.onProgress?.(progress)
  }
  const watches = [
    watchKeptWal(address, { slot, maxBytes: request.maxKeptWalBytes, clock, signal }),
    watchStall(() => latest, { clock, signal, isSlowed: options.isSlowed }),
  ].map((watch) => watch.catch((reason: unknown) => over.abort(reason)))
  const stream = { facts, request, sink, clock, signal, estimate, verifyChecksums, onProgress, warnings }
  try {
    const streamed = await unlessStuck(streamBackup(connection.takeOver(), stream), { clock, signal })
    return { ...streamed, systemIdentifier }
  } catch (error) {
    throw base ? asRefusal(error, base) : error
  } finally {
    over.abort(new Fault('cancelled', 'the backup is over'))
    await Promise.all(watches)
  }
}

/** The system identifier of the cluster that answers, which must be each of those expected. */
async function checkIdentity(ask: Ask, ...expected: readonly (string | undefined)[]): Promise<string> {
  const [identity] = await ask<{ systemid: string }>('IDENTIFY_SYSTEM')
  const found = identity?.systemid ?? ''
  const other = expected.find((one) => one !== undefined && one !== found)
  if (other === undefined) return found
  throw new Fault('conflict', `the server is another cluster: its system identifier is ${found}, not ${other}`, {
    hint: 'Check host and port. If the cluster was made anew (initdb, pg_upgrade), start a new generation of the instance.',
  })
}
