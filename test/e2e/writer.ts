import pg from 'pg'

/**
 * A process that writes as fast as it is let: moves money between accounts, notes each move in a journal that counts the
 * moves of this writer, and makes, truncates and drops tables. Until it is ended.
 */
const [connection = '', writer = '0'] = process.argv.slice(2)
const client = new pg.Client(JSON.parse(connection) as pg.ClientConfig)
await client.connect()

const MOVE = `
  with amount as (select (random() * 100)::int as n),
    taken as (update account set balance = balance - (select n from amount) where id = $1),
    given as (update account set balance = balance + (select n from amount) where id = $2)
  insert into journal (writer, move, from_id, to_id, amount, lsn)
    select $3, $4, $1, $2, n, pg_current_wal_insert_lsn() from amount`

/** Two different accounts, the lower first, so that writers never wait for each other in a circle. */
function pair(accounts: number): [number, number] {
  const first = Math.floor(Math.random() * accounts)
  const second = (first + 1 + Math.floor(Math.random() * (accounts - 1))) % accounts
  return first < second ? [first, second] : [second, first]
}

for (let move = 1; ; move++) {
  await client.query({ name: 'move', text: MOVE, values: [...pair(1000), Number(writer), move] })
  if (move % 50 !== 0) continue
  await client.query(`drop table if exists passing_${writer}`)
  await client.query(`create table passing_${writer} as select g, md5(g::text) from generate_series(1, ${move}) g`)
  await client.query(`begin; truncate scratch_${writer}; insert into scratch_${writer} values (${move}); commit`)
}
