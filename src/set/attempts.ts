import { z } from 'zod'
import { Fault } from '../core/fault.ts'
import type { Manifest } from '../core/manifest.ts'
import type { Moment } from '../lib/clock.ts'
import type { Options } from '../lib/streams.ts'
import type { ObjectInfo, Store } from '../store/store.ts'
import { attemptPrefix, MANIFEST, SETS, TOMBSTONE } from './layout.ts'
import { attemptsBelow, foundIn, type AttemptObjects } from './list.ts'
import type { Attempt, AttemptPlace } from './set.ts'

const tombstone = z.object({ at: z.int().nonnegative() })

const tombstoneOf = (place: AttemptPlace): string => attemptPrefix(place) + TOMBSTONE

/** Every attempt in a store, finished or not, in key order. */
export async function* listAttempts(store: Store, options: Options = {}): AsyncIterable<Attempt> {
  for await (const attempt of attemptsBelow(store, SETS, options)) {
    const { place, objects } = attempt
    const newestAt = Math.max(...[...objects.values()].map((object) => object.modifiedAt))
    yield {
      place,
      hasManifest: objects.has(MANIFEST),
      tombstonedAt: await tombstonedAt(store, attempt, options),
      newestAt,
    }
  }
}

/** When the tombstone says it was put; when the store took it, should it be unreadable. */
async function tombstonedAt(store: Store, attempt: AttemptObjects, options: Options): Promise<Moment | undefined> {
  const info = attempt.objects.get(TOMBSTONE)
  return info && ((await readTombstone(store, info, options)) ?? info.modifiedAt)
}

async function readTombstone(store: Store, { key }: ObjectInfo, options: Options): Promise<Moment | undefined> {
  try {
    const text = Buffer.concat(await Array.fromAsync(await store.get(key, options))).toString()
    return tombstone.parse(JSON.parse(text)).at
  } catch (error) {
    if (Fault.is(error) && !Fault.is(error, 'not_found')) throw error
    return undefined
  }
}

/** Says, for ever, that this attempt is not and will not be a set. An earlier tombstone stays as it is, with its moment. */
export async function entombAttempt(
  store: Store,
  place: AttemptPlace,
  at: Moment,
  options: Options = {},
): Promise<void> {
  const body = async function* () {
    yield Buffer.from(`${JSON.stringify({ at })}\n`)
  }
  try {
    await store.put(tombstoneOf(place), body(), { ...options, ifAbsent: true })
  } catch (error) {
    if (!Fault.is(error, 'conflict')) throw error
  }
}

/** Takes a tombstone away again that was put too late: the attempt is a set that somebody committed. One that is not there is no error. */
export const liftTombstone = (store: Store, place: AttemptPlace, options: Options = {}): Promise<void> =>
  store.remove(tombstoneOf(place), options)

/** Whether a tombstone lies in the attempt. */
export async function isEntombed(store: Store, place: AttemptPlace, options: Options = {}): Promise<boolean> {
  try {
    await store.stat(tombstoneOf(place), options)
    return true
  } catch (error) {
    if (Fault.is(error, 'not_found')) return false
    throw error
  }
}

/**
 * Removes all that lies in the attempt's place: the manifest first, so that nothing is a set whose bytes are going, and the tombstone
 * last, so that a removal that was cut short is taken up again.
 */
export async function removeAttempt(store: Store, place: AttemptPlace, options: Options = {}): Promise<void> {
  const prefix = attemptPrefix(place)
  await store.remove(prefix + MANIFEST, options)
  for await (const { key } of store.list(prefix, options)) {
    if (key !== prefix + TOMBSTONE) await store.remove(key, options)
  }
  await store.remove(prefix + TOMBSTONE, options)
}

/**
 * The set that this attempt or an earlier one of its task finished: manifest sound, no tombstone, every object there with its size.
 * Undefined when there is none that can be taken over. The latest one, should there be several.
 */
export async function findManifest(
  store: Store,
  place: AttemptPlace,
  options: Options = {},
): Promise<{ readonly key: string; readonly manifest: Manifest } | undefined> {
  const attempts = await Array.fromAsync(attemptsBelow(store, taskPrefix(place), options))
  const earlier = attempts.filter((attempt) => attempt.place.attempt <= place.attempt)
  for (const attempt of earlier.toSorted((a, b) => b.place.attempt - a.place.attempt)) {
    const found = await foundIn(store, attempt, options)
    if (found?.manifest) return found
  }
  return undefined
}

const taskPrefix = ({ instanceId, setId, taskId }: AttemptPlace): string => `${SETS}${instanceId}/${setId}/${taskId}-`
