import { randomUUID } from 'node:crypto'
import type { Alert } from '../../core/alert.ts'
import { Fault } from '../../core/fault.ts'
import type { AlertMessage, Receiver } from '../../scheduler/alert-message.ts'
import { receiversOf } from '../../scheduler/receivers.ts'
import type { ConfigOptions } from '../options.ts'
import type { Parts } from '../parts.ts'
import { configOf } from './open.ts'

export interface AlertsTestOptions extends ConfigOptions {
  readonly json?: boolean
}

interface Outcome {
  readonly receiver: string
  readonly taken: boolean
  readonly why: string
}

/** Sends each configured receiver one alert that is none. Fault 'service_unavailable' when one did not take it. */
export async function testAlerts(options: AlertsTestOptions, parts: Parts): Promise<void> {
  const config = configOf(options, parts)
  const receivers = receiversOf(config.alerts)
  if (receivers.length === 0) {
    throw new Fault('invalid', 'send a test: the configuration names no receiver of alerts', {
      hint: "Set alerts.webhook or alerts.email: 'holdfast config sample' shows them.",
    })
  }
  const message = testMessage(config.api.publicUrl ?? 'holdfast alerts test', parts)
  const outcomes = await Promise.all(receivers.map((receiver) => tellOne(receiver, message)))
  if (options.json) parts.io.out.write(`${JSON.stringify(outcomes, null, 2)}\n`)
  else for (const { receiver, taken, why } of outcomes) parts.io.out.write(`${receiver}: ${taken ? 'taken' : why}\n`)
  const failed = outcomes.filter(({ taken }) => !taken)
  if (failed.length === 0) return
  throw new Fault(
    'service_unavailable',
    `send a test: ${failed.map(({ receiver }) => receiver).join(', ')} did not take it`,
    {
      hint: 'Mend what is named above in the section alerts of the configuration, and try again.',
    },
  )
}

async function tellOne(receiver: Receiver, message: AlertMessage): Promise<Outcome> {
  try {
    await receiver.tell(message, new AbortController().signal)
    return { receiver: receiver.name, taken: true, why: '' }
  } catch (error) {
    if (!Fault.is(error)) throw error
    return { receiver: receiver.name, taken: false, why: error.message }
  }
}

function testMessage(service: string, { clock }: Parts): AlertMessage {
  const at = clock.now()
  const alert: Alert = {
    id: '0',
    kind: 'backup-failed',
    subject: 'test',
    instanceId: undefined,
    what: 'this is a test of alerts: nothing is wrong',
    hint: 'Nothing is to be done.',
    raisedAt: at,
    missingSince: undefined,
    resolvedAt: undefined,
    told: {},
  }
  return { id: `msg_${randomUUID()}`, at, service, notices: [{ notice: 'raised', alert }] }
}
