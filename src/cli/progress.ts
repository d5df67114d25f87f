import type { Clock } from '../lib/clock.ts'
import type { Writer } from './io.ts'
import { formatBytes, formatDuration } from './units.ts'

/** How far something is, on one line. */
export interface ProgressBar {
  /** Shows the new state, at most ten times a second. */
  update(state: {
    readonly label: string
    readonly bytes: number
    readonly totalBytes: number
    readonly percent?: number
  }): void
  /** Shows the last state and ends the line. */
  end(): void
}

const EVERY_MS = 100
const WIDTH = 24

/** A bar that redraws itself on a terminal, and writes nothing elsewhere. */
export function progressBar(err: Writer, clock: Clock): ProgressBar {
  if (!err.isTTY) return { update: () => {}, end: () => {} }
  const startedAt = clock.monotonic()
  let drawnAt = -EVERY_MS
  let line = ''
  let shown = ''
  const draw = () => {
    err.write(`\r${line}${' '.repeat(Math.max(0, shown.length - line.length))}`)
    shown = line
  }
  return {
    update({ label, bytes, totalBytes, percent }) {
      const now = clock.monotonic()
      const done = percent ?? (totalBytes > 0 ? Math.min(100, Math.floor((100 * bytes) / totalBytes)) : 0)
      const seconds = Math.max(0.001, (now - startedAt) / 1000)
      const of = totalBytes > 0 ? ` of ${formatBytes(totalBytes)}` : ''
      const rate = bytes > 0 ? `  ${formatBytes(bytes)}${of}  ${formatBytes(bytes / seconds)}/s` : ''
      line = `${label.padEnd(12)} ${bar(done)} ${String(done).padStart(3)} %${rate}  ${formatDuration(now - startedAt)}`
      line = line.slice(0, Math.max(20, (err.columns ?? 80) - 1))
      if (now - drawnAt < EVERY_MS) return
      drawnAt = now
      draw()
    },
    end() {
      if (line === '') return
      draw()
      err.write('\n')
    },
  }
}

function bar(percent: number): string {
  const full = Math.floor((WIDTH * percent) / 100)
  return `[${'#'.repeat(full)}${'.'.repeat(WIDTH - full)}]`
}
