import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, Socket } from 'node:net'
import { suite, test } from 'node:test'
import { Fault } from '../../core/fault.ts'
import { inflowSocket } from '../../lib/inflow.ts'
import { runCommand } from './replication-stream.ts'

/** Both ends of a connection over loopback. */
async function pair(socket = inflowSocket()): Promise<{ ours: Socket; theirs: Socket } & AsyncDisposable> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const arrived = once(server, 'connection')
  const ours = socket.connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1')
  const [theirs] = (await arrived) as [Socket]
  theirs.on('error', () => {})
  const dispose = async () => {
    ours.destroy()
    theirs.destroy()
    server.close()
    await once(server, 'close')
  }
  return { ours, theirs, [Symbol.asyncDispose]: dispose }
}

const READY = Buffer.from([0x5a, 0, 0, 0, 5, 0x49])
const never = () => 0

suite('a command on a replication connection', () => {
  test('is sent as a query, and what comes back is told', async () => {
    await using wire = await pair()
    const events = runCommand(wire.ours, 'IDENTIFY_SYSTEM', { idleMs: never })
    const first = events.next()
    const [query] = (await once(wire.theirs, 'data')) as [Buffer]
    assert.equal(query.toString('latin1'), 'Q\0\0\0\x14IDENTIFY_SYSTEM\0')
    wire.theirs.write(READY)
    assert.deepEqual((await first).value, [{ kind: 'ready' }])
    await events.return(undefined)
    assert.ok(wire.ours.destroyed)
  })

  test('fails when the server hangs up or the connection breaks', async () => {
    for (const how of ['end', 'resetAndDestroy'] as const) {
      await using wire = await pair()
      const next = runCommand(wire.ours, 'X', { idleMs: never }).next()
      await once(wire.theirs, 'data')
      wire.theirs[how]()
      await assert.rejects(next, (e) => Fault.is(e, 'instance_unreachable'))
    }
  })

  test('fails when the server is silent for too long', async () => {
    await using wire = await pair()
    const next = runCommand(wire.ours, 'X', { idleMs: () => 20 }).next()
    await assert.rejects(next, (e) => Fault.is(e, 'instance_unreachable') && /no byte came/.test(e.message))
  })

  test('is no less patient with a socket of another making', async () => {
    await using wire = await pair(new Socket())
    const next = runCommand(wire.ours, 'X', { idleMs: () => 20 }).next()
    await assert.rejects(next, /no byte came/)
  })

  test('silence while the reader holds back does not count, and later silence does', async () => {
    await using wire = await pair()
    const events = runCommand(wire.ours, 'X', { idleMs: () => 20 })
    const first = events.next()
    wire.theirs.write(READY)
    await first
    // The time-out comes and goes while nobody waits.
    await once(wire.ours, 'timeout')
    wire.theirs.write(READY)
    assert.deepEqual((await events.next()).value, [{ kind: 'ready' }])
    await once(wire.ours, 'timeout')
    await assert.rejects(events.next(), /no byte came/)
  })

  test('an abort ends it at once with the reason', async () => {
    await using wire = await pair()
    const abort = new AbortController()
    const reason = new Fault('cancelled', 'stop')
    const next = runCommand(wire.ours, 'X', { idleMs: never, signal: abort.signal }).next()
    abort.abort(reason)
    await assert.rejects(next, reason)
  })

  test('an abort before it begins ends it too', async () => {
    await using wire = await pair()
    const reason = new Fault('cancelled', 'stop')
    await assert.rejects(
      runCommand(wire.ours, 'X', { idleMs: never, signal: AbortSignal.abort(reason) }).next(),
      reason,
    )
    assert.ok(wire.ours.destroyed)
  })

  test('a server that sends faster than we read is held back', async () => {
    await using wire = await pair()
    const events = runCommand(wire.ours, 'X', { idleMs: never })
    const first = events.next()
    const total = 64 * 1024 * 1024
    wire.theirs.write(READY)
    await first
    const message = Buffer.alloc(1024 * 1024)
    message.write('d')
    message.writeInt32BE(message.length - 1, 1)
    for (let sent = 0; sent < total; sent += message.length) wire.theirs.write(message)
    let taken = 0
    let most = 0
    while (taken < total - 64 * 5) {
      const { value } = await events.next()
      for (const event of value ?? []) if (event.kind === 'copy-data') taken += event.bytes.length
      most = Math.max(most, wire.ours.bytesRead - taken)
    }
    assert.ok(most < 4 * 1024 * 1024, `${most} bytes lay ready`)
  })
})
