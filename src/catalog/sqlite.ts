import { randomUUID } from 'node:crypto'
import { link, mkdir, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { backup, type DatabaseSync } from 'node:sqlite'
import { Kysely, sql } from 'kysely'
import { Fault } from '../core/fault.ts'
import type { Clock } from '../lib/clock.ts'
import { syncDirectory } from '../lib/files.ts'
import type { Database, Heard, Question, Row, Story } from './database.ts'
import { retried } from './retry.ts'
import { nodeSqliteDialect, openConnection, statementsOf } from './sqlite-driver.ts'
import type { Tables } from './tables.ts'

/**
 * The embedded catalog in the file at `path`, which is made when there is none.
 *
 * Two connections: Kysely's, whose transactions take turns, and one for hot questions, which sees only what is committed
 * and answers without giving way to anybody in between.
 */
export async function openSqlite(path: string, clock: Clock, heard: Heard = () => {}): Promise<Database> {
  await makePrivate(path)
  const judge = (error: unknown) => judgeError(error, path)
  const again = <T>(work: () => Promise<T> | T) => retried(clock, judge, work)
  const writing = await again(() => openConnection(path))
  const reading = await again(() => openConnection(path)).catch((error: unknown) => {
    writing.close()
    throw error
  })
  const db = new Kysely<Tables>({ dialect: nodeSqliteDialect(writing, heard) })
  const answer = answerer(reading, heard)
  return {
    kind: 'sqlite',
    db,
    now: () => sql<number>`${clock.now()}`,
    nowAsked: () => ({ sql: '?', values: [clock.now()] }),
    write: (work) => again(() => db.transaction().execute(work)),
    read: (work) => again(() => work(db)),
    ask: (question) => again(() => answer(question)),
    hot: (story) => again(() => tellWhole(reading, answer, story())),
    copyAside: (name) => again(() => copyAside(reading, `${path}.${name}`)),
    integrity: () => again(() => integrityOf(reading)),
    close: async () => {
      reading.close()
      writing.close()
    },
  }
}

/**
 * Makes an empty file, which is an empty database too, that only its owner reads; SQLite gives the files beside it the same
 * mode. One that is there is not even opened: closing it would drop the locks that SQLite holds on it in this process.
 */
async function makePrivate(path: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await using file = await open(path, 'wx', 0o600)
    await file.sync()
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return
    throw new Fault('catalog_unavailable', `make catalog ${path}: ${(cause as Error).message}`, { cause, hint: HINT })
  }
}

/**
 * A consistent copy of the file with its log, durable before it resolves, whole or not there. Of several processes that make one
 * of the same name at once, the first is kept.
 */
async function copyAside(connection: DatabaseSync, to: string): Promise<string> {
  const draft = `${to}.${randomUUID()}`
  try {
    await makePrivate(draft)
    await backup(connection, draft)
    await link(draft, to).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  } finally {
    await rm(draft, { force: true })
  }
  await syncDirectory(dirname(to))
  return to
}

function answerer(connection: DatabaseSync, heard: Heard): (question: Question) => readonly Row[] {
  const prepare = statementsOf(connection)
  return ({ sql: text, values, tuples }) => {
    heard(text)
    return prepare(text, tuples).all(...values) as unknown as readonly Row[]
  }
}

/** A story from begin to end in one snapshot, with no other work of this process between its questions. */
function tellWhole<T>(connection: DatabaseSync, answer: (question: Question) => readonly Row[], story: Story<T>): T {
  connection.exec('begin')
  try {
    let step = story.next()
    while (!step.done) step = story.next(answer(step.value))
    return step.value
  } finally {
    connection.exec('commit')
  }
}

function integrityOf(connection: DatabaseSync): string[] {
  const problems = connection
    .prepare('pragma integrity_check')
    .all()
    .map((row) => String(row['integrity_check']))
  const strays = connection.prepare('pragma foreign_key_check').all()
  return [
    ...problems.filter((problem) => problem !== 'ok').map((problem) => `database: ${problem}`),
    ...strays.map(
      (row) =>
        `database: a row of ${String(row['table'])} refers to a row of ${String(row['parent'])} that is not there`,
    ),
  ]
}

const HINT = 'Look at the free space and the permissions of its directory.'

const BUSY = 5
const LOCKED = 6
const CORRUPT = 11
const NOT_A_DATABASE = 26
/** I/O, full, cannot open, read-only, permission. */
const UNUSABLE: ReadonlySet<number> = new Set([3, 8, 10, 13, 14])

function judgeError(error: unknown, path: string): 'passing' | Error {
  const code = (error as { errcode?: unknown }).errcode
  if (!(error instanceof Error) || typeof code !== 'number') return error as Error
  const primary = code % 256
  if (primary === BUSY || primary === LOCKED) return 'passing'
  if (primary === CORRUPT || primary === NOT_A_DATABASE) {
    return new Fault('catalog_corrupt', `use catalog ${path}: ${error.message}`, {
      cause: error,
      hint: 'Bring back a copy of it, or make it anew from the store with catalog rebuild.',
    })
  }
  if (!UNUSABLE.has(primary)) return error
  return new Fault('catalog_unavailable', `use catalog ${path}: ${error.message}`, {
    cause: error,
    hint: HINT,
  })
}
