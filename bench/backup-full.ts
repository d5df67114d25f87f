import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { startPostgres } from '../test/lib/postgres.ts'
import type { GroupOptions } from './backup-group.ts'
import { pgBackRest, pipes, type Contender } from './backup-peers.ts'
import { holdfast } from './holdfast.ts'
import { type Cost, median, spread } from './measure.ts'
import { table, writeSection } from './page.ts'
import { aimTable } from './race.ts'
import { databaseBytes, fill } from './sample.ts'

interface Figures {
  readonly contender: Contender
  readonly backups: Cost[]
  readonly restores: Cost[]
  stored: number
}

/**
 * Full physical backup and restore of one PostgreSQL 15, half of it poorly compressible, by us and by our peers in one run; writes its
 * section of docs/performance.md. Needs Debian's postgresql-15, zstd and pgbackrest.
 */
export async function benchFull({ directory, megabytes, rounds }: GroupOptions): Promise<void> {
  await using server = await startPostgres({
    version: 15,
    settings: {
      fsync: 'on',
      shared_buffers: '512MB',
      wal_keep_size: '1GB',
      archive_mode: 'on',
      archive_command: 'true',
    },
  })
  process.stderr.write('filling the database\n')
  await fill(server, megabytes)
  const size = await databaseBytes(server)
  await using level3 = await holdfast(server, await mkdtemp(join(directory, 'holdfast-3-')), 3)
  await using level1 = await holdfast(server, await mkdtemp(join(directory, 'holdfast-1-')), 1)
  const others = await pipes(server, join(directory, 'pipes'), server.address.port + 2)
  const contenders = [...others, await pgBackRest(server, join(directory, 'pgbackrest')), level3, level1]
  const figures = contenders.map((contender): Figures => ({ contender, backups: [], restores: [], stored: 0 }))
  for (let round = 0; round <= rounds; round++) await playRound(figures, round)
  report(figures, size, rounds)
}

/** Everybody once, forwards in even rounds and backwards in odd ones. Round 0 warms up and is not counted. */
async function playRound(figures: readonly Figures[], round: number): Promise<void> {
  const order = round % 2 === 0 ? figures : figures.toReversed()
  for (const { contender, backups, restores } of order) {
    const backup = await contender.backup()
    const restore = await contender.restore?.()
    const line = `round ${round}: ${contender.name}: backup ${backup.seconds.toFixed(2)} s, restore ${restore?.seconds.toFixed(2) ?? '-'} s\n`
    process.stderr.write(line)
    if (round === 0) continue
    backups.push(backup)
    if (restore) restores.push(restore)
  }
  if (round === 1) for (const figure of figures) figure.stored = await figure.contender.stored()
}

function report(figures: readonly Figures[], size: number, rounds: number): void {
  const taken = (index: number) => median(figures[index]?.backups.map((one) => one.seconds) ?? [])
  const restored = (index: number) => median(figures[index]?.restores.map((one) => one.seconds) ?? [])
  const stored = (index: number) => figures[index]?.stored ?? Number.NaN
  const [bare, guarded, rest, level3, level1] = [taken(0), taken(1), taken(2), taken(3), taken(4)]
  const better = Math.min(restored(0), restored(2))
  const body = `A PostgreSQL 15 of ${(size / 1e9).toFixed(2)} GB on the same machine; ${rounds} counted rounds after a warm-up, order alternated; median and
spread. CPU-seconds are the whole machine's, the database server's included; memory is the highest sum over all processes of the
program (for us: parent, API and worker), the server's excluded. Ours goes through the API, from \`backups take\` to its end.

${table(
  ['backup', 'seconds', 'CPU-seconds', 'peak MB', 'stored MB'],
  figures.map(({ contender, backups, stored }) => [
    contender.name,
    spread(backups.map((one) => one.seconds)),
    spread(backups.map((one) => one.cpuSeconds)),
    spread(
      backups.map((one) => one.peakBytes / 1e6),
      0,
    ),
    stored === 0 ? '' : (stored / 1e6).toFixed(0),
  ]),
)}

${table(
  ['restore until connections are accepted', 'seconds', 'CPU-seconds', 'peak MB'],
  figures
    .filter(({ restores }) => restores.length > 0)
    .map(({ contender, restores }) => [
      contender.name,
      spread(restores.map((one) => one.seconds)),
      spread(restores.map((one) => one.cpuSeconds)),
      spread(
        restores.map((one) => one.peakBytes / 1e6),
        0,
      ),
    ]),
)}

${aimTable([
  { what: 'level 3 to the pipe with the same guarantees', ratio: level3 / guarded, aim: 0.9 },
  { what: 'level 3 to the bare pipe at the same level', ratio: level3 / bare, aim: 1.25 },
  { what: 'level 1 (our default) to the bare pipe', ratio: level1 / bare, aim: 0.85 },
  { what: 'level 1 to pgBackRest', ratio: level1 / rest, aim: 0.5 },
  { what: 'restore of level 1 to the better of both', ratio: restored(4) / better, aim: 0.75 },
  { what: 'stored bytes of level 1 to the bare pipe', ratio: stored(4) / stored(0), aim: 1.05 },
])}`
  writeSection('Backup and restore', 'npm run bench:backup', body)
  process.stdout.write(`${body}\n`)
}
