import { suite, test } from 'node:test'
import { alertsContract } from './catalog/alerts.ts'
import { auditContract } from './catalog/audit.ts'
import { bandwidthContract } from './catalog/bandwidth.ts'
import type { CatalogHarness } from './catalog/fixture.ts'
import { holdsContract } from './catalog/holds.ts'
import { instancesContract } from './catalog/instances.ts'
import { keysContract } from './catalog/keys.ts'
import { linksContract } from './catalog/links.ts'
import { policiesContract } from './catalog/policies.ts'
import { claimsContract } from './catalog/claims.ts'
import { clonesContract } from './catalog/clones.ts'
import { scheduleContract } from './catalog/schedule.ts'
import { serviceContract } from './catalog/service.ts'
import { setsContract } from './catalog/sets.ts'
import { tasksContract } from './catalog/tasks.ts'
import { tokensContract } from './catalog/tokens.ts'

export type { CatalogHarness } from './catalog/fixture.ts'

/** What every Catalog must do. Each kind's own test calls this with a way to make empty ones. */
export function catalogContract(name: string, harness: CatalogHarness): void {
  suite(`${name}: catalog contract`, () => {
    test('tells what it runs on', async (t) => t.diagnostic(`${name}: catalog contract on ${await harness.about()}`))
    instancesContract(harness)
    setsContract(harness)
    holdsContract(harness)
    tasksContract(harness)
    serviceContract(harness)
    auditContract(harness)
    tokensContract(harness)
    keysContract(harness)
    linksContract(harness)
    policiesContract(harness)
    scheduleContract(harness)
    claimsContract(harness)
    clonesContract(harness)
    bandwidthContract(harness)
    alertsContract(harness)
  })
}
