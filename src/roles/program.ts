import type { openEngine } from '../engine/open.ts'
import type { Clock } from '../lib/clock.ts'

/** What a program is made of that tests make otherwise. */
export interface Program {
  /** The file that runs it, for its children. */
  readonly file: string
  readonly clock: Clock
  /** Our own when absent. It is loaded when it is needed: most commands need no database. */
  readonly openEngine?: typeof openEngine
}
