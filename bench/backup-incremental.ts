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
import { changeOnePercent, databaseBytes, fill } from './sample.ts'

/** An increment after a hundredth of the blocks changed, by us and by `pg_basebackup --incremental`, from the same base. */
export async function benchIncremental({ directory, megabytes, rounds }: GroupOptions): Promise<void> {
  await using programs = await programsOf(17)
  await using server = await startSeventeen(programs)
  process.stderr.write('filling the database\n')
  await fill(server, megabytes, { fillFactor: 75 })
  await using service = await protect(server, await mkdtemp(join(directory, 'holdfast-')), 1)
  const { set: base } = await service.take('--type', 'full')
  await changeOnePercent(server, 7)
  const peers = await toolRunners(server, join(directory, 'tools'), await service.pathOf(base, 'backup_manifest.zst'))
  const ours = takingRunner(service, '--type', 'incremental')
  const results = await race('incremental', [...peers, ours], rounds)
  const body = `A PostgreSQL 17 of ${((await databaseBytes(server)) / 1e9).toFixed(2)} GB on the same machine, of which a row in each hundredth block changed since the base, which
is the same for all. Compressed by zstd at level 1, by the tool itself or by a pipe. ${explained(rounds)}
Ours goes through the API, from the start of the command \`backups take\` to its end; the backup itself took ${spread(ours.ownSeconds())} s of it.

${resultTable('increment after 1 % changed', 'stored MB', results)}

${aimTable([
  { what: 'seconds, to the best of the others', ratio: timeRatio(results), aim: 1.05 },
  { what: 'stored bytes, to the least of the others', ratio: bytesRatio(results), aim: 1.05 },
])}`
  writeSection('Incremental backup', 'npm run bench:backup -- --only incremental', body)
  process.stdout.write(`${body}\n`)
}

async function toolRunners(server: TestServer, directory: string, manifest: string): Promise<Runner[]> {
  const options = await placeFor(server, directory)
  const base = join(directory, 'backup_manifest')
  await shell(`zstd -dcq ${manifest} > ${base} && chmod 644 ${base}`)
  const command = `pg_basebackup -Ft -X fetch -c fast --incremental=${base}`
  const [file, tree] = [join(directory, 'increment.tar.zst'), join(directory, 'tree')]
  return [
    {
      name: 'pg_basebackup --incremental | zstd -1 -T0; sync',
      ours: false,
      run: () => shell(`${command} -D - | zstd -q -1 -T0 -f -o ${file}; sync`, options),
      bytes: () => bytesOf(file),
    },
    {
      name: 'pg_basebackup --incremental -Z client-zstd:1',
      ours: false,
      run: async () => {
        await shell(`rm -rf ${tree}`)
        return shell(`${command} -D ${tree} -Z client-zstd:1`, options)
      },
      bytes: () => bytesOf(tree),
    },
  ]
}
