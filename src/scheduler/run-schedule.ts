import type { Catalog } from '../catalog/catalog.ts'
import type { Scheduled } from '../catalog/schedule.ts'
import { cronProblem } from '../core/cron.ts'
import { Fault } from '../core/fault.ts'
import { incrementsOf, type Policy } from '../core/policy.ts'
import { createOutlook, dueNow, settledAt, type Settled } from '../core/schedule.ts'
import type { TakeBackupRequest } from '../core/task.ts'
import type { Clock, Moment } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { isoSeconds } from '../lib/time.ts'

export interface ScheduleDeps {
  readonly catalog: Pick<Catalog, 'scheduled' | 'addAutomated' | 'resettle'>
  readonly clock: Clock
  readonly log: Log
  readonly pollSeconds: number
  /** Tells the workers that a task waits. Losing it loses nothing. */
  readonly wake: () => void
}

type Outlook = (one: Settled) => Moment | undefined

const requestOf = (policy: Policy): TakeBackupRequest => {
  const { method = 'Physical' } = policy.schedule
  const increment = method === 'Physical' && incrementsOf(policy).enabled
  return { mode: 'Automated', type: increment ? 'IncrementalBackup' : 'FullBackup', method }
}

/**
 * Makes the automated backups that policies ask for, until `signal` aborts. Any number of schedulers make each once. A catalog
 * that does not answer is asked again: what was due meanwhile is made up for.
 */
export async function runSchedule(deps: ScheduleDeps, signal: AbortSignal): Promise<void> {
  const { clock, log, pollSeconds, wake } = deps
  const outlook = createOutlook()
  const warned = new Set<string>()
  while (!signal.aborted) {
    try {
      if ((await addDue(deps, outlook, warned, signal)) > 0) wake()
    } catch (error) {
      if (!Fault.is(error, 'catalog_unavailable')) throw error
      log.warn({ err: error.message }, 'no automated backups asked for: the catalog does not answer')
    }
    await clock.sleep(pollSeconds * 1000, signal).catch(() => {})
  }
}

/** Adds a task for each instance that is due now. Gives how many. */
async function addDue(deps: ScheduleDeps, outlook: Outlook, warned: Set<string>, signal: AbortSignal): Promise<number> {
  let added = 0
  for (const one of await deps.catalog.scheduled()) {
    if (signal.aborted) break
    const now = deps.clock.now()
    const next = outlook(one)
    if (next === undefined) warnOfNever(one, now, deps.log, warned)
    else if (settledAt(one.settledAt, now) !== one.settledAt) await followClock(one, now, deps)
    else if (next <= now && (await addOne(one, now, deps))) added++
  }
  return added
}

async function addOne({ instanceId, policy, settledAt: settled }: Scheduled, now: Moment, deps: ScheduleDeps) {
  const due = dueNow(policy.schedule, instanceId, settled, now)
  if (due === undefined) return false
  const request = requestOf(policy)
  const task = await deps.catalog.addAutomated({ kind: 'take-backup', instanceId, request }, due, settled)
  if (!task) return false
  const lateSeconds = Math.round((now - due) / 1000)
  deps.log.info({ instance: instanceId, task: task.id, due: isoSeconds(due), lateSeconds }, 'automated backup is due')
  return true
}

/** A schedule that a clock ahead of its time settled would wait until that time comes again. */
async function followClock({ instanceId, settledAt: was }: Scheduled, now: Moment, { catalog, log }: ScheduleDeps) {
  if (!(await catalog.resettle(instanceId, now, was))) return
  log.warn({ instance: instanceId, was: isoSeconds(was) }, 'the clock went back: the schedule goes on from now')
}

/** Once for each instance: what is never due would be told at every look. */
function warnOfNever({ instanceId, policy }: Scheduled, now: Moment, log: Log, warned: Set<string>): void {
  if (warned.has(instanceId)) return
  warned.add(instanceId)
  const { cron } = policy.schedule
  const problem = (cron && cronProblem(cron, now)) ?? 'it has no days'
  log.warn({ instance: instanceId, problem }, 'the schedule of the instance never asks for a backup')
}
