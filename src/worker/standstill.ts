import { Fault } from '../core/fault.ts'
import type { Clock } from '../lib/clock.ts'
import type { Patience } from '../store/patient.ts'
import type { Pause } from './pauses.ts'

/** Waits between tries, doubled each time. */
const [FIRST_MS, LONGEST_MS] = [500, 15_000]
/** A store that has said and taken nothing for so long is waited for; before that it is only slow. */
const SILENT_MS = 30_000
const LOOK_MS = 1000

export interface StandstillOptions {
  readonly clock: Clock
  readonly pause: Pause
  /** How long a store may take nothing in one go. */
  readonly maxMs: number
  readonly signal: AbortSignal
}

/** Waits for a store that is in trouble, and tells when it does. Ends with its task. */
export interface Standstill extends Patience, AsyncDisposable {
  /** Aborts when the store has said and taken nothing for too long, or as the task's own. */
  readonly signal: AbortSignal
  /** Whether it waits now. */
  readonly waiting: boolean
}

/**
 * Patience of one backup with its store: `maxMs` from the first failure, or the last byte, to the next thing that goes well. Then
 * Fault 'store_unavailable' with the store's own reason.
 */
export function createStandstill({ clock, pause, maxMs, signal: outer }: StandstillOptions): Standstill {
  const silent = new AbortController()
  const ended = new AbortController()
  const signal = AbortSignal.any([outer, silent.signal])
  let since: number | undefined
  let delayMs = FIRST_MS
  let outstanding = 0
  let movedAt = clock.monotonic()

  const begin = (from: number, why: string) => {
    since ??= from
    pause.begin(why)
  }
  const isOver = () => since !== undefined && clock.monotonic() - since >= maxMs

  const watch = async () => {
    while (!ended.signal.aborted) {
      await clock.sleep(LOOK_MS, ended.signal).catch(() => {})
      if (maxMs === 0 || outstanding === 0 || clock.monotonic() - movedAt < SILENT_MS) continue
      begin(movedAt, 'it takes nothing, and says nothing')
      if (isOver()) silent.abort(tooLong(maxMs, 'it takes nothing, and says nothing'))
    }
  }
  const watched = watch()

  return {
    signal,
    get waiting() {
      return since !== undefined
    },
    async onTrouble(fault) {
      signal.throwIfAborted()
      if (maxMs === 0) throw fault
      movedAt = clock.monotonic()
      begin(movedAt, fault.message)
      if (isOver()) throw tooLong(maxMs, fault.message, fault)
      const left = maxMs - (clock.monotonic() - (since ?? 0))
      await clock.sleep(Math.min(delayMs, left), signal)
      delayMs = Math.min(LONGEST_MS, delayMs * 2)
      movedAt = clock.monotonic()
    },
    onGiven() {
      if (outstanding++ === 0) movedAt = clock.monotonic()
    },
    onTaken() {
      outstanding = Math.max(0, outstanding - 1)
      movedAt = clock.monotonic()
      if (since === undefined) return
      since = undefined
      delayMs = FIRST_MS
      pause.end()
    },
    async [Symbol.asyncDispose]() {
      ended.abort()
      // A put that an engine gave up waiting for shall not go on trying.
      silent.abort(new Fault('cancelled', 'the backup is over'))
      await watched
      if (since !== undefined) pause.end()
    },
  }
}

const tooLong = (maxMs: number, why: string, cause?: Fault) =>
  new Fault('store_unavailable', `waited ${Math.round(maxMs / 1000)} s for the store: ${why}`, {
    cause,
    hint:
      cause?.hint ??
      'Look at the store and the connection to it; MaxStoreWaitSeconds of the instance says how long to wait.',
  })
