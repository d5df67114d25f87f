import type { Fault } from '../core/fault.ts'
import type { Manifest, StoredObject } from '../core/manifest.ts'
import type { Moment } from '../lib/clock.ts'
import type { Bytes, Options } from '../lib/streams.ts'

/** Where one attempt at a set lies in a store: `sets/<instance>/<set>/<task>-<attempt>/`. */
export interface AttemptPlace {
  readonly instanceId: string
  readonly setId: string
  readonly taskId: string
  readonly attempt: number
}

export interface PartOptions {
  /** Its object's name without `.zst` and `.age`; the part's own name and `.tar` when absent. */
  readonly file?: string | undefined
}

/** Writes one attempt: parts and extras first, each durable when its call resolves; then the manifest, which makes the set exist. */
export interface SetWriter {
  part(name: string, body: Bytes, options?: PartOptions): Promise<void>
  extra(name: string, body: Bytes): Promise<void>
  readonly parts: readonly StoredObject[]
  readonly extras: readonly StoredObject[]
  /** Bytes stored so far, for progress. */
  readonly storedBytes: number
  /** Writes the manifest and gives its key. Fault 'lease_lost' when a tombstone lies in the attempt: then it is no set. */
  commit(manifest: Manifest): Promise<string>
}

/** What one download gives: bytes of a fixed length, any range of which can be read without the bytes before it. */
export interface Download {
  readonly fileName: string
  readonly contentType: string
  readonly size: number
  /** CRC-64 of ECMA-182 of all its bytes, decimal; undefined for a set written before sums of this kind were kept. */
  checksum(): string | undefined
  /** Quoted strong ETag. */
  readonly etag: string
  /** A range is cut to the size. Bytes are given as stored: whoever restores them checks them. */
  read(range?: { start: number; end: number }, options?: Options): Promise<Bytes>
}

/** What lies in a store of one attempt. */
export interface Attempt {
  readonly place: AttemptPlace
  readonly hasManifest: boolean
  /** When a tombstone was put there; absent when there is none. */
  readonly tombstonedAt: Moment | undefined
  /** When the youngest of its objects was written. */
  readonly newestAt: Moment
}

/** A set found in a store, or what keeps its manifest from being read or believed. */
export type FoundSet =
  | { readonly key: string; readonly manifest: Manifest; readonly fault?: undefined }
  | { readonly key: string; readonly manifest?: undefined; readonly fault: Fault }

/** What a check of stored bytes found, part by part. */
export interface VerifyReport {
  readonly ok: boolean
  readonly objects: number
  readonly bytes: number
  /** False when an object was encrypted and no identity opened it: then its stored bytes were checked, and not what is in them. */
  readonly opened: boolean
  /** One line for each object that is not as the manifest says, naming it. */
  readonly damage: readonly string[]
}
