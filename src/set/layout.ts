import { Fault } from '../core/fault.ts'
import type { StoredObject } from '../core/manifest.ts'
import type { AttemptPlace } from './set.ts'

/** Where all sets of a store lie. */
export const SETS = 'sets/'

/** The object that makes an attempt a set. */
export const MANIFEST = 'manifest.json'

/** The object that says that an attempt will never be a set. */
export const TOMBSTONE = 'tombstone'

const KEY = /^sets\/([A-Za-z0-9._-]+)\/(\d{1,16})\/(\d{1,16})-([1-9]\d{0,8})\/([A-Za-z0-9._-]+)$/
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,150}$/

/** The beginning of the keys of all that belongs to one attempt: `sets/<instance>/<set>/<task>-<attempt>/`. */
export const attemptPrefix = (place: AttemptPlace): string =>
  `${SETS}${place.instanceId}/${place.setId}/${place.taskId}-${place.attempt}/`

/** The key of an attempt's manifest. */
export const manifestKeyOf = (place: AttemptPlace): string => attemptPrefix(place) + MANIFEST

/** The attempt that a key belongs to, and its name in there; undefined when it is not the key of anything of a set. */
export function parseSetKey(key: string): { readonly place: AttemptPlace; readonly name: string } | undefined {
  const [, instanceId, setId, taskId, attempt, name] = KEY.exec(key) ?? []
  if (!instanceId || !setId || !taskId || !attempt || !name) return undefined
  return { place: { instanceId, setId, taskId, attempt: Number(attempt) }, name }
}

/**
 * The key of an object of a set: `data.tar` lies in `data.tar.zst`, encrypted in `data.tar.zst.age`, `backup_manifest` in
 * `backup_manifest.zst`. Fault 'invalid' for a name that no key can hold.
 */
export function objectKey(place: AttemptPlace, name: string, encoding: StoredObject['encoding'] = 'zstd'): string {
  if (NAME.test(name)) return `${attemptPrefix(place)}${name}.zst${encoding === 'zstd' ? '' : '.age'}`
  throw new Fault('invalid', `write a part named ${JSON.stringify(name.slice(0, 100))}`, {
    hint: 'A name is made of letters, digits, dots, underscores and hyphens.',
  })
}
