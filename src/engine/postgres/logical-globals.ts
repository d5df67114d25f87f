import type { LogicalDatabase } from '../../core/manifest.ts'
import type { Bytes } from '../../lib/streams.ts'
import type { Ask } from './ask.ts'

/** The part of roles and tablespaces, opened by how a person restores a logical set: comments, so that it stays a script for psql. */
export async function* withHeading(title: string, script: Bytes): Bytes {
  const text = `${title}: roles and tablespaces

HOW TO RESTORE A LOGICAL SET BY HAND
You need zstd, and psql and pg_restore of PostgreSQL, no older than the server that the set is of. To a running server:
1. zstd -dc globals.sql.zst | psql -d postgres      (complaints of roles that exist already do no harm; their passwords are changed)
2. For each database: zstd -dc db-NUMBER-NAME.dump.zst | pg_restore --create --exit-on-error -d postgres
   (without --create for the database postgres, which every server has)
The whole procedure is docs/format.md of Holdfast.`
  yield Buffer.from(
    `${text
      .split('\n')
      .map((line) => `-- ${line}`.trimEnd())
      .join('\n')}\n\n`,
  )
  yield* script
}

/** Roles that dumped databases need and that are there no more, since somebody dropped them meanwhile. */
export async function missingRoles(databases: readonly LogicalDatabase[], ask: Ask): Promise<string[]> {
  const there = new Set((await ask<{ name: string }>('select rolname as name from pg_roles')).map(({ name }) => name))
  return [...new Set(databases.flatMap(({ roles }) => roles))].filter((name) => !there.has(name))
}
