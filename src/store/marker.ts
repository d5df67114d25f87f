import { z } from 'zod'
import { Fault } from '../core/fault.ts'
import type { Clock } from '../lib/clock.ts'
import type { Store } from './store.ts'

/** The newest layout of a store that this program writes and reads. Older ones are read for ever. */
export const STORE_VERSION = 1

/** The object that says what a store is, at its top. */
export const MARKER = 'holdfast-store.json'

const marker = z.object({ format: z.literal('holdfast-store'), version: z.int().positive() })

export interface MarkerOptions {
  /** Make a new store of an empty place. True when absent. */
  readonly create?: boolean
}

/**
 * Sees that `store` is one of ours and of a layout we know; an empty one becomes ours. Fault 'too_new' when a newer program made it,
 * 'store_corrupt' when its marker is unreadable, 'not_found' when there is no store and none may be made, 'invalid' when something else lies there.
 */
export async function checkMarker(store: Store, clock: Clock, { create = true }: MarkerOptions = {}): Promise<void> {
  const text = await readMarker(store)
  if (text !== undefined) return judge(text)
  for await (const { key } of store.list('')) {
    if (key === MARKER) return checkMarker(store, clock, { create })
    throw new Fault('invalid', `open the store: it holds ${key} and no ${MARKER}`, {
      hint: `Give Holdfast an empty place. If this is a store whose ${MARKER} was lost, docs/format.md says how to write it again.`,
    })
  }
  if (!create)
    throw new Fault('not_found', `open the store: no ${MARKER} there`, { hint: 'Check the URL of the store.' })
  await writeMarker(store, clock)
}

async function readMarker(store: Store): Promise<string | undefined> {
  try {
    return Buffer.concat(await Array.fromAsync(await store.get(MARKER))).toString()
  } catch (error) {
    if (Fault.is(error, 'not_found')) return undefined
    throw error
  }
}

async function writeMarker(store: Store, clock: Clock): Promise<void> {
  const text = JSON.stringify({ format: 'holdfast-store', version: STORE_VERSION, createdAt: clock.now() }, null, 2)
  const body = async function* () {
    yield Buffer.from(`${text}\n`)
  }
  try {
    await store.put(MARKER, body(), { ifAbsent: true })
  } catch (error) {
    if (!Fault.is(error, 'conflict')) throw error
    judge((await readMarker(store)) ?? '')
  }
}

function judge(text: string): void {
  const parsed = marker.safeParse(parseJson(text))
  if (!parsed.success) {
    throw new Fault('store_corrupt', `open the store: its ${MARKER} is not what we write`, {
      hint: 'docs/format.md says how to write it again.',
      cause: parsed.error,
    })
  }
  if (parsed.data.version <= STORE_VERSION) return
  throw new Fault(
    'too_new',
    `open the store: its layout has version ${parsed.data.version}, this program knows up to ${STORE_VERSION}`,
    { hint: 'Update Holdfast: this store was made by a newer version.' },
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
