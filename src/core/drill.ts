/** A table that a drill counted. */
export interface DrilledTable {
  /** `schema.table`, quoted where SQL would have it quoted. */
  readonly name: string
  readonly rows: number
}

/** What a drill did in one database. */
export interface DrilledDatabase {
  readonly name: string
  /**
   * `amcheck`: every heap and every B-tree index was checked by the database's own extension. `read`: the extension is not on this
   * machine; every row of every table was read whole, and indexes were not looked at.
   */
  readonly check: 'amcheck' | 'read'
  /** Tables, materialised views and TOAST tables that were checked or read. */
  readonly relations: number
  /** Indexes that were checked. */
  readonly indexes: number
  /** Each table, by name. */
  readonly tables: readonly DrilledTable[]
}

/** What a drill proved of a set, and what it found wrong. It passed when `problems` is empty. */
export interface DrillReport {
  /** Whether a server came up on what was restored, reached consistency, and let us in. */
  readonly started: boolean
  /** Seconds that the restore, the start with its recovery, and the checks took. */
  readonly seconds: { readonly restore: number; readonly start: number; readonly check: number }
  /** Bytes that were restored. */
  readonly bytes: number
  readonly databases: readonly DrilledDatabase[]
  /** Of every page of every data file, once the server was shut down. `not available`: the cluster keeps none. `not checked`: it never came so far. */
  readonly pageChecksums: 'passed' | 'failed' | 'not available' | 'not checked'
  /** Pages whose checksums were reckoned. */
  readonly pages: number
  /** What is wrong with the set, each naming the database and relation, or the file. */
  readonly problems: readonly string[]
  /** What is not the set's fault and yet keeps a restore from being used as it is: other collations, missing extensions. */
  readonly warnings: readonly string[]
}

/** The problems of a drill as one line, which names no more than the first five. */
export function problemsText({ problems }: Pick<DrillReport, 'problems'>): string {
  const shown = problems.slice(0, 5).join('; ')
  return problems.length > 5 ? `${shown}; and ${problems.length - 5} more` : shown
}
