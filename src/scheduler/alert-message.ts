import type { Alert, Notice } from '../core/alert.ts'
import type { Moment } from '../lib/clock.ts'
import { isoSeconds } from '../lib/time.ts'

/** What one receiver is told at once. */
export interface AlertMessage {
  /** Never given before. */
  readonly id: string
  readonly at: Moment
  /** Which service tells it: its public URL. */
  readonly service: string
  readonly notices: readonly { readonly notice: Notice; readonly alert: Alert }[]
}

/** Someone whom alerts are sent to. */
export interface Receiver {
  readonly name: string
  /** Resolves when the message was taken. Fault 'service_unavailable' says why it was not. */
  tell(message: AlertMessage, signal: AbortSignal): Promise<void>
}

/** A message names no more than so many; the others are counted. */
const MOST_NAMED = 50

/**
 * The message as JSON, version 1: `{ "type": "holdfast.alerts", "version": 1, "id", "time", "service", "alerts": [...], "more" }`. Each
 * alert has `id`, `notice` (raised, repeated or resolved), `kind`, `subject`, `dbInstanceId` (null for none), `what`, `hint`,
 * `raisedAt` and `resolvedAt` (null while it lasts). `more` counts those that are left out.
 */
export function renderJson({ id, at, service, notices }: AlertMessage): string {
  const alerts = notices.slice(0, MOST_NAMED).map(({ notice, alert }) => ({
    id: alert.id,
    notice,
    kind: alert.kind,
    subject: alert.subject,
    dbInstanceId: alert.instanceId ?? null,
    what: alert.what,
    hint: alert.hint,
    raisedAt: isoSeconds(alert.raisedAt),
    resolvedAt: alert.resolvedAt === undefined ? null : isoSeconds(alert.resolvedAt),
  }))
  const more = notices.length - alerts.length
  return JSON.stringify({ type: 'holdfast.alerts', version: 1, id, time: isoSeconds(at), service, alerts, more })
}

const WORDS: Readonly<Record<Notice, string>> = { raised: 'NEW', repeated: 'STILL', resolved: 'OVER' }

/** The message as a letter. */
export function renderText({ at, service, notices }: AlertMessage): {
  readonly subject: string
  readonly text: string
} {
  const named = notices.slice(0, MOST_NAMED)
  const lines = named.flatMap(({ notice, alert }) => [
    `${WORDS[notice]}  ${oneLine(alert.what)}`,
    `  since ${isoSeconds(alert.raisedAt)}${alert.resolvedAt === undefined ? '' : `, over at ${isoSeconds(alert.resolvedAt)}`}`,
    ...(notice === 'resolved' ? [] : [`  ${oneLine(alert.hint)}`]),
    '',
  ])
  const more = notices.length - named.length
  const rest = more > 0 ? [`And ${more} more: holdfast alerts list`, ''] : []
  return {
    subject: `Holdfast: ${subjectOf(notices)}`,
    text: [`${service} at ${isoSeconds(at)}`, '', ...lines, ...rest].join('\n'),
  }
}

function subjectOf(notices: AlertMessage['notices']): string {
  const [first] = notices
  if (notices.length === 1 && first)
    return `${WORDS[first.notice].toLowerCase()}: ${first.alert.kind} ${first.alert.subject}`
  const counts = (['raised', 'repeated', 'resolved'] as const).flatMap((notice) => {
    const count = notices.filter((one) => one.notice === notice).length
    return count === 0 ? [] : [`${count} ${WORDS[notice].toLowerCase()}`]
  })
  return counts.join(', ')
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ')
