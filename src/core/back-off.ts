/** How a database fares, as far as it could be measured. */
export interface Load {
  /** How far the replica that is most behind is. */
  readonly lagSeconds?: number | undefined
  /** How long the last small commit took, or has been taking until now. */
  readonly commitMs?: number | undefined
}

/** From when on a backup lets a database be; 0 or absent: never for that. */
export interface BackOffLimits {
  readonly lagSeconds: number
  readonly commitMs: number
  /** How long one backup may do so in all. */
  readonly maxSeconds: number
}

/** Judges one look after the other. */
export interface BackOff {
  /** Why the backup shall wait, as of the look at moment `now` of a clock in milliseconds; undefined when it may go on. */
  judge(load: Load, now: number): string | undefined
  /** Whether it has waited for as long as it may, and does so no more. */
  readonly spent: boolean
}

/** So many looks in a row must be above a limit before it waits, and below half of every limit before it goes on. */
const [STRAINED, CALM] = [2, 3]

/**
 * Waits when a limit is passed twice in a row, and goes on when three looks in a row were below half of every limit: a database near its
 * limit does not make it start and stop. What could not be measured changes nothing.
 */
export function createBackOff(limits: BackOffLimits): BackOff {
  let waiting: string | undefined
  let row = 0
  let waitedMs = 0
  let lastAt: number | undefined
  const isSpent = () => waitedMs >= limits.maxSeconds * 1000

  return {
    get spent() {
      return isSpent()
    },
    judge(load, now) {
      if (waiting !== undefined && lastAt !== undefined) waitedMs += now - lastAt
      lastAt = now
      if (isSpent()) return (waiting = undefined)
      const strain = strainOf(load, limits)
      if (waiting === undefined) {
        row = strain === undefined ? 0 : row + 1
        if (row >= STRAINED) [waiting, row] = [strain, 0]
        return waiting
      }
      row = isCalm(load, limits) ? row + 1 : 0
      waiting = row >= CALM ? undefined : (strain ?? waiting)
      if (waiting === undefined) row = 0
      return waiting
    },
  }
}

function strainOf({ lagSeconds, commitMs }: Load, limits: BackOffLimits): string | undefined {
  if (limits.lagSeconds > 0 && lagSeconds !== undefined && lagSeconds > limits.lagSeconds) {
    return `a replica is ${Math.round(lagSeconds)} s behind, the limit is ${limits.lagSeconds} s`
  }
  if (limits.commitMs > 0 && commitMs !== undefined && commitMs > limits.commitMs) {
    return `a commit takes ${Math.round(commitMs)} ms, the limit is ${limits.commitMs} ms`
  }
  return undefined
}

/** Of what has a limit something must be known, and all that is known be below half of it. */
function isCalm({ lagSeconds, commitMs }: Load, limits: BackOffLimits): boolean {
  const looks = [
    [limits.lagSeconds, lagSeconds],
    [limits.commitMs, commitMs],
  ] as const
  const known = looks.flatMap(([limit, value]) => (limit > 0 && value !== undefined ? [value <= limit / 2] : []))
  return known.length > 0 && known.every((calm) => calm)
}
