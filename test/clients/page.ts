import { CASES } from './cases.ts'
import type { Client } from './client.ts'
import type { Outcome } from './scene.ts'
import type { Unavailable } from './setup.ts'

/** What became of all cases of one action with one client, in every format that it reads. */
export interface Pair {
  readonly client: Client
  readonly action: string
  readonly result: 'passed' | 'failed' | 'absent'
}

export const ACTIONS_TRIED: readonly string[] = [...new Set(CASES.map(({ action }) => action))]

/** A pair passes when each of its cases passed, and is absent when the client has no such action. */
export function pairsOf(outcomes: readonly Outcome[]): Pair[] {
  const clients = [...new Set(outcomes.map(({ client }) => client))]
  return clients.flatMap((client) =>
    ACTIONS_TRIED.map((action) => {
      const results = outcomes
        .filter((outcome) => outcome.client === client && outcome.case.action === action)
        .map(({ result }) => result)
      if (results.some((result) => result instanceof Error)) return { client, action, result: 'failed' as const }
      return { client, action, result: results.includes('absent') ? ('absent' as const) : ('passed' as const) }
    }),
  )
}

const CELL = { passed: 'yes', failed: '**no**', absent: '–' } as const

/** docs/reference/clients.md, from one run. */
export function clientsPage(outcomes: readonly Outcome[], unavailable: readonly Unavailable[]): string {
  const pairs = pairsOf(outcomes)
  const count = (result: Pair['result']) => pairs.filter((pair) => pair.result === result).length
  const clients = [...new Set(pairs.map(({ client }) => client))]
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const about = (client: Client) => [client.language, client.name, client.version, client.formats.join(', ')]
  const rows = clients.map((client) =>
    row([...about(client), ...pairs.filter((pair) => pair.client === client).map(({ result }) => CELL[result])]),
  )
  const failures = outcomes.flatMap(({ client, format, case: one, result }) =>
    result instanceof Error
      ? [`- ${client.name}, ${format}: ${one.action} ${one.what}: ${result.message.split('\n')[0]}`]
      : [],
  )
  return `${[
    '# Clients that run unmodified',
    'Made by `npm run test:clients`; do not edit. [How to point a client at Holdfast](../guide/clients.md).',
    `${count('passed')} of ${count('passed') + count('failed')} pairs of a client and an action pass; ${count('absent')} more are actions that a client does not have (–). A pair passes when every case of the action passes, in every format that the client reads:`,
    CASES.map(({ action, what }) => `- ${action} ${what}`).join('\n'),
    [
      row(['language', 'client', 'version', 'formats', ...ACTIONS_TRIED]),
      row(Array.from({ length: 4 + ACTIONS_TRIED.length }, () => '---')),
      ...rows,
    ].join('\n'),
    ...(failures.length > 0 ? ['## What fails', failures.join('\n')] : []),
    ...(unavailable.length > 0
      ? ['## Not run', unavailable.map(({ language, name, reason }) => `- ${language}, ${name}: ${reason}`).join('\n')]
      : []),
  ].join('\n\n')}\n`
}
