import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Fault } from '../core/fault.ts'
import { FakeClock } from '../lib/clock.ts'
import { silentLog } from '../lib/log.ts'
import { createHealth, HEALTH_PATH, LIVE_PATH } from './health.ts'

const info = { key: 'k', size: 1, modifiedAt: 0 }

function health(parts: { beat?: () => Promise<number | undefined>; stat?: () => Promise<typeof info> }) {
  const clock = new FakeClock('2026-01-02T03:04:05Z')
  const { beat = async () => 5000, stat = async () => info } = parts
  return { clock, ...createHealth({ catalog: { sinceLastBeat: beat }, store: { stat }, clock, log: silentLog }) }
}
const ask = async (parts: Parameters<typeof health>[0], path: string = HEALTH_PATH) => {
  const { status, body } = await health(parts).reply(path)
  assert.ok(typeof body === 'string')
  return { status, fields: JSON.parse(body) as Record<string, unknown> }
}

suite('/healthz', () => {
  test('is 200 when catalog, store and a worker are there', async () => {
    assert.deepEqual(await ask({}), { status: 200, fields: { live: true, ready: true, problems: [] } })
  })

  test('names a worker that is missing or was never there', async () => {
    const silent = await ask({ beat: async () => 31_000 })
    assert.equal(silent.status, 503)
    assert.deepEqual(silent.fields['problems'], [{ part: 'worker', what: 'no worker has reported for 31 s' }])
    const never = await ask({ beat: async () => undefined })
    assert.deepEqual(never.fields['problems'], [{ part: 'worker', what: 'no worker has ever reported' }])
  })

  test('names catalog and store when they do not answer, and tells no path', async () => {
    const { status, fields } = await ask({
      beat: () => Promise.reject(new Fault('catalog_unavailable', 'open /secret/path')),
      stat: () => Promise.reject(new Fault('not_found', 'no /secret/path')),
    })
    assert.equal(status, 503)
    assert.deepEqual(fields, {
      live: true,
      ready: false,
      problems: [
        { part: 'catalog', what: 'the catalog does not answer' },
        { part: 'store', what: 'the store is not there' },
      ],
    })
  })

  test('tells live from ready', async () => {
    const { status, fields } = await ask({ beat: () => Promise.reject(new Error('down')) }, LIVE_PATH)
    assert.deepEqual({ status, fields }, { status: 200, fields: { live: true } })
  })

  test('looks once a second, however often it is asked', async () => {
    let looks = 0
    const asked = health({ beat: async () => (looks += 1) })
    for (let at = 0; at < 5; at += 1) await asked.reply(HEALTH_PATH)
    assert.equal(looks, 1)
    asked.clock.advance(1000)
    await asked.reply(HEALTH_PATH)
    assert.equal(looks, 2)
  })
})
