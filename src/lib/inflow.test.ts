import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { PassThrough, type Readable } from 'node:stream'
import { suite, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { inflowOf, inflowSocket } from './inflow.ts'

/** Our end of a connection over loopback, and the other. */
async function pair(): Promise<{ ours: Socket; theirs: Socket } & AsyncDisposable> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const arrived = once(server, 'connection')
  const ours = inflowSocket().connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1')
  const [theirs] = (await arrived) as [Socket]
  const dispose = async () => {
    ours.destroy()
    theirs.destroy()
    server.close()
    await once(server, 'close')
  }
  return { ours, theirs, [Symbol.asyncDispose]: dispose }
}

/** Reads to the end; after every `every`-th piece it lets the event loop turn, as a slow reader does. */
async function readAll(stream: Readable, every: number) {
  let ended = false
  let wake = () => {}
  const inflow = inflowOf(stream, () => wake())
  stream.once('end', () => {
    ended = true
    wake()
  })
  const hash = createHash('sha256')
  const memory = new Set<ArrayBufferLike>()
  let size = 0
  for (let pieces = 0; ;) {
    const piece = inflow.take()
    if (piece) {
      memory.add(piece.buffer)
      if (++pieces % every === 0) await turn()
      // Only now, so that bytes which were overwritten too early are found.
      hash.update(piece)
      size += piece.length
    } else if (ended) return { size, digest: hash.digest('hex'), buffers: memory.size }
    else await new Promise<void>((resolve) => (wake = resolve))
  }
}

const digest = (...parts: readonly Buffer[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex')

suite('an inflow', () => {
  for (const every of [1, 7, 1000]) {
    test(`has every byte of a socket in its order, in one megabyte of memory, when it is read at ${every}`, async () => {
      await using wire = await pair()
      const body = randomBytes(20_000_000)
      const reading = readAll(wire.ours, every)
      for (let at = 0, size = 1; at < body.length; at += size, size = (size * 7 + 13) % 200_000) {
        if (!wire.theirs.write(body.subarray(at, at + size))) await once(wire.theirs, 'drain')
      }
      wire.theirs.end()
      const { size, digest: found, buffers } = await reading
      assert.deepEqual({ size, found }, { size: body.length, found: digest(body) })
      assert.ok(buffers <= 4, `${buffers} buffers`)
    })
  }

  test('a socket is like any other until it is read as one', async () => {
    await using wire = await pair()
    const [early, late] = [randomBytes(40_000), randomBytes(300_000)]
    const first: Buffer[] = []
    wire.ours.on('data', (chunk: Buffer) => first.push(chunk))
    wire.theirs.write(early)
    while (first.reduce((sum, { length }) => sum + length, 0) < early.length) await once(wire.ours, 'data')
    wire.ours.pause()
    wire.ours.removeAllListeners('data')
    const reading = readAll(wire.ours, 3)
    wire.theirs.end(late)
    assert.equal(digest(...first), digest(early))
    assert.equal((await reading).digest, digest(late))
  })

  test('a reader that takes nothing holds the other side back', async () => {
    await using wire = await pair()
    inflowOf(wire.ours, () => {})
    wire.theirs.write(Buffer.alloc(64 << 20))
    for (let before = -1; before < wire.ours.bytesRead;) {
      before = wire.ours.bytesRead
      for (let turns = 0; turns < 100; turns++) await turn()
    }
    assert.ok(wire.ours.bytesRead > 0 && wire.ours.bytesRead <= 1 << 20, `${wire.ours.bytesRead} bytes were read`)
  })

  test('reads any other stream, too', async () => {
    const stream = new PassThrough()
    const body = randomBytes(3_000_000)
    const reading = readAll(stream, 2)
    for (let at = 0; at < body.length; at += 65_536) {
      if (!stream.write(body.subarray(at, at + 65_536))) await once(stream, 'drain')
    }
    stream.end()
    assert.equal((await reading).digest, digest(body))
  })
})
