import type { Progress } from '../core/task.ts'
import type { EngineProgress } from '../engine/engine.ts'

const STREAMED = 95

/**
 * Makes a backup's percentage from what its engine reports. It never goes back, is 95 when all expected bytes flowed, and
 * stays below 100: that is for the commit.
 */
export function backupPercent(): (progress: EngineProgress) => Progress {
  let highest = 0
  return ({ phase, bytes, totalBytes }) => {
    const streamed = totalBytes > 0 ? Math.min(STREAMED, Math.floor((STREAMED * bytes) / totalBytes)) : 0
    highest = Math.max(highest, phase === 'finishing' || phase === 'done' ? 98 : streamed)
    return { phase, percent: highest, bytes, totalBytes }
  }
}
