import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestServer } from '../test/lib/postgres.ts'
import { programsOf } from '../test/matrix/programs.ts'
import { type GroupOptions, startSeventeen } from './backup-group.ts'
import { bytesOf, placeFor } from './backup-peers.ts'
import { protect, takingRunner } from './holdfast.ts'
import { shell, spread } from './measure.ts'
import { writeSection } from './page.ts'
import { aimTable, bytesRatio, explained, race, resultTable, type Runner, timeRatio } from './race.ts'
import { databaseBytes, fill } from './sample.ts'

const SEVERAL = ['shop_1', 'shop_2', 'shop_3', 'shop_4']
const WHOLE = 'whole'

/** Dumps of one large database and of several small ones, by us and by pg_dump, compressed alike. */
export async function benchLogical({ directory, megabytes, rounds }: GroupOptions): Promise<void> {
  await using programs = await programsOf(17)
  await using server = await startSeventeen(programs)
  process.stderr.write('filling the databases\n')
  await fill(server, megabytes / SEVERAL.length)
  for (const name of [...SEVERAL, WHOLE]) await server.query(`create database ${name} template postgres`, 'template1')
  await server.query('insert into orders select o.* from orders o, generate_series(2, 4)', WHOLE)
  await server.query(
    'insert into noise select id + k * 100000000, body from noise, generate_series(2, 4) k where id < 100000000',
    WHOLE,
  )
  await server.query('checkpoint')
  const settings = [`restore.binDirs=${programs.binDirectory}`]
  await using service = await protect(server, await mkdtemp(join(directory, 'holdfast-')), 1, settings)
  const tools = join(directory, 'tools')
  const ourOne = takingRunner(service, ...logical([WHOLE]))
  const oneResults = await race('one database', [...(await pipesOfOne(server, tools)), ourOne], rounds)
  const ourSeveral = takingRunner(service, ...logical(SEVERAL))
  const several = [...(await dumpsOfSeveral(server, tools)), ourSeveral]
  const severalResults = await race('several databases', several, rounds)
  const body = `Databases of a PostgreSQL 17 with ${((await databaseBytes(server)) / 1e9).toFixed(2)} GB in all, on the same machine: a large one, and four that are together as large. Compressed
by zstd at level 1. ${explained(rounds)} For us it includes pg_dump, which reads for us, too.
Ours goes through the API, from the start of the command \`backups take\` to its end; the backup itself took
${spread(ourOne.ownSeconds())} s of it for one database, ${spread(ourSeveral.ownSeconds())} s for four.

${resultTable('one database', 'stored MB', oneResults)}

${resultTable('four databases', 'stored MB', severalResults)}

${aimTable([
  { what: 'one database, seconds to the best of the others', ratio: timeRatio(oneResults), aim: 1.05 },
  { what: 'one database, stored bytes to the least of the others', ratio: bytesRatio(oneResults), aim: 1.05 },
  { what: 'four databases, seconds to the best of the others', ratio: timeRatio(severalResults), aim: 1.05 },
  { what: 'four databases, stored bytes to the least of the others', ratio: bytesRatio(severalResults), aim: 1.05 },
])}`
  writeSection('Logical backup', 'npm run bench:backup -- --only logical', body)
  process.stdout.write(`${body}\n`)
}

const logical = (databases: readonly string[]): string[] => [
  '--method',
  'logical',
  ...databases.flatMap((one) => ['--database', one]),
]

async function pipesOfOne(server: TestServer, directory: string): Promise<Runner[]> {
  const options = await placeFor(server, directory)
  const file = join(directory, 'whole.dump')
  const runner = (name: string, line: string): Runner => ({
    name,
    ours: false,
    run: () => shell(line, options),
    bytes: () => bytesOf(file),
  })
  return [
    runner('pg_dump -Fc -Z zstd:1', `pg_dump -Fc -Z zstd:1 -f ${file} ${WHOLE}`),
    runner('pg_dump -Fc -Z 0 | zstd -1 -T0; sync', `pg_dump -Fc -Z 0 ${WHOLE} | zstd -q -1 -T0 -f -o ${file}; sync`),
  ]
}

async function dumpsOfSeveral(server: TestServer, directory: string): Promise<Runner[]> {
  const options = await placeFor(server, directory)
  const to = join(directory, 'several')
  const runner = (name: string, line: string): Runner => ({
    name,
    ours: false,
    async run() {
      await shell(`rm -rf ${to}`)
      return shell(`mkdir ${to} && ${line}`, options)
    },
    bytes: () => bytesOf(to),
  })
  const all = SEVERAL.join(' ')
  return [
    runner(
      'pg_dump -Fd -j2 -Z zstd:1, one after the other',
      `for NAME in ${all}; do pg_dump -Fd -j2 -Z zstd:1 -f ${to}/$NAME $NAME || exit 1; done`,
    ),
    runner(
      'xargs -P2 pg_dump -Fc -Z zstd:1',
      `echo ${all} | xargs -n1 -P2 sh -c 'pg_dump -Fc -Z zstd:1 -f ${to}/$0 $0'`,
    ),
  ]
}
