/** The few words in which the two databases' SQL for tables differs. */
export interface Flavour {
  readonly int64: string
  readonly text: string
  /** What follows the columns of a table. */
  readonly end: string
  /** The same, for a table whose rows lie in the order of a key that is no number. */
  readonly keyed: string
  /** SQLite keeps the rows of `sets` in the order of their pages; PostgreSQL knows no such tables, and gets an index. */
  readonly setsKeys: { readonly constraints: string; readonly end: string; readonly indexes: readonly string[] }
}

export const SQLITE: Flavour = {
  int64: 'integer',
  text: 'text',
  end: 'strict',
  keyed: 'strict, without rowid',
  setsKeys: {
    constraints: 'primary key (instance_id, started_at, id), unique (id)',
    end: 'strict, without rowid',
    indexes: [],
  },
}

export const POSTGRES: Flavour = {
  int64: 'bigint',
  text: 'text collate "C"',
  end: '',
  keyed: '',
  setsKeys: {
    constraints: 'primary key (id)',
    end: '',
    indexes: ['create index sets_by_start on sets (instance_id, started_at, id) where removing = 0'],
  },
}
