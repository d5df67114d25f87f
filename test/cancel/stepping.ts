import { basename } from 'node:path'
import type { Catalog } from '../../src/catalog/catalog.ts'
import type { Clock } from '../../src/lib/clock.ts'
import type { Bytes } from '../../src/lib/streams.ts'
import type { Store } from '../../src/store/store.ts'

/** Called at each step of a task, before it is done. */
export type Step = (name: string) => Promise<void>

/** Chunks of one object that are steps of their own. */
const CHUNKS = 3

/** A store each of whose calls is a step, and each of the first chunks that go through it. */
export function steppingStore(store: Store, step: Step): Store {
  return {
    ...store,
    async put(key, body, options) {
      await step(`put ${basename(key)}`)
      const info = await store.put(key, stepping(`put ${basename(key)}`, body, step), options)
      await step(`put ${basename(key)} done`)
      return info
    },
    async get(key, options) {
      await step(`get ${basename(key)}`)
      return stepping(`get ${basename(key)}`, await store.get(key, options), step)
    },
    async stat(key, options) {
      await step(`stat ${basename(key)}`)
      return store.stat(key, options)
    },
    async *list(prefix, options) {
      await step('list')
      yield* store.list(prefix, options)
    },
    async remove(key, options) {
      await step(`remove ${basename(key)}`)
      return store.remove(key, options)
    },
  }
}

async function* stepping(name: string, body: Bytes, step: Step): Bytes {
  let chunk = 0
  for await (const bytes of body) {
    if (chunk < CHUNKS) await step(`${name} chunk ${chunk++}`)
    yield bytes
  }
}

/** What a story calls of the catalog. Renewals come as the clock will, and are no steps. */
const STEPS = new Set<PropertyKey>([
  'instance',
  'set',
  'sets',
  'updateInstance',
  'finishTask',
  'failTask',
  'commitSet',
  'noteVerified',
  'noteDrilled',
  'holdForTask',
])

/** A catalog whose calls are steps; `heard` is called when an answer to a renewal told of a cancel. */
export const steppingCatalog = (catalog: Catalog, step: Step, heard: () => void): Catalog =>
  new Proxy(catalog, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      if (name === 'renewTask') {
        return async (...args: Parameters<Catalog['renewTask']>) => {
          const answer = await target.renewTask(...args)
          if (answer.cancelAsked) heard()
          return answer
        }
      }
      if (!STEPS.has(name)) return value.bind(target)
      return async (...args: unknown[]) => {
        await step(`catalog ${String(name)}`)
        return Reflect.apply(value, target, args) as unknown
      }
    },
  })

/** `clock` with everything that waits waiting a short time: seconds pass for whoever keeps a lease, and the moments stay. */
export const hurriedClock = (clock: Clock, factor: number): Clock => ({
  now: () => clock.now(),
  monotonic: () => clock.monotonic() * factor,
  sleep: (ms, signal) => clock.sleep(ms / factor, signal),
})
