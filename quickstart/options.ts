import { parseArgs } from 'node:util'

export interface QuickstartOptions {
  /** Stop and clean up after the proof. */
  readonly once: boolean
  /** Where everything is kept; a temporary directory, removed at the end, when absent. */
  readonly data: string | undefined
  /** TCP port of the API; 8080, or a free one where that is taken, when absent. */
  readonly port: number | undefined
  /** The last line of stdout is one JSON object; what is for people goes to stderr. */
  readonly json: boolean
  readonly help: boolean
}

export const USAGE = `npm run quickstart -- [--once] [--data DIR] [--port N] [--json]

Starts a real PostgreSQL, fills it, backs it up with Holdfast, lists, downloads and restores the set, and compares
every table of the restored server with its source. Then it goes on serving until Ctrl-C.

  --once      stop and clean up after the proof; the exit code is 1 if anything differed
  --data DIR  keep everything in DIR, which must be absent or empty (default: a temporary directory, removed at the end)
  --port N    port of the API (default: 8080, or a free one where that is taken)
  --json      print one JSON object as the last line of stdout; everything else goes to stderr
`

/** What the arguments ask for. Throws with a message for people when they are wrong. */
export function parseOptions(args: readonly string[]): QuickstartOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      once: { type: 'boolean', default: false },
      data: { type: 'string' },
      port: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.data === '') throw new Error('--data needs a directory')
  return { once: values.once, data: values.data, port: portOf(values.port), json: values.json, help: values.help }
}

function portOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const port = Number(text)
  if (!/^\d+$/.test(text) || port < 1 || port > 65535) throw new Error(`--port ${text} is not a port from 1 to 65535`)
  return port
}
