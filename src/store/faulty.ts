import { Fault, type FaultCode } from '../core/fault.ts'
import type { Bytes } from '../lib/streams.ts'
import type { ObjectInfo, Store } from './store.ts'

/** One thing that goes wrong: what happens to the `call`-th call (from 1) of a method. */
export interface Mishap {
  readonly method: 'put' | 'get' | 'stat' | 'list' | 'remove'
  readonly call: number
  /**
   * `fail`: it fails before anything happens. `cut`: it fails after `at` bytes (or listed objects) went through. `flip`: one
   * bit of the byte at `at` is wrong, and nobody says so.
   */
  readonly how: 'fail' | 'cut' | 'flip'
  readonly at?: number
  /** What it fails with; 'store_unavailable' when absent. */
  readonly fault?: FaultCode
}

/** `store`, but for the mishaps of `plan`: for tests of everything that uses a store. */
export function faultyStore(store: Store, plan: readonly Mishap[]): Store {
  const calls = { put: 0, get: 0, stat: 0, list: 0, remove: 0 }

  /** The mishap of this call, if it has one; one that fails at once is thrown. */
  const meet = (method: Mishap['method'], key: string): Mishap | undefined => {
    const call = ++calls[method]
    const mishap = plan.find((one) => one.method === method && one.call === call)
    if (mishap?.how === 'fail') throw failure(mishap, key)
    return mishap
  }

  return {
    kind: store.kind,
    put: async (key, body, options) => store.put(key, mar(body, meet('put', key), key), options),
    get: async (key, options) => {
      const mishap = meet('get', key)
      return mar(await store.get(key, options), mishap, key)
    },
    stat: async (key, options) => {
      meet('stat', key)
      return store.stat(key, options)
    },
    async *list(prefix, options) {
      yield* cutList(store.list(prefix, options), meet('list', prefix), prefix)
    },
    remove: async (key, options) => {
      meet('remove', key)
      return store.remove(key, options)
    },
    ...(store.tidy && { tidy: store.tidy.bind(store) }),
  }
}

const failure = ({ method, fault = 'store_unavailable' }: Mishap, key: string): Fault =>
  new Fault(fault, `${method} ${key}: a planned mishap`)

function mar(body: Bytes, mishap: Mishap | undefined, key: string): Bytes {
  if (mishap?.how === 'cut') return cut(body, mishap, key)
  if (mishap?.how === 'flip') return flip(body, mishap.at ?? 0)
  return body
}

async function* cut(body: Bytes, mishap: Mishap, key: string): Bytes {
  let left = mishap.at ?? 0
  for await (const chunk of body) {
    if (chunk.length > left) {
      if (left > 0) yield chunk.subarray(0, left)
      break
    }
    yield chunk
    left -= chunk.length
  }
  throw failure(mishap, key)
}

async function* flip(body: Bytes, at: number): Bytes {
  let passed = 0
  for await (const chunk of body) {
    const where = at - passed
    passed += chunk.length
    if (where < 0 || where >= chunk.length) {
      yield chunk
      continue
    }
    const marred = Uint8Array.from(chunk)
    marred[where] = (marred[where] ?? 0) ^ 1
    yield marred
  }
}

async function* cutList(
  objects: AsyncIterable<ObjectInfo>,
  mishap: Mishap | undefined,
  prefix: string,
): AsyncIterable<ObjectInfo> {
  let left = mishap ? (mishap.at ?? 0) : Infinity
  for await (const object of objects) {
    if (left-- <= 0) break
    yield object
  }
  if (mishap) throw failure(mishap, prefix)
}
