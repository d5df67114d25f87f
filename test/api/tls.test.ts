import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { connect } from 'node:tls'
import { Fault } from '../../src/core/fault.ts'
import { systemClock, type Clock } from '../../src/lib/clock.ts'
import { eventually } from '../lib/eventually.ts'
import { makeCertificate, replyWith, running, scratch } from './running.ts'

/** Looks at the files many times a second. */
const hurried: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms / 40, signal) }

const filesIn = (directory: string) => ({ cert: join(directory, 'cert.pem'), key: join(directory, 'key.pem') })

/** The name in the certificate that a port shows, and what it answers. */
function look(port: number): Promise<{ name: unknown; text: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      const name = socket.getPeerCertificate().subject.CN
      let text = ''
      socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
      socket.on('close', () => resolve({ name, text }))
      socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    })
    socket.on('error', reject)
  })
}

suite('TLS', () => {
  test('is served with the certificate of the files, and with a new one soon after they change', async () => {
    using place = scratch()
    const tls = filesIn(place.directory)
    makeCertificate(tls, 'first')
    const handle = async ({ secure }: { secure: boolean }) => replyWith(`secure ${secure}`)
    await using server = await running(handle, { settings: { tls }, clock: hurried })
    assert.match(server.url, /^https:/)
    const first = await look(server.port)
    assert.equal(first.name, 'first')
    assert.match(first.text, /secure true$/)

    const oldKey = readFileSync(tls.key)
    makeCertificate(tls, 'second')
    const newKey = readFileSync(tls.key)
    writeFileSync(tls.key, oldKey)
    await eventually(async () => server.logged('the new TLS certificate cannot be used'), 'half a pair is refused')
    assert.equal((await look(server.port)).name, 'first')

    writeFileSync(tls.key, newKey)
    await eventually(async () => (await look(server.port)).name === 'second', 'the new pair is used')
  })

  test('does not start with files that are missing or do not belong together', async () => {
    using place = scratch()
    const tls = filesIn(place.directory)
    const refused = (error: unknown) => Fault.is(error, 'invalid') && error.message.includes(tls.cert)
    await assert.rejects(running(undefined, { settings: { tls } }), refused)
    makeCertificate(tls, 'first')
    const key = readFileSync(tls.key)
    makeCertificate(tls, 'second')
    writeFileSync(tls.key, key)
    await assert.rejects(running(undefined, { settings: { tls } }), refused)
  })

  test('survives bytes that are no TLS', async () => {
    using place = scratch()
    const tls = filesIn(place.directory)
    makeCertificate(tls, 'first')
    await using server = await running(undefined, { settings: { tls } })
    await assert.rejects(fetch(`http://127.0.0.1:${server.port}/`))
    assert.equal((await look(server.port)).name, 'first')
  })
})
