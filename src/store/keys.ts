import { Fault } from '../core/fault.ts'

const SEGMENT = /^[A-Za-z0-9._-]{1,200}$/
const MAX_KEY = 900

/** Whether `segment` may be one segment of a key. */
export const isSegment = (segment: string): boolean => SEGMENT.test(segment) && segment !== '.' && segment !== '..'

/** Fault 'invalid' unless `key` has the form that every store takes: segments of [A-Za-z0-9._-], 200 characters each, 900 in all. */
export function checkKey(key: string): void {
  if (key.length <= MAX_KEY && key.split('/').every(isSegment)) return
  throw new Fault('invalid', `use ${JSON.stringify(key.slice(0, 100))} as the key of an object`, {
    hint: 'A key is a relative path of letters, digits, dots, underscores and hyphens.',
  })
}

/** Fault 'invalid' unless `prefix` is the beginning of some key, or empty. */
export function checkPrefix(prefix: string): void {
  if (prefix !== '') checkKey(prefix.endsWith('/') ? prefix.slice(0, -1) : prefix)
}
