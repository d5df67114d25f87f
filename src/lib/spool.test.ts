import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createSpool, type Spool } from './spool.ts'

/** All of it, copied chunk by chunk. */
async function read(spool: Spool): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of spool.read()) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}

suite('spool', () => {
  test('gives back what was written, more than once, across blocks and chunks of any size', async () => {
    const spool = createSpool()
    const chunks = [1, 1_000_003, 0, 2_500_000, 77].map((length, seed) => Buffer.alloc(length, `line ${seed}\n`))
    for (const chunk of chunks) await spool.write(chunk)
    const whole = Buffer.concat(chunks)
    assert.equal(spool.size, whole.length)
    for (const _ of [1, 2]) assert.ok((await read(spool)).equals(whole))
  })

  test('keeps a copy, so that the writer may use its buffer again', async () => {
    const spool = createSpool()
    const buffer = Buffer.from('before')
    await spool.write(buffer)
    buffer.fill('x')
    assert.equal((await read(spool)).toString(), 'before')
  })
})
