import { sampleSet } from '../conformance/context.ts'
import { popClient } from '../conformance/clients.ts'
import { NODE, type TestService } from '../conformance/service.ts'
import { Absent, CASES, type Case, type Scene } from './cases.ts'
import type { Client, Format } from './client.ts'

const MINUTE = 60_000
let scenes = 0

/** Two instances of its own for one client that reads in one format. */
export async function openScene(service: TestService, client: Client, format: Format): Promise<Scene> {
  scenes += 1
  const instance = `pgm-client-${scenes}`
  const shelf = await fillShelf(service, `pgm-shelf-${scenes}`, scenes * 1000)
  await register(service, instance)
  const { key } = service
  const { hides = [] } = client
  return {
    instance,
    shelf,
    call: (action, parameters = {}) => client.call(action, parameters, key, format),
    callWithWrongSecret: (action, parameters = {}) =>
      client.call(action, parameters, { id: key.id, secret: 'not the secret of this key' }, format),
    tells: {
      code: format === 'JSON' || !hides.includes('codeInXml'),
      requestId: !hides.includes('requestId') && (format === 'JSON' || !hides.includes('codeInXml')),
      status: !hides.includes('status'),
    },
  }
}

const register = ({ url, key }: TestService, DBInstanceId: string) =>
  popClient(url, key, 'POST').call('RegisterDBInstance', { DBInstanceId, Node: [NODE] })

/** 31 sets, newest first, that began at whole minutes of the last hour but two. */
async function fillShelf(service: TestService, instance: string, base: number): Promise<Scene['shelf']> {
  await register(service, instance)
  const newest = Math.floor(Date.now() / MINUTE) * MINUTE - 60 * MINUTE
  const sets = Array.from({ length: 31 }, (_, index) => {
    const startedAt = newest - index * MINUTE
    const failed = index % 3 === 0
    return sampleSet({
      id: String(1_000_000 + base + 31 - index),
      instanceId: instance,
      mode: index % 2 === 0 ? 'Automated' : 'Manual',
      startedAt,
      endedAt: startedAt + 1000,
      ...(failed && { status: 'Failed' as const, manifestKey: undefined, reason: 'it failed' }),
    })
  })
  for (const set of sets) await service.catalog.adoptSet(set)
  return { instance, ids: sets.map(({ id }) => id), startsAt: sets.map(({ startedAt }) => startedAt) }
}

/** What became of one case with one client in one format. */
export interface Outcome {
  readonly client: Client
  readonly format: Format
  readonly case: Case
  /** `absent`: the client has no such action. */
  readonly result: 'passed' | 'absent' | Error
}

/** Runs a case; a client that lacks its action is no failure. */
export async function runCase(one: Case, scene: Scene): Promise<Outcome['result']> {
  try {
    await one.run(scene)
    return 'passed'
  } catch (error) {
    if (error instanceof Absent) return 'absent'
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** Runs every case with this client in each of its formats, one after another. */
export async function runCases(service: TestService, client: Client): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const format of client.formats) {
    const scene = await openScene(service, client, format)
    for (const one of CASES) outcomes.push({ client, format, case: one, result: await runCase(one, scene) })
  }
  return outcomes
}
