import type { Writer } from '../src/cli/io.ts'
import { type ProgressBar, progressBar } from '../src/cli/progress.ts'
import { formatDuration } from '../src/cli/units.ts'
import { systemClock } from '../src/lib/clock.ts'

/** Shows how far a step is. */
export type Bar = (state: { label: string; percent: number; bytes?: number; totalBytes?: number }) => void

/** Tells a person what happens, step by step, and keeps the time of each. */
export interface Narrator {
  /**
   * Does one step under a heading; `name` is what its seconds are called in the JSON. Once the signal has aborted, no step
   * begins, and the one under way ends when it next moves its bar.
   */
  step<T>(name: string, heading: string, work: (bar: Bar) => Promise<T>): Promise<T>
  say(text: string): void
  /** Seconds of each finished step, and of all so far as `total`. */
  seconds(): Record<string, number>
}

export function createNarrator(out: Writer, signal: AbortSignal): Narrator {
  const began = systemClock.monotonic()
  const seconds = new Map<string, number>()
  const since = (start: number) => systemClock.monotonic() - start
  let bar: ProgressBar | undefined
  const endBar = () => {
    bar?.end()
    bar = undefined
  }
  const say = (text: string) => {
    endBar()
    out.write(`${text}\n`)
  }
  return {
    say,
    async step(name, heading, work) {
      signal.throwIfAborted()
      say(`\n${seconds.size + 1}. ${heading}`)
      const start = systemClock.monotonic()
      try {
        return await work((state) => {
          signal.throwIfAborted()
          bar ??= progressBar(out, systemClock)
          bar.update({ bytes: 0, totalBytes: 0, ...state })
        })
      } finally {
        seconds.set(name, rounded(since(start)))
        say(`   (${formatDuration(since(start))})`)
      }
    },
    seconds: () => ({ ...Object.fromEntries(seconds), total: rounded(since(began)) }),
  }
}

const rounded = (ms: number) => Math.round(ms) / 1000

/** Every line of a text moved to the right, under its heading. */
export const indented = (text: string): string => text.trimEnd().replaceAll(/^/gm, '   ')
