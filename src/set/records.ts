import { Fault } from '../core/fault.ts'
import type { Options } from '../lib/streams.ts'
import type { Store } from '../store/store.ts'

/** How often the next number is tried when other processes take it before us. */
const TRIES = 100

/** Versions of small texts, each kept for its owner under `<kind>/<owner>/<number>.json`: the highest number counts. */
export interface Records {
  /**
   * Keeps a text as the newest of its owner, under the next number, and gives the key. Nothing is written when the newest one says
   * the same. None is ever overwritten, also when several processes write at once.
   */
  write(store: Store, owner: string, text: string, options?: Options): Promise<string>
  /** The key of an owner's newest one; undefined when there is none. */
  newest(store: Store, owner: string, options?: Options): Promise<string | undefined>
  /** The newest one of each owner. */
  all(store: Store, options?: Options): AsyncIterable<{ readonly owner: string; readonly key: string }>
}

/** The records of one kind, a segment of a key. */
export function recordsOf(kind: string): Records {
  const pattern = new RegExp(String.raw`^${kind}/([A-Za-z0-9._-]+)/(\d{12})\.json$`)
  const numberOf = (key: string | undefined): number => Number((key && pattern.exec(key)?.[2]) ?? 0)

  async function newest(store: Store, owner: string, options: Options = {}): Promise<string | undefined> {
    let found: string | undefined
    for await (const { key } of store.list(`${kind}/${owner}/`, options)) if (pattern.test(key)) found = key
    return found
  }

  return {
    newest,
    async write(store, owner, text, options = {}) {
      for (let tries = 0; tries < TRIES; tries++) {
        const last = await newest(store, owner, options)
        if (last !== undefined && (await readText(store, last, options)) === text) return last
        const key = `${kind}/${owner}/${String(numberOf(last) + 1).padStart(12, '0')}.json`
        if (await putNew(store, key, text, options)) return key
      }
      throw new Fault('conflict', `write a record of ${kind}/${owner}: others write it all the time`)
    },
    async *all(store, options = {}) {
      let last: { owner: string; key: string } | undefined
      for await (const { key } of store.list(`${kind}/`, options)) {
        const owner = pattern.exec(key)?.[1]
        if (owner === undefined) continue
        if (last && last.owner !== owner) yield last
        last = { owner, key }
      }
      if (last) yield last
    },
  }
}

/** The whole of a small object. */
export async function readText(store: Store, key: string, options: Options = {}): Promise<string> {
  return Buffer.concat(await Array.fromAsync(await store.get(key, options))).toString()
}

/** What `parse` makes of a record, or the fault that keeps it from being read. */
export async function readOr<T>(
  store: Store,
  key: string,
  parse: (text: string, where: string) => T,
  options: Options = {},
): Promise<{ readonly value: T; readonly fault?: undefined } | { readonly value?: undefined; readonly fault: Fault }> {
  try {
    return { value: parse(await readText(store, key, options), key) }
  } catch (error) {
    if (Fault.is(error, 'store_corrupt') || Fault.is(error, 'too_new')) return { fault: error }
    throw error
  }
}

async function putNew(store: Store, key: string, text: string, options: Options): Promise<boolean> {
  const body = async function* () {
    yield Buffer.from(text)
  }
  try {
    await store.put(key, body(), { ...options, ifAbsent: true })
    return true
  } catch (error) {
    if (Fault.is(error, 'conflict')) return false
    throw error
  }
}
