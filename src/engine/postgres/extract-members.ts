import { Fault } from '../../core/fault.ts'
import type { Bytes } from '../../lib/streams.ts'
import { parseTarHeader, TAR_BLOCK, tarPadding, type TarEntry } from '../../lib/tar.ts'

/**
 * What takes the members of a tar, in their order. `data` gets the content in slices of the bytes that arrived, which it
 * may keep; every call is awaited, so that a slow taker holds the source back.
 */
export interface MemberTaker {
  member(entry: TarEntry): Promise<void> | undefined
  data(slice: Uint8Array): Promise<void> | undefined
  end(): Promise<void> | undefined
  /** All slices of the chunk have been handed in, and the taker may release it. */
  finish(chunk: Uint8Array): void
}

/**
 * Reads a tar, whose chunks are ours, to its end and hands each member to `taker`. Fault 'store_corrupt' when it is malformed, cut short, or has
 * anything but zeros behind its end.
 */
export async function readMembers(tar: Bytes, taker: MemberTaker): Promise<void> {
  const reader = createReader(taker)
  for await (const chunk of tar) {
    let at = 0
    while (at < chunk.length) {
      const step = reader.take(chunk, at)
      at += step.used
      if (step.wait !== undefined) await step.wait
    }
    taker.finish(chunk)
  }
  if (!reader.ended()) throw new Fault('store_corrupt', 'read the set: its tar ends too early')
}

interface Step {
  readonly used: number
  readonly wait: Promise<void> | undefined
}

/** Where in the tar the reader stands: collecting a header, inside content, skipping padding, or past the end. */
function createReader(taker: MemberTaker) {
  const header = Buffer.alloc(TAR_BLOCK)
  let collected = 0
  let content = 0
  let padding = 0
  let zeroBlocks = 0

  const takeContent = (chunk: Uint8Array, at: number): Step => {
    const slice = chunk.subarray(at, at + content)
    content -= slice.length
    const wait = taker.data(slice)
    if (content > 0) return { used: slice.length, wait }
    return { used: slice.length, wait: wait ? wait.then(() => taker.end()) : taker.end() }
  }

  const takePadding = (chunk: Uint8Array, at: number): Step => {
    const used = Math.min(padding, chunk.length - at)
    padding -= used
    return { used, wait: undefined }
  }

  const begin = (entry: TarEntry): Promise<void> | undefined => {
    if (zeroBlocks > 0) throw new Fault('store_corrupt', 'read the set: members behind the end of its tar')
    content = entry.size
    padding = tarPadding(entry.size)
    const wait = taker.member(entry)
    if (entry.size > 0) return wait
    return wait ? wait.then(() => taker.end()) : taker.end()
  }

  const takeHeader = (chunk: Uint8Array, at: number): Step => {
    const used = Math.min(TAR_BLOCK - collected, chunk.length - at)
    header.set(chunk.subarray(at, at + used), collected)
    collected += used
    if (collected < TAR_BLOCK) return { used, wait: undefined }
    collected = 0
    const entry = parse(header)
    if (entry) return { used, wait: begin(entry) }
    zeroBlocks += 1
    return { used, wait: undefined }
  }

  return {
    take(chunk: Uint8Array, at: number): Step {
      if (content > 0) return takeContent(chunk, at)
      return padding > 0 ? takePadding(chunk, at) : takeHeader(chunk, at)
    },
    ended: () => content === 0 && padding === 0 && collected === 0 && zeroBlocks >= 2,
  }
}

function parse(header: Buffer): TarEntry | undefined {
  try {
    return parseTarHeader(header)
  } catch (cause) {
    throw new Fault('store_corrupt', `read the set: ${(cause as Error).message}`, { cause })
  }
}
