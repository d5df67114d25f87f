import type { NodeAddress } from '../../core/instance.ts'
import type { LogicalDatabase } from '../../core/manifest.ts'
import type { Piece } from '../../core/task.ts'
import type { Ask, InDatabase } from './ask.ts'
import type { DumpReader } from './dump-reader.ts'
import type { TargetServer } from './logical-target.ts'

/** What every step of one restore works with. */
export interface Loading {
  readonly address: NodeAddress
  readonly target: TargetServer
  readonly reader: DumpReader
  readonly ask: Ask
  readonly inDatabase: InDatabase
  readonly binDirs: readonly string[]
  readonly warnings: string[]
}

/** A piece and the facts of its database. */
export interface Chosen {
  readonly piece: Piece
  readonly database: LogicalDatabase
}
