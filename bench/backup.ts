/**
 * Backups and restores of PostgreSQL by us and by our peers in one run, in groups, each of which writes its section of docs/performance.md.
 * `npm run bench:backup -- [--only full|incremental|chain|logical] [--megabytes 1600] [--rounds 5]`; without `--only` all of them. Needs Debian's
 * postgresql-15, zstd and pgbackrest, and python3 with pip for PostgreSQL 17.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { benchChain } from './backup-chain.ts'
import { benchFull } from './backup-full.ts'
import type { GroupOptions } from './backup-group.ts'
import { benchIncremental } from './backup-incremental.ts'
import { benchLogical } from './backup-logical.ts'

const GROUPS: Readonly<Record<string, (options: GroupOptions) => Promise<void>>> = {
  full: benchFull,
  incremental: benchIncremental,
  chain: benchChain,
  logical: benchLogical,
}

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    megabytes: { type: 'string', default: '1600' },
    rounds: { type: 'string', default: '5' },
  },
})
const { only } = values
if (only !== undefined && !Object.hasOwn(GROUPS, only)) {
  throw new Error(`--only ${only}: write one of ${Object.keys(GROUPS).join(', ')}`)
}
for (const [name, group] of Object.entries(GROUPS)) {
  if (only !== undefined && name !== only) continue
  const directory = await mkdtemp('/var/tmp/holdfast-bench-')
  try {
    await chmod(directory, 0o755)
    await group({ directory, megabytes: Number(values.megabytes), rounds: Number(values.rounds) })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
