import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { CASES, type Scene } from '../clients/cases.ts'
import { nodeClients } from '../clients/node/clients.ts'
import { openScene, runCase } from '../clients/scene.ts'
import { startTestService, type TestService } from './service.ts'

let service: TestService
before(async () => {
  service = await startTestService()
})
after(() => service.close())

/** What the oldest SDKs have no request for. Nothing else may be absent. */
const ABSENT: Readonly<Record<string, readonly string[]>> = {
  '1.1.0': ['ModifyBackupSetExpireTime'],
  '2.8.0': ['ModifyBackupSetExpireTime'],
}

for (const [index, { name, version, formats }] of nodeClients('http://127.0.0.1:1').entries()) {
  for (const format of formats) {
    suite(`${name} ${version}, ${format}`, () => {
      let scene: Scene
      before(async () => {
        const client = nodeClients(service.url)[index]
        assert.ok(client)
        scene = await openScene(service, client, format)
      })

      for (const one of CASES) {
        test(`${one.action} ${one.what}`, async () => {
          const result = await runCase(one, scene)
          if (result instanceof Error) throw result
          const absent = ABSENT[version]?.includes(one.action) ?? false
          assert.equal(result, absent ? 'absent' : 'passed')
        })
      }
    })
  }
}
