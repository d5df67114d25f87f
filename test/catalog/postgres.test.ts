import { after } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { openCatalog } from '../../src/catalog/open.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { silentLog } from '../../src/lib/log.ts'
import { catalogContract } from '../contract/catalog.ts'
import { sealerOf } from './sealer.ts'
import { postgresDatabases } from './postgres-databases.ts'

for (const version of [15, 18] as const) {
  const databases = postgresDatabases(version)
  after(() => databases.close())

  catalogContract(`postgres ${version}`, {
    // The server's own clock decides, and nobody can turn that on.
    // Real time passes here, and a busy disk can hold one statement up for hundreds of milliseconds.
    leaseMs: 1200,
    pass: (ms) => wait(ms),
    about: () => databases.version(),
    open: async () => {
      const { url, password } = await databases.make()
      const catalog = await openCatalog({ url, password, sealer: sealerOf(1), clock: systemClock, log: silentLog })
      databases.closeFirst(catalog)
      return catalog
    },
  })
}
