import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { checkRestored } from '../../src/engine/postgres/restore-check.ts'
import { startPostgres } from '../lib/postgres.ts'

for (const version of [15, 18] as const) {
  suite(`check of a restored PostgreSQL ${version}`, () => {
    test('is silent when all is well', async () => {
      await using server = await startPostgres({ version })
      await server.query('create database "My db"')
      assert.deepEqual(await checkRestored(server.address), [])
    })

    test('names the indexes that another version of a collation sorted, and its statements mend it', async () => {
      await using server = await startPostgres({ version })
      await server.query('create database "My db"')
      await server.query(`create collation "Odd one" (provider = icu, locale = 'de-DE')`, 'My db')
      await server.query('create table "T" (a text collate "Odd one", b text, c int)', 'My db')
      await server.query('create index "By a" on "T" (c, a)', 'My db')
      await server.query('create index by_b on "T" (b)', 'My db')
      await server.query(`update pg_collation set collversion = '1.0' where collname = 'Odd one'`, 'My db')
      const [warning, ...more] = await checkRestored(server.address)
      assert.deepEqual(more, [])
      assert.match(warning ?? '', /^database "My db": .* Odd one \(1\.0 there, \S+ here\)/)
      const [, statements = ''] = / until you run in it: (.*)$/.exec(warning ?? '') ?? []
      assert.equal(statements, 'REINDEX INDEX "By a"; ALTER COLLATION public."Odd one" REFRESH VERSION;')
      await server.query(statements, 'My db')
      assert.deepEqual(await checkRestored(server.address), [])
    })

    test('sees that the own collation of a database has another version', async () => {
      await using server = await startPostgres({ version })
      await server.query('create database db')
      await server.query('create table t (b text primary key)', 'db')
      await server.query(`update pg_database set datcollversion = '1.0' where datname = 'db'`)
      const [warning] = await checkRestored(server.address)
      assert.match(warning ?? '', /its own \(1\.0 there, none here\)/)
      assert.match(warning ?? '', /REINDEX INDEX t_pkey;.* ALTER DATABASE db REFRESH COLLATION VERSION;$/)
    })

    test('names extensions whose files are not here, and databases that nobody can use', async () => {
      await using server = await startPostgres({ version })
      await server.query(`update pg_extension set extname = 'gone'`)
      await server.query('create database broken')
      await server.query(`update pg_database set datctype = 'xx_XX.none' where datname = 'broken'`)
      const [broken, gone, ...more] = await checkRestored(server.address)
      assert.deepEqual(more, [])
      assert.match(broken ?? '', /^database "broken" cannot be used: .*locale/)
      assert.equal(gone, 'database "postgres" uses the extension gone, which is not installed here')
    })
  })
}
