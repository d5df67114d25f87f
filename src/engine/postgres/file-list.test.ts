import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createFileList } from './file-list.ts'
import { segmentName } from './backup-manifest.ts'

suite('the list of written files', () => {
  test('knows every one of very many, and counts those nobody looked at', () => {
    const list = createFileList()
    const path = (i: number) => `base/${i % 7}/${i}`
    for (let i = 0; i < 50_000; i += 1) list.add(path(i), i, i * 7)
    for (let i = 0; i < 49_990; i += 1) assert.deepEqual(list.look(path(i)), { size: i, crc: i * 7 })
    assert.equal(list.look('base/1/x'), undefined)
    list.look(path(0))
    assert.equal(list.unseen(), 10)
  })

  test('keeps sizes above 4 GiB', () => {
    const list = createFileList()
    list.add('a', 2 ** 40 + 1, 2 ** 32 - 1)
    assert.deepEqual(list.look('a'), { size: 2 ** 40 + 1, crc: 2 ** 32 - 1 })
  })
})

suite('names of WAL segments', () => {
  test('are as PostgreSQL forms them, for every segment size', () => {
    assert.equal(segmentName(1, 0x1_0000_0001n, 16n * 1024n * 1024n), '000000010100000000000001')
    assert.equal(segmentName(0x2a, 255n, 16n * 1024n * 1024n), '0000002A00000000000000FF')
    assert.equal(segmentName(1, 5n, 1024n * 1024n * 1024n), '000000010000000100000001')
  })
})

test('a million files take less than forty megabytes', () => {
  const before = process.memoryUsage().arrayBuffers
  const list = createFileList()
  for (let n = 0; n < 1_000_000; n += 1) list.add(`base/5/${n}`, n, n)
  assert.ok(process.memoryUsage().arrayBuffers - before < 40e6)
  for (let n = 0; n < 1_000_000; n += 1) assert.deepEqual(list.look(`base/5/${n}`)?.size, n)
  assert.equal(list.unseen(), 0)
})
