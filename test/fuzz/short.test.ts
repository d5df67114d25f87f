import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bombard } from './bombard.ts'

test('3,000 malformed requests meet no 5xx, no hang and no end of the API', async () => {
  const { counts, broken } = await bombard(3000, 20_140_815)
  assert.deepEqual(broken, [])
  const sum = Object.values(counts).reduce((total, times) => total + times, 0)
  assert.equal(sum, 3000)
})
