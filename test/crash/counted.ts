import { basename } from 'node:path'
import type { Catalog } from '../../src/catalog/catalog.ts'
import type { Bytes } from '../../src/lib/streams.ts'
import type { Store } from '../../src/store/store.ts'
import { reach } from './steps.ts'

const WRITES = new Set<PropertyKey>([
  'claimTask',
  'renewTask',
  'releaseTask',
  'finishTask',
  'failTask',
  'commitSet',
  'commitRemoval',
  'noteVerified',
  'updateInstance',
  'tidy',
])

/** A catalog whose writing methods are two steps each: about to be called, and done. */
export const countedCatalog = (catalog: Catalog): Catalog =>
  new Proxy(catalog, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function' || !WRITES.has(name)) return value
      return async (...args: unknown[]) => {
        reach(`catalog ${String(name)}`)
        const result: unknown = await Reflect.apply(value, target, args)
        reach(`catalog ${String(name)} done`)
        return result
      }
    },
  })

/** Each statement that changes something, inside its transaction. */
export function countStatement(sql: string): void {
  const words = /^\s*(insert into|update|delete from) "?(\w+)/.exec(sql)
  if (words) reach(`sql ${words[1]} ${words[2]}`)
}

/** A store each of whose calls is a step, before and after, and each chunk of a body as well. */
export function countedStore(store: Store): Store {
  return {
    ...store,
    async put(key, body, options) {
      const name = basename(key)
      reach(`store put ${name}`)
      const info = await store.put(key, countedBody(name, body), options)
      reach(`store put ${name} done`)
      return info
    },
    async stat(key, options) {
      reach(`store stat ${basename(key)}`)
      return store.stat(key, options)
    },
    async get(key, options) {
      reach(`store get ${basename(key)}`)
      return store.get(key, options)
    },
    async *list(prefix, options) {
      reach('store list')
      yield* store.list(prefix, options)
    },
    async remove(key, options) {
      reach(`store remove ${basename(key)}`)
      await store.remove(key, options)
      reach(`store remove ${basename(key)} done`)
    },
  }
}

async function* countedBody(name: string, body: Bytes): Bytes {
  let chunk = 0
  for await (const bytes of body) {
    reach(`store put ${name} chunk ${chunk++}`)
    yield bytes
  }
}
