import type { Fault } from '../core/fault.ts'
import type { Moment } from '../lib/clock.ts'
import type { Bytes, Options } from '../lib/streams.ts'

export interface ObjectInfo {
  readonly key: string
  readonly size: number
  readonly modifiedAt: Moment
}

export interface PutOptions extends Options {
  /** Fault 'conflict', and nothing written, when there is an object under the key: for what must never be overwritten. */
  readonly ifAbsent?: boolean | undefined
  /** Told of each chunk of the body that the store has written and needs no longer. A store need not tell of any. */
  readonly onWritten?: ((chunk: Uint8Array) => void) | undefined
  /**
   * Asked when a piece of the body could not be written for what may pass ('store_unavailable'): resolves when the store shall try that
   * piece again, rejects when it shall give up. What was written before the piece is kept. A store that cannot try again does not ask.
   */
  readonly onTrouble?: ((fault: Fault) => Promise<void>) | undefined
}

/**
 * A place where bytes are kept. Keys are '/'-separated relative paths of [A-Za-z0-9._-] segments, none of them `.` or `..`.
 * No key is the beginning of another's path: where there is `a/b`, there is no object `a`.
 *
 * Every store gives, and test/contract/store.ts checks:
 * - all or nothing: a reader sees the whole object or none, also after a crash in `put`;
 * - durable when `put` or `remove` resolves; read after write: `get`, `stat` and `list` see an object as soon as its `put` resolves;
 * - a missing key is Fault 'not_found'; a network failure is 'store_unavailable'; no space is 'store_full';
 * - a key of another form is Fault 'invalid', whatever it points to.
 * Stores do not throttle or encrypt, and try again only what `onTrouble` lets them: wrappers and the pipeline decide.
 */
export interface Store {
  readonly kind: 'fs' | 's3' | 'oss' | 'mem'

  /** Writes `body` under `key`, replacing what was there. A chunk of `body` must not be changed after it was given. */
  put(key: string, body: Bytes, options?: PutOptions): Promise<ObjectInfo>

  /**
   * Reads an object, or the part of it from `start` up to, not including, `end`; a range is cut to the object. Each chunk is
   * the reader's own, to change or release.
   */
  get(key: string, options?: Options & { start?: number; end?: number }): Promise<Bytes>

  stat(key: string, options?: Options): Promise<ObjectInfo>

  /** Lists the objects whose key starts with `prefix`, in key order. */
  list(prefix: string, options?: Options): AsyncIterable<ObjectInfo>

  /** Removes an object. Removing a missing one is no error. */
  remove(key: string, options?: Options): Promise<void>

  /** Bytes that it can still take and that it could take empty. Absent where nobody knows. */
  space?(): Promise<{ readonly free: number; readonly total: number }>

  /** Removes what crashed `put`s left behind that no reader sees, if it is older than `before`. Gives how many. Absent where a crash leaves nothing. */
  tidy?(before: Moment, options?: Options): Promise<number>
}
