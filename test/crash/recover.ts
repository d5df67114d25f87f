import type { Scene } from './scene.ts'
import { LEASE_SECONDS } from './scene-parts.ts'

/** More than a task's attempts and a few sweeps; whoever needs more never ends. */
const MOST_TASKS = 20

/** Lets later workers, after every lease has ended, do what waits until nothing does. */
export async function recover(scene: Scene): Promise<void> {
  for (let done = 0; done < MOST_TASKS; done++) {
    scene.clock.advance((LEASE_SECONDS + 1) * 1000)
    if (!(await scene.next())) return
  }
  throw new Error(`more than ${MOST_TASKS} claims and no end`)
}

/** Two sweeps, so far apart that what the first entombs and what is half-written is old enough for the second. */
export async function sweepTwice(scene: Scene): Promise<void> {
  for (const leases of [0, 20]) {
    scene.clock.advance(leases * LEASE_SECONDS * 1000)
    await scene.catalog.ensureTask({ kind: 'sweep', request: {} })
    await recover(scene)
  }
}
