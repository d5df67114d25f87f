export type Bytes = AsyncIterable<Uint8Array>

/** What every call that waits for something outside takes last. */
export interface Options {
  readonly signal?: AbortSignal | undefined
}
