import type { TestServer } from '../test/lib/postgres.ts'

/** Makes a table of about `megabytes` of digests, which no compression makes smaller. */
export async function noise(server: TestServer, megabytes: number, { fillFactor = 100 } = {}): Promise<void> {
  await server.query(`
    create table noise (id int primary key, body bytea not null) with (fillfactor = ${fillFactor});
    alter table noise alter column body set storage plain;
    insert into noise
      select i, (select string_agg(sha512((i::text || ':' || j)::bytea), ''::bytea) from generate_series(1, 14) j)
      from generate_series(1, ${Math.round(megabytes)} * 1024) i`)
}

/**
 * Fills the database `postgres` with about `megabytes` of tables, half of them poorly compressible, half as rows of an
 * ordinary application, and ends with a checkpoint. A fill factor below 100 leaves room for changes in every block.
 */
export async function fill(server: TestServer, megabytes: number, { fillFactor = 100 } = {}): Promise<void> {
  const half = Math.round(megabytes / 2)
  await noise(server, half, { fillFactor })
  await server.query(`
    create table orders (id bigint, customer int, placed timestamptz, state text, note text)
      with (fillfactor = ${fillFactor});
    insert into orders
      select i, (i::bigint * 7919) % 100003, timestamptz '2026-01-01' + i * interval '17 seconds',
        (array['new', 'paid', 'sent', 'done'])[1 + i % 4], 'order ' || i || ' of customer ' || (i::bigint * 7919) % 100003
      from generate_series(1, ${half} * 7600) i;
    create index on orders (customer, placed)`)
  await server.query('vacuum analyze')
  await server.query('checkpoint')
}

/**
 * Changes a row in every hundredth block of the tables that `fill` made with room in each (a fill factor of 75), so that one of a hundred
 * blocks differs and no other; `turn`, from 0 to 99, chooses which. Ends with a checkpoint.
 */
export async function changeOnePercent(server: TestServer, turn: number): Promise<void> {
  const chosen = (table: string) =>
    `(select min(ctid) from ${table} where (ctid::text::point)[0]::bigint % 100 = ${turn} group by (ctid::text::point)[0])`
  await server.query(`
    update noise set body = sha512(body) || substr(body, 65) where ctid = any (array${chosen('noise')});
    update orders set note = reverse(note) where ctid = any (array${chosen('orders')})`)
  await server.query('checkpoint')
}

/** Bytes of the database on disk. */
export async function databaseBytes(server: TestServer): Promise<number> {
  const [row] = await server.query<{ size: string }>('select sum(pg_database_size(oid)) as size from pg_database')
  return Number(row?.size)
}
