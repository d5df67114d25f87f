import { createHash } from 'node:crypto'
import { Fault } from '../core/fault.ts'
import type { StoredObject } from '../core/manifest.ts'
import type { Bytes, Options } from '../lib/streams.ts'
import { decodeFrames, decodeRange } from '../lib/zstd-decode.ts'
import { FrameDamage, readSeekTable, type ReadRange, type SeekTable } from '../lib/zstd-seek-table.ts'
import type { Store } from '../store/store.ts'

export interface ReadOptions extends Options {
  /** Told after each piece how many stored bytes it had. */
  readonly onStored?: ((bytes: number) => void) | undefined
}

/**
 * The decoded bytes of one stored object, all of them or a range. Every frame is checked; a whole read also checks the
 * SHA-256 of the stored bytes. Fault 'store_corrupt', its message saying what is wrong with the object, when it is not as the manifest says.
 */
export async function* objectBytes(
  store: Store,
  object: StoredObject,
  range: { start: number; end: number } | undefined,
  options: ReadOptions = {},
): Bytes {
  try {
    const table = await checkedTable(store, object, options)
    if (range) yield* decodeRange(table, readFrom(store, object, options), range.start, range.end)
    else yield* decodeFrames(table, checkedBytes(store, object, options), 0, table.frames)
  } catch (error) {
    throw asDamage(error, object)
  }
}

/** What is wrong with an object, as a Fault; any other failure as it is. */
function asDamage(error: unknown, object: StoredObject): unknown {
  const what = error instanceof FrameDamage ? error.message : undefined
  const gone = Fault.is(error, 'not_found') ? `it is missing, there is no object ${object.key}` : undefined
  const message = what ?? gone
  return message === undefined ? error : new Fault('store_corrupt', message, { cause: error })
}

async function checkedTable(store: Store, object: StoredObject, options: Options): Promise<SeekTable> {
  const { size } = await store.stat(object.key, options)
  if (size !== object.size) throw new FrameDamage(`it has ${size} bytes, the manifest says ${object.size}`)
  const table = await readSeekTable(readFrom(store, object, options), size)
  if (table.plainSize === object.plainSize && table.frames === object.frames) return table
  throw new FrameDamage(
    `its seek table says ${table.plainSize} bytes in ${table.frames} frames, the manifest ${object.plainSize} in ${object.frames}`,
  )
}

const readFrom =
  (store: Store, object: StoredObject, { signal }: Options): ReadRange =>
  (start, end) =>
    store.get(object.key, { start, end, signal })

/** The stored bytes, hashed as they pass; FrameDamage at their end when the hash is not the manifest's. */
async function* checkedBytes(store: Store, object: StoredObject, { signal, onStored }: ReadOptions): Bytes {
  const hash = createHash('sha256')
  for await (const chunk of await store.get(object.key, { signal })) {
    hash.update(chunk)
    onStored?.(chunk.length)
    yield chunk
  }
  if (hash.digest('hex') !== object.sha256) throw new FrameDamage('its SHA-256 is not the one in the manifest')
}
