import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Ask } from './ask.ts'
import { parseLsn, readStanding } from './lag.ts'

const answering =
  (row: object): Ask =>
  async <Row>() =>
    [row] as Row[]
const replica = { is_replica: true, position: '0/5', received: '0/5', replayed: '0/5', age: 7200, receiving: true }

suite('where a node stands', () => {
  test('an LSN is a number of bytes', () => {
    assert.equal(parseLsn('16/B374D848'), 0x16_b374_d848n)
    assert.equal(parseLsn('FFFFFFFF/FFFFFFFF'), 2n ** 64n - 1n)
    for (const text of ['', '1', '1/', '/1', '1/123456789', 'G/1'])
      assert.throws(() => parseLsn(text), RangeError, text)
  })

  test('a primary has a position and no lag', async () => {
    const row = { ...replica, is_replica: false, received: null, replayed: null, age: null, receiving: false }
    assert.deepEqual(await readStanding(answering(row)), { isReplica: false, position: 5n, lag: undefined })
  })

  test('a replica of an idle primary is not behind, however old its last transaction', async () => {
    assert.deepEqual((await readStanding(answering(replica))).lag, { bytes: undefined, seconds: 0, receiving: true })
  })

  test('a replica with something left to replay is behind by the age of what it replayed last', async () => {
    const { lag } = await readStanding(answering({ ...replica, received: '0/9' }))
    assert.equal(lag?.seconds, 7200)
  })

  test('a disconnected receiver is never lag 0', async () => {
    const { lag } = await readStanding(answering({ ...replica, receiving: false }))
    assert.deepEqual(lag, { bytes: undefined, seconds: 7200, receiving: false })
  })

  test('a replica that never replayed a transaction and receives nothing is unknown', async () => {
    const row = { ...replica, received: null, age: null, receiving: false }
    assert.equal((await readStanding(answering(row))).lag?.seconds, undefined)
  })

  test("a clock behind the primary's gives no negative lag", async () => {
    assert.equal((await readStanding(answering({ ...replica, received: '0/9', age: -3 }))).lag?.seconds, 0)
  })
})
