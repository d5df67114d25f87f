import { pino, type Logger } from 'pino'

export type Log = Logger

/**
 * Writes JSON lines on stderr, times in UTC. Fields named like secrets are cut out, as a last net: nobody should pass them.
 */
export function createLog(level: string, name: string): Log {
  return pino(
    {
      level,
      base: { role: name, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: ['password', 'secret', '*.password', '*.secret', 'headers.authorization'], censor: '[secret]' },
    },
    pino.destination({ dest: 2, sync: true }),
  )
}

/** A log that drops everything, for tests. */
export const silentLog: Log = pino({ level: 'silent' })
