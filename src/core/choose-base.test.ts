import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { BackupSet } from './backup-set.ts'
import { chooseBase } from './choose-base.ts'

const DAY = 86_400_000
const LIMITS = { chainLength: 3, fullDays: 7 }

const set = (id: number, over: Partial<BackupSet> = {}): BackupSet =>
  ({
    id: String(id),
    status: 'Success',
    method: 'Physical',
    available: true,
    startedAt: id * 1000,
    ...over,
  }) as BackupSet

const increment = (id: number, parent: number, over: Partial<BackupSet> = {}) =>
  set(id, { parentId: String(parent), type: 'IncrementalBackup', ...over })

test('the newest good set is added to, whatever the order of the list', () => {
  assert.equal(chooseBase([set(1), set(3), increment(2, 1)], LIMITS, 4000).base?.id, '3')
  assert.equal(chooseBase([increment(2, 1), set(1)], LIMITS, 4000).base?.id, '2')
})

test('a set that is failed, logical, damaged, partial or going is passed over, and so is what needs one', () => {
  for (const bad of [
    { status: 'Failed' },
    { method: 'Logical' },
    { damage: 'a part is missing' },
    { available: false },
    { removing: true },
  ] as const) {
    assert.equal(chooseBase([set(1), set(2, bad), increment(3, 2)], LIMITS, 4000).base?.id, '1')
  }
  assert.equal(chooseBase([set(1), increment(3, 2)], LIMITS, 4000).base?.id, '1')
})

test('length and age of a chain end it', () => {
  const chain = [set(1), increment(2, 1), increment(3, 2)]
  assert.equal(chooseBase(chain, LIMITS, 5000).base?.id, '3')
  assert.match(chooseBase([...chain, increment(4, 3)], LIMITS, 5000).reason ?? '', /chain of set 1 has 3 increments/)
  assert.equal(chooseBase(chain, LIMITS, 1000 + 7 * DAY - 1).base?.id, '3')
  assert.match(chooseBase(chain, LIMITS, 1000 + 7 * DAY).reason ?? '', /full set 1 is older than 7 days/)
})

test('of any sets, what is chosen has a whole and good chain within the limits', () => {
  const anySet = fc.record({ parent: fc.option(fc.nat(12)), good: fc.boolean() })
  fc.assert(
    fc.property(fc.array(anySet, { maxLength: 12 }), (shapes) => {
      const sets = shapes.map(({ parent, good }, at) => {
        const over = good ? {} : { damage: 'x' }
        return parent !== null && parent < at ? increment(at, parent, over) : set(at, over)
      })
      const { base } = chooseBase(sets, LIMITS, 100_000)
      let members = 0
      for (let one = base; one; one = sets.find(({ id }) => id === one?.parentId)) {
        assert.equal(one.damage, undefined)
        members += 1
      }
      assert.ok(members <= LIMITS.chainLength)
    }),
  )
})
