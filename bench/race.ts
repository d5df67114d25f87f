import { type Cost, median, spread } from './measure.ts'
import { table } from './page.ts'

/** One way to do what the others of its race do, too. */
export interface Runner {
  readonly name: string
  readonly ours: boolean
  run(): Promise<Cost>
  /** Bytes that the last run left, or used at its height. */
  bytes(): Promise<number>
}

/** What the counted rounds of one runner cost. */
export interface Result {
  readonly runner: Runner
  readonly costs: Cost[]
  bytes: number
}

/** Everybody once a round, forwards in even rounds and backwards in odd ones. Round 0 warms up and is not counted. */
export async function race(what: string, runners: readonly Runner[], rounds: number): Promise<readonly Result[]> {
  const results = runners.map((runner): Result => ({ runner, costs: [], bytes: 0 }))
  for (let round = 0; round <= rounds; round++) {
    for (const result of round % 2 === 0 ? results : results.toReversed()) {
      const spent = await result.runner.run()
      process.stderr.write(`${what}, round ${round}: ${result.runner.name}: ${spent.seconds.toFixed(2)} s\n`)
      if (round === 0) result.bytes = await result.runner.bytes()
      else result.costs.push(spent)
    }
  }
  return results
}

/** A table of a race; `bytes` heads the column of what `Runner.bytes` gave. */
export const resultTable = (what: string, bytes: string, results: readonly Result[]): string =>
  table(
    [what, 'seconds', 'CPU-seconds', 'peak MB', bytes],
    results.map(({ runner, costs, bytes: size }) => [
      runner.name,
      spread(costs.map((one) => one.seconds)),
      spread(costs.map((one) => one.cpuSeconds)),
      spread(
        costs.map((one) => one.peakBytes / 1e6),
        0,
      ),
      (size / 1e6).toFixed(1),
    ]),
  )

/** One thing that we aim at: ours over theirs, at most `aim`. */
export interface Aim {
  readonly what: string
  readonly ratio: number
  readonly aim: number
}

/** Seconds of ours over those of the best peer, by their medians. */
export const timeRatio = (results: readonly Result[]): number =>
  ratioOf(results, ({ costs }) => median(costs.map((one) => one.seconds)))

export const bytesRatio = (results: readonly Result[]): number => ratioOf(results, ({ bytes }) => bytes)

function ratioOf(results: readonly Result[], figure: (result: Result) => number): number {
  const of = (ours: boolean) => results.filter(({ runner }) => runner.ours === ours).map(figure)
  return Math.min(...of(true)) / Math.min(...of(false))
}

/** The aims, and whether this run met each. */
export const aimTable = (aims: readonly Aim[]): string =>
  table(
    ['ours to theirs', 'ratio', 'aim', 'met'],
    aims.map(({ what, ratio, aim }) => [
      what,
      ratio.toFixed(2),
      aim.toFixed(2),
      Number(ratio.toFixed(2)) <= aim ? 'yes' : 'no',
    ]),
  )

/** What every page of a race says of its figures. */
export const explained = (rounds: number): string =>
  `${rounds} counted rounds after a warm-up, order alternated; median and spread. CPU-seconds are the whole machine's, the database
server's included; memory is the highest sum over all processes of the program (for us: parent, API and worker), the server's excluded.`
