import type { Bytes, Options } from '../lib/streams.ts'
import type { Manifest } from './manifest.ts'

/** Reads one set's parts, decoded and checked against the manifest on the way: a wrong byte is Fault 'store_corrupt' naming the part. */
export interface SetReader {
  readonly manifest: Manifest
  /**
   * Decoded bytes of a part or extra; of the range from `start` up to, not including, `end`, when given. Each chunk is the
   * reader's own, to change or release. A whole read also checks the SHA-256 of the stored bytes. Fault 'not_found' for a
   * name that the set does not have.
   */
  read(part: string, range?: { start: number; end: number }, options?: Options): Bytes
}
