import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startTestService } from '../conformance/service.ts'
import { nodeClients } from './node/clients.ts'
import { clientsPage, pairsOf } from './page.ts'
import { runCases, type Outcome } from './scene.ts'
import { setUp } from './setup.ts'

const page = join(import.meta.dirname, '../../docs/reference/clients.md')
const work = await mkdtemp(join(tmpdir(), 'holdfast-clients-'))
const service = await startTestService()
try {
  const { clients: others, unavailable } = await setUp(work, service.url)
  const clients = [...nodeClients(service.url), ...others]
  const outcomes: Outcome[] = []
  for (const client of clients) {
    const done = await runCases(service, client)
    client.close?.()
    outcomes.push(...done)
    const passed = done.filter(({ result }) => result === 'passed').length
    const absent = done.filter(({ result }) => result === 'absent').length
    console.log(
      `${client.language} ${client.name} ${client.version}: ${passed} passed, ${absent} absent of ${done.length}`,
    )
    for (const { format, case: one, result } of done) {
      if (result instanceof Error)
        console.error(`error: ${client.name}, ${format}: ${one.action} ${one.what}: ${result.message.split('\n')[0]}`)
    }
  }
  for (const { language, name, reason } of unavailable)
    console.error(`error: ${language} ${name} was not run: ${reason}`)
  await writeFile(page, clientsPage(outcomes, unavailable))
  const failed = outcomes.filter(({ result }) => result instanceof Error).length
  const pairs = pairsOf(outcomes)
  console.log(`${pairs.filter(({ result }) => result === 'passed').length} pairs of a client and an action pass`)
  process.exitCode = failed > 0 || unavailable.length > 0 ? 1 : 0
} finally {
  await service.close()
  await rm(work, { recursive: true, force: true })
}
