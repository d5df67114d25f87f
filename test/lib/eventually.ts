import { setTimeout as wait } from 'node:timers/promises'

/** Resolves as soon as `holds` gives true; rejects with `what` after `seconds`. For things that another process does. */
export async function eventually(holds: () => Promise<boolean>, what: string, seconds = 30): Promise<void> {
  const end = Date.now() + seconds * 1000
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`)
    await wait(20)
  }
}
