import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Fault } from '../core/fault.ts'
import type { Bytes } from '../lib/streams.ts'
import { heldBytes, type Holding } from './holding.ts'

/** A hold that tells how often it ended. */
function holding(): Holding & { ended: number } {
  const hold = { ended: 0, keep: async () => {}, end: async () => void (hold.ended += 1) }
  return hold
}

/** Chunks, then the failure if there is one; tells whether it was closed. */
function source(chunks: readonly string[], failure?: Fault): Bytes & { closed: boolean } {
  let at = 0
  const iterator = {
    closed: false,
    [Symbol.asyncIterator]: () => iterator,
    async next(): Promise<IteratorResult<Uint8Array, undefined>> {
      const chunk = chunks[at++]
      if (chunk === undefined && failure) throw failure
      return chunk === undefined ? { done: true, value: undefined } : { done: false, value: Buffer.from(chunk) }
    },
    async return() {
      iterator.closed = true
      return { done: true as const, value: undefined }
    },
  }
  return iterator
}

const DOWN = new Fault('store_unavailable', 'read an object')
const never = new AbortController().signal
const isDown = (error: unknown) => error === DOWN

suite('held bytes', () => {
  test('are all there, and the hold has ended when the last of them is', async () => {
    const [hold, bytes] = [holding(), source(['a', 'b', 'c'])]
    const texts: string[] = []
    for await (const chunk of await heldBytes(hold, async () => bytes, never)) {
      texts.push(Buffer.from(chunk).toString())
      assert.equal(hold.ended > 0, texts.length === 3)
    }
    assert.deepEqual(texts, ['a', 'b', 'c'])
  })

  test('of an object that cannot be opened, or not be read, fail before there is a body, and hold nothing', async () => {
    for (const open of [() => Promise.reject(DOWN), async () => source([], DOWN)]) {
      const hold = holding()
      await assert.rejects(heldBytes(hold, open, never), isDown)
      assert.equal(hold.ended, 1)
    }
  })

  test('that break off half way end the hold and close the source', async () => {
    const [hold, bytes] = [holding(), source(['a', 'b'], DOWN)]
    await assert.rejects(Array.fromAsync(await heldBytes(hold, async () => bytes, never)), isDown)
    assert.ok(hold.ended > 0 && bytes.closed)
  })

  test('that nobody ever reads are closed when their reader goes away', async () => {
    const [hold, bytes, reader] = [holding(), source(['a']), new AbortController()]
    await heldBytes(hold, async () => bytes, reader.signal)
    assert.deepEqual([hold.ended, bytes.closed], [0, false])
    reader.abort()
    await Promise.resolve()
    await Promise.resolve()
    assert.deepEqual([hold.ended, bytes.closed], [1, true])
  })
})
