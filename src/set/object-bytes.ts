import { createHash } from 'node:crypto'
import { Fault } from '../core/fault.ts'
import type { StoredObject } from '../core/manifest.ts'
import { openAge, type Identity, type OpenedAge } from '../lib/age.ts'
import { release } from '../lib/release.ts'
import type { Bytes, Options } from '../lib/streams.ts'
import { decodeFrames, decodeRange } from '../lib/zstd-decode.ts'
import { FrameDamage, readSeekTable, type ReadRange, type SeekTable } from '../lib/zstd-seek-table.ts'
import type { Store } from '../store/store.ts'

export interface ReadOptions extends Options {
  /** Told after each piece how many stored bytes it had. */
  readonly onStored?: ((bytes: number) => void) | undefined
  /** What opens an encrypted object. */
  readonly identities?: readonly Identity[] | undefined
}

/** An object that is read as if it were not encrypted. */
interface Opened {
  readonly table: SeekTable
  readonly read: ReadRange
  /** What is within the stored bytes of the whole object. */
  readonly whole: (stored: Bytes) => Bytes
}

/**
 * The decoded bytes of one stored object, all of them or a range. Every frame, and every chunk of an encryption, is checked; a whole read
 * also checks the SHA-256 of the stored bytes. Fault 'store_corrupt', its message saying what is wrong with the object, when it is not as
 * the manifest says; 'identity_needed' when it is encrypted and none of the identities opens it.
 */
export async function* objectBytes(
  store: Store,
  object: StoredObject,
  range: { start: number; end: number } | undefined,
  options: ReadOptions = {},
): Bytes {
  try {
    const { table, read, whole } = await openObject(store, object, options)
    if (range) yield* decodeRange(table, read, range.start, range.end)
    else yield* decodeFrames(table, whole(checkedBytes(store, object, options)), 0, table.frames)
  } catch (error) {
    throw asDamage(error, object)
  }
}

/**
 * Reads every stored byte of an object, without what opens an encryption, and holds size and SHA-256 against the manifest. Fault
 * 'store_corrupt' as above.
 */
export async function checkStored(store: Store, object: StoredObject, options: ReadOptions = {}): Promise<void> {
  try {
    await checkSize(store, object, options)
    for await (const chunk of checkedBytes(store, object, options)) {
      options.signal?.throwIfAborted()
      release(chunk)
    }
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

async function openObject(store: Store, object: StoredObject, options: ReadOptions): Promise<Opened> {
  await checkSize(store, object, options)
  const stored = readFrom(store, object, options)
  if (object.encoding === 'zstd') {
    return { table: await checkedTable(stored, object.size, object), read: stored, whole: (bytes) => bytes }
  }
  const age = await openEncrypted(stored, object, options.identities ?? [])
  return {
    table: await checkedTable(age.read, age.plainSize, object),
    read: age.read,
    whole: (bytes) => age.whole(bytes),
  }
}

async function openEncrypted(
  read: ReadRange,
  { name, size }: StoredObject,
  identities: readonly Identity[],
): Promise<OpenedAge> {
  const age = await openAge(read, size, identities)
  if (!age) throw new Fault('identity_needed', `open ${name}: it is encrypted, and no identity at hand opens it`)
  return age
}

async function checkSize(store: Store, object: StoredObject, { signal }: Options): Promise<void> {
  const { size } = await store.stat(object.key, { signal })
  if (size !== object.size) throw new FrameDamage(`it has ${size} bytes, the manifest says ${object.size}`)
}

/** The seek table of an object, at the end of `size` bytes of zstd. */
async function checkedTable(read: ReadRange, size: number, object: StoredObject): Promise<SeekTable> {
  const table = await readSeekTable(read, size)
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
