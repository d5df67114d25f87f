import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { pino } from 'pino'
import type { NewTask } from '../catalog/catalog.ts'
import type { Scheduled } from '../catalog/schedule.ts'
import { Fault } from '../core/fault.ts'
import { DEFAULT_POLICY, type Schedule } from '../core/policy.ts'
import type { Task } from '../core/task.ts'
import { FakeClock } from '../lib/clock.ts'
import { runSchedule } from './run-schedule.ts'

const MINUTE = 60_000
const DAY = 1440 * MINUTE
const settle = () => new Promise((resolve) => setImmediate(resolve))

/** A catalog of one instance, and schedulers over it that look each minute. */
function world(schedule: Partial<Schedule>, schedulers = 1) {
  const clock = new FakeClock('2026-01-05T00:00:00Z')
  const stop = new AbortController()
  const state = { answers: true, busy: false, settledAt: clock.now(), made: [] as string[], woken: 0 }
  const policy = { ...DEFAULT_POLICY, schedule: { ...DEFAULT_POLICY.schedule, ...schedule } }
  const need = () => {
    if (!state.answers) throw new Fault('catalog_unavailable', 'ask')
  }
  const catalog = {
    scheduled: async (): Promise<readonly Scheduled[]> => {
      need()
      return [{ instanceId: 'pg-1', policy, changedAt: 0, settledAt: state.settledAt }]
    },
    addAutomated: async (task: NewTask, dueAt: number, was: number) => {
      need()
      if (state.busy || was !== state.settledAt) return undefined
      assert.deepEqual(task, {
        kind: 'take-backup',
        instanceId: 'pg-1',
        request: { mode: 'Automated', type: 'FullBackup', method: schedule.method ?? 'Physical' },
      })
      state.settledAt = dueAt
      state.made.push(new Date(dueAt).toISOString().slice(0, 16))
      return { id: String(state.made.length) } as Task
    },
    resettle: async (_: string, settledAt: number, was: number) => {
      if (was !== state.settledAt) return false
      state.settledAt = settledAt
      return true
    },
  }
  const lines: string[] = []
  const log = pino({}, { write: (line: string) => void lines.push(line) })
  const deps = { catalog, clock, log, pollSeconds: 60, wake: () => state.woken++ }
  const done = Promise.all(Array.from({ length: schedulers }, () => runSchedule(deps, stop.signal)))
  const pass = async (minutes: number) => {
    for (let minute = 0; minute < minutes; minute++) {
      await settle()
      clock.advance(MINUTE)
    }
    await settle()
  }
  const jump = async (ms: number) => {
    await settle()
    clock.advance(ms)
    await settle()
  }
  const end = async () => {
    stop.abort()
    await done
  }
  return { state, pass, jump, end, lines }
}

const DAILY: Partial<Schedule> = { cron: { expression: '0 2 * * *', timeZone: 'UTC' } }

suite('the schedule', () => {
  test('makes each automated backup once, however many schedulers there are, and wakes the workers', async () => {
    const { state, pass, end } = world({ cron: { expression: '*/20 * * * *', timeZone: 'UTC' } }, 3)
    await pass(61)
    assert.deepEqual(state.made, ['2026-01-05T00:20', '2026-01-05T00:40', '2026-01-05T01:00'])
    assert.equal(state.woken, 3)
    await end()
  })

  test('asks for logical backups where the policy says so', async () => {
    const { state, pass, end } = world({ ...DAILY, method: 'Logical' })
    await pass(121)
    assert.deepEqual(state.made, ['2026-01-05T02:00'])
    await end()
  })

  test('goes on when the catalog answers again, makes up for what was due, and says so', async () => {
    const { state, pass, end, lines } = world(DAILY)
    await pass(119)
    state.answers = false
    await pass(30)
    assert.deepEqual(state.made, [])
    assert.ok(lines.some((line) => line.includes('the catalog does not answer')))
    state.answers = true
    await pass(2)
    assert.deepEqual(state.made, ['2026-01-05T02:00'])
    assert.ok(lines.some((line) => line.includes('"lateSeconds":1')))
    await end()
  })

  test('makes one backup after a month of downtime', async () => {
    const { state, pass, jump, end } = world(DAILY)
    await jump(31 * DAY + 180 * MINUTE)
    await pass(60)
    assert.deepEqual(state.made, ['2026-02-05T02:00'])
    await end()
  })

  test('waits while a backup of the instance has not ended, then makes the last one that was due', async () => {
    const { state, pass, end } = world({ cron: { expression: '*/20 * * * *', timeZone: 'UTC' } })
    state.busy = true
    await pass(50)
    assert.deepEqual(state.made, [])
    state.busy = false
    await pass(1)
    assert.deepEqual(state.made, ['2026-01-05T00:40'])
    await end()
  })

  test('goes on from now when a clock ahead of its time settled it, and says so', async () => {
    const { state, pass, end, lines } = world(DAILY)
    state.settledAt += 40 * DAY
    await pass(26 * 60)
    assert.deepEqual(state.made, ['2026-01-05T02:00', '2026-01-06T02:00'])
    assert.equal(lines.filter((line) => line.includes('the clock went back')).length, 1)
    await end()
  })

  test('says once that a schedule never comes, and why', async () => {
    const { state, pass, end, lines } = world({ cron: { expression: '0 0 30 2 *', timeZone: 'UTC' } })
    await pass(5)
    assert.deepEqual(state.made, [])
    const told = lines.filter((line) => line.includes('never'))
    assert.equal(told.length, 1)
    assert.match(told[0] ?? '', /"instance":"pg-1","problem":"it never comes"/)
    await end()
  })
})
