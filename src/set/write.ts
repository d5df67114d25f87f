import { createHash, type Hash } from 'node:crypto'
import { Fault } from '../core/fault.ts'
import { formatManifest, type Manifest, type StoredObject } from '../core/manifest.ts'
import { sealForRecipients } from '../lib/age.ts'
import { crc64 } from '../lib/crc64.ts'
import type { Pace } from '../lib/pace.ts'
import { release } from '../lib/release.ts'
import type { Bytes, Options } from '../lib/streams.ts'
import { encodeFrames } from '../lib/zstd-encode.ts'
import type { Store } from '../store/store.ts'
import { isEntombed } from './attempts.ts'
import { attemptPrefix, manifestKeyOf, objectKey } from './layout.ts'
import { checkBelongs } from './read.ts'
import type { AttemptPlace, SetWriter } from './set.ts'

export interface WriteOptions extends Options {
  /** zstd's level. */
  readonly level: number
  /** Whom the parts are encrypted to (`age1…`); extras are not. None: nothing is encrypted. */
  readonly recipients?: readonly string[] | undefined
  /** Keeps what goes into the store to a rate. */
  readonly pace?: Pick<Pace, 'take'> | undefined
}

/**
 * Begins to write one attempt at a set. Nothing lies in the store before the first part; nothing of it is a set before `commit`.
 * Parts may be written at once; each passes through compression, encryption if asked and SHA-256 on its way, and none is kept in memory.
 */
export function beginSet(store: Store, place: AttemptPlace, options: WriteOptions): SetWriter {
  const [parts, extras]: [StoredObject[], StoredObject[]] = [[], []]
  const names = new Set<string>()
  let storedBytes = 0

  const { recipients = [], ...plainly } = options

  const write = async (name: string, key: string, body: Bytes, how: WriteOptions): Promise<StoredObject> => {
    if (names.has(key)) throw new Fault('conflict', `write ${key} a second time`)
    names.add(key)
    try {
      return await writeObject(store, name, key, body, { ...how, onStored: (bytes) => (storedBytes += bytes) })
    } catch (error) {
      // Nothing lies there: an engine may write it again, as after bad page checksums.
      names.delete(key)
      throw error
    }
  }

  return {
    parts,
    extras,
    get storedBytes() {
      return storedBytes
    },
    async part(name, body, { file = `${name}.tar` } = {}) {
      const encoding = recipients.length > 0 ? 'zstd+age' : 'zstd'
      parts.push(await write(name, objectKey(place, file, encoding), body, options))
    },
    async extra(name, body) {
      extras.push(await write(name, objectKey(place, name), body, plainly))
    },
    commit: (manifest) => commit(store, place, manifest, options),
  }
}

async function writeObject(
  store: Store,
  name: string,
  key: string,
  body: Bytes,
  options: WriteOptions & { onStored: (bytes: number) => void },
): Promise<StoredObject> {
  const sums: Sums = { sha256: createHash('sha256'), crc64: 0n, size: 0 }
  const encoded = encodeFrames(body, options)
  const { recipients = [], signal } = options
  const sealed = recipients.length > 0 ? sealForRecipients(encoded.bytes, recipients) : encoded.bytes
  const { size } = await store.put(key, measured(sealed, sums, options), { signal, onWritten: release })
  if (size !== sums.size) throw new Fault('store_corrupt', `put ${key}: the store kept ${size} of ${sums.size} bytes`)
  const { plainSize, frames } = encoded
  const [sha256, crc] = [sums.sha256.digest('hex'), sums.crc64.toString()]
  const encoding = recipients.length > 0 ? 'zstd+age' : 'zstd'
  return { name, key, size, sha256, crc64: crc, encoding, plainSize, frames }
}

/** What is reckoned of stored bytes as they pass. */
interface Sums {
  readonly sha256: Hash
  crc64: bigint
  size: number
}

async function* measured(
  bytes: Bytes,
  sums: Sums,
  { pace, signal, onStored }: Pick<WriteOptions, 'pace' | 'signal'> & { onStored: (bytes: number) => void },
): Bytes {
  for await (const chunk of bytes) {
    sums.sha256.update(chunk)
    sums.crc64 = crc64(chunk, sums.crc64)
    sums.size += chunk.length
    await pace?.take(chunk.length, signal)
    onStored(chunk.length)
    yield chunk
  }
}

/**
 * The manifest goes in last, and the tombstone is looked for after it: whoever put one before saw no manifest yet, and will
 * remove what lies here; whoever puts one later does so only after the lease is lost, and the catalog refuses the set then.
 */
async function commit(store: Store, place: AttemptPlace, manifest: Manifest, { signal }: Options): Promise<string> {
  const key = manifestKeyOf(place)
  checkBelongs(manifest, key)
  const lost = new Fault('lease_lost', `commit set ${place.setId}: a tombstone lies in ${attemptPrefix(place)}`)
  if (await isEntombed(store, place, { signal })) throw lost
  const body = async function* () {
    yield Buffer.from(formatManifest(manifest))
  }
  await store.put(key, body(), { signal })
  if (!(await isEntombed(store, place, { signal }))) return key
  await store.remove(key)
  throw lost
}
