import { randomUUID } from 'node:crypto'
import type { ReceiverState } from '../catalog/alerts.ts'
import type { Catalog } from '../catalog/catalog.ts'
import { follow, isOpen, mayTell, noticeOf, toldOf, type Alert, type AlertRules } from '../core/alert.ts'
import { Fault } from '../core/fault.ts'
import type { Receiver } from './alert-message.ts'
import { look, type LookDeps } from './look.ts'

export interface AlertDeps extends LookDeps {
  readonly catalog: LookDeps['catalog'] &
    Pick<Catalog, 'takeTurn' | 'openAlerts' | 'raiseAlerts' | 'saveAlerts' | 'receivers' | 'saveReceiver'>
  /** Tells this process from the others of a fleet. */
  readonly name: string
  /** How the service calls itself in messages. */
  readonly service: string
  readonly receivers: readonly Receiver[]
  readonly lookSeconds: number
  readonly rules: AlertRules
}

/** Whose turn it is has it for so many looks: when he dies, another goes on after that. */
const TURN_LOOKS = 3
/** While he tells a receiver he has it for longer: that one may take its time. */
const TELL_MS = 45_000

/**
 * Looks again and again at what is wrong, and tells the receivers, until `signal` aborts. Of any number of processes one does. What a
 * receiver did not take is told to it at the next look: at least once, so in rare cases twice.
 */
export async function runAlerts(deps: AlertDeps, signal: AbortSignal): Promise<void> {
  const { clock, log, lookSeconds } = deps
  while (!signal.aborted) {
    try {
      await lookAndTell(deps, signal)
    } catch (error) {
      if (signal.aborted) return
      if (!Fault.is(error, 'catalog_unavailable')) throw error
      log.warn({ err: error.message }, 'not looked for alerts: the catalog does not answer')
    }
    await clock.sleep(lookSeconds * 1000, signal).catch(() => {})
  }
}

/** One look, and what must be told after it. Nothing when it is another one's turn. */
export async function lookAndTell(deps: AlertDeps, signal: AbortSignal): Promise<void> {
  const { catalog } = deps
  if (!(await takeTurn(deps, 0))) return
  let alerts = await followAll(deps)
  const states = new Map((await catalog.receivers()).map((state) => [state.name, state]))
  for (const receiver of deps.receivers) {
    alerts = await tellOne(receiver, states.get(receiver.name), alerts, deps, signal)
  }
}

const takeTurn = ({ catalog, name, lookSeconds }: AlertDeps, moreMs: number) =>
  catalog.takeTurn('alerts', name, TURN_LOOKS * lookSeconds * 1000 + moreMs)

const openTo = (alerts: readonly Alert[], receivers: readonly Receiver[]) => {
  const names = receivers.map(({ name }) => name)
  return alerts.map((alert) => ({ ...alert, open: isOpen(alert, names) }))
}

/** Brings the alerts up to date with what is found, and gives those that somebody may have to be told of. */
async function followAll(deps: AlertDeps): Promise<readonly Alert[]> {
  const { catalog, clock, log, rules, receivers } = deps
  const known = await catalog.openAlerts()
  const { raised, changed } = follow(known, await look(deps), clock.now(), rules)
  const fresh = raised.length === 0 ? [] : await catalog.raiseAlerts(raised, clock.now())
  if (changed.length > 0) await catalog.saveAlerts(openTo(changed, receivers), clock.now())
  for (const { id, kind, what, hint } of fresh) log.error({ alert: id, kind, hint }, what)
  for (const { id, kind, what, resolvedAt } of changed) {
    if (resolvedAt !== undefined) log.info({ alert: id, kind }, `over: ${what}`)
  }
  const now = new Map([...known, ...changed, ...fresh].map((alert) => [alert.id, alert]))
  return [...now.values()]
}

/** Tells one receiver what is due, and gives the alerts as they are then. */
async function tellOne(
  receiver: Receiver,
  state: ReceiverState | undefined,
  alerts: readonly Alert[],
  deps: AlertDeps,
  signal: AbortSignal,
): Promise<readonly Alert[]> {
  const { catalog, clock, log, rules, service, receivers } = deps
  const { name } = receiver
  const now = clock.now()
  const notices = alerts.flatMap((alert) => {
    const notice = noticeOf(alert, name, now, rules)
    return notice === undefined ? [] : [{ notice, alert }]
  })
  if (notices.length === 0 || !mayTell(state?.toldAt, now, rules)) return alerts
  if (!(await takeTurn(deps, TELL_MS))) return alerts
  try {
    await receiver.tell({ id: `msg_${randomUUID()}`, at: now, service, notices }, signal)
  } catch (error) {
    if (signal.aborted || !Fault.is(error)) throw error
    log.error({ receiver: name, err: error.message, hint: error.hint }, 'alerts were not told')
    const failing = { since: state?.failing?.since ?? now, why: error.message }
    await catalog.saveReceiver({ name, toldAt: state?.toldAt, failing })
    return alerts
  }
  const told = new Map(notices.map(({ alert }) => [alert.id, toldOf(alert, name, now)]))
  await catalog.saveReceiver({ name, toldAt: now, failing: undefined })
  await catalog.saveAlerts(openTo([...told.values()], receivers), now)
  return alerts.map((alert) => told.get(alert.id) ?? alert)
}
