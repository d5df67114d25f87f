import type { Moment } from '../lib/clock.ts'

export const ALERT_KINDS = [
  'backup-failed',
  'set-damaged',
  'drill-failed',
  'rpo-exceeded',
  'store-nearly-full',
  'key-expiring',
  'identity-check',
] as const
export type AlertKind = (typeof ALERT_KINDS)[number]

/** Something that is wrong now, as a look at the service finds it. There is one of a kind for a subject. */
export interface Condition {
  readonly kind: AlertKind
  /** Whom it is about: the id of an instance, a set or an access key, `store` or `encryption`. */
  readonly subject: string
  readonly instanceId: string | undefined
  /** In plain words, without secrets. */
  readonly what: string
  /** What to do about it. */
  readonly hint: string
}

/** What a receiver was last told of an alert. */
export interface Told {
  readonly at: Moment
  readonly as: 'raised' | 'resolved'
}

/** A condition from when it was first found until it is found no more. */
export interface Alert extends Condition {
  readonly id: string
  readonly raisedAt: Moment
  /** Since when it has not been found, if so. */
  readonly missingSince: Moment | undefined
  readonly resolvedAt: Moment | undefined
  /** By receiver. */
  readonly told: Readonly<Record<string, Told>>
}

/** What one look at the service found. */
export interface Findings {
  readonly conditions: readonly Condition[]
  /** Kinds that could not be looked for: what was known of them stays as it is. */
  readonly unknown: ReadonlySet<AlertKind>
}

export interface AlertRules {
  /** A receiver is told again of what lasts after so long. */
  readonly repeatMs: number
  /** A receiver gets no two messages within so long. */
  readonly gapMs: number
  /** What has not been found for so long is resolved: what comes and goes faster is one alert. */
  readonly settleMs: number
}

/** What a look makes of the alerts there are: conditions that are new, and alerts that changed. */
export interface Followed {
  readonly raised: readonly Condition[]
  readonly changed: readonly Alert[]
}

const nameOf = ({ kind, subject }: Pick<Condition, 'kind' | 'subject'>): string => `${kind} ${subject}`

/** What becomes of `alerts`, those that are not resolved, by what was found at `now`. */
export function follow(alerts: readonly Alert[], found: Findings, now: Moment, rules: AlertRules): Followed {
  const conditions = new Map(found.conditions.map((one) => [nameOf(one), one]))
  const changed: Alert[] = []
  for (const alert of alerts) {
    if (alert.resolvedAt !== undefined) continue
    const condition = conditions.get(nameOf(alert))
    conditions.delete(nameOf(alert))
    const next = condition
      ? stillThere(alert, condition)
      : found.unknown.has(alert.kind)
        ? alert
        : missed(alert, now, rules)
    if (next !== alert) changed.push(next)
  }
  return { raised: [...conditions.values()], changed }
}

/** The alert itself when nothing about it is new: what lasts is not written at every look. */
function stillThere(alert: Alert, condition: Condition): Alert {
  const same = alert.what === condition.what && alert.hint === condition.hint && alert.missingSince === undefined
  return same ? alert : { ...alert, ...condition, missingSince: undefined }
}

/** A clock that went back begins the wait anew. */
function missed(alert: Alert, now: Moment, { settleMs }: AlertRules): Alert {
  const since = Math.min(alert.missingSince ?? now, now)
  if (now - since >= settleMs) return { ...alert, missingSince: since, resolvedAt: now }
  return since === alert.missingSince ? alert : { ...alert, missingSince: since }
}

/** What a receiver is told of an alert: that it is there, that it still is, or that it is over. */
export type Notice = 'raised' | 'repeated' | 'resolved'

/** What `receiver` must be told of an alert at `now`; undefined for nothing. What he was never told of is over in silence. */
export function noticeOf(alert: Alert, receiver: string, now: Moment, rules: AlertRules): Notice | undefined {
  const told = alert.told[receiver]
  if (alert.resolvedAt !== undefined) return told?.as === 'raised' ? 'resolved' : undefined
  if (told === undefined) return 'raised'
  return now - told.at >= rules.repeatMs ? 'repeated' : undefined
}

/** Whether a receiver that was last told at `toldAt` may be told again. A clock that went back holds nobody up. */
export const mayTell = (toldAt: Moment | undefined, now: Moment, { gapMs }: AlertRules): boolean =>
  toldAt === undefined || toldAt > now || now - toldAt >= gapMs

/** The alert once `receiver` was told of it. */
export const toldOf = (alert: Alert, receiver: string, now: Moment): Alert => ({
  ...alert,
  told: {
    ...alert.told,
    [receiver]: { at: now, as: alert.resolvedAt === undefined ? 'raised' : 'resolved' },
  },
})

/** Whether one of `receivers` has still to hear that it is over, or it is not over. */
export const isOpen = (alert: Alert, receivers: readonly string[]): boolean =>
  alert.resolvedAt === undefined || receivers.some((receiver) => alert.told[receiver]?.as === 'raised')
