import { readFile, writeFile } from 'node:fs/promises'
import { NEVER } from '../../src/core/backup-set.ts'
import { DEFAULT_POLICY } from '../../src/core/policy.ts'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { auditEntry } from '../contract/catalog/audit.ts'
import { cloneCommit, cloneTask } from '../contract/catalog/clones.ts'
import { backupSet, claim, instance, node } from '../contract/catalog/fixture.ts'

const LEASE_MS = 600_000
const page = { instanceId: 'pg-1', offset: 0, limit: 30 }
const audit = auditEntry('R1', { at: 1 })
const token = { action: 'A', token: 't', digest: 'd', at: 1, expiresAt: 2, replyOf: () => ({}) }
const once = { keyId: 'HF9', nonce: 'n', expiresAt: 1 }

/** Uses every method of an empty catalog once or more; `enter` is told the method that comes next. */
export async function useEveryMethod(
  catalog: Catalog,
  enter: (method: keyof Catalog | undefined) => void,
): Promise<void> {
  const use = async <T>(method: keyof Catalog, work: () => Promise<T>): Promise<T> => {
    enter(method)
    const result = await work()
    enter(undefined)
    return result
  }
  await use('addInstance', () =>
    catalog.addInstance(instance('pg-1', { nodes: [node('a'), node('b', 'replica')] }), once),
  )
  await use('instance', () => catalog.instance('pg-1'))
  await use('instances', () =>
    catalog.instances({ registeredOnly: true, search: 'x', engine: 'y', id: 'z', offset: 0, limit: 9 }),
  )
  await use('instances', () => catalog.instances({ registeredOnly: false, offset: 0, limit: 9 }))
  await use('instances', () =>
    catalog.instances({ registeredOnly: true, notIds: ['x'], made: true, offset: 0, limit: 9 }),
  )
  await use('instanceVersion', () => catalog.instanceVersion('pg-1'))
  const { nodes } = await use('updateInstance', () =>
    catalog.updateInstance('pg-1', { addNodes: [node('c', 'replica')] }),
  )
  const [first, second] = nodes.map(({ id }) => id)
  await use('updateInstance', () =>
    catalog.updateInstance('pg-1', { roles: { [first ?? '']: 'primary' }, removeNodes: [second ?? ''] }),
  )
  await useSets(catalog, use)
  await useTasks(catalog, use)
  const key = { id: 'HF1', description: '', createdAt: 1 }
  await use('addKey', () => catalog.addKey(key, 's'))
  await use('keys', () => catalog.keys())
  await use('signingKey', () => catalog.signingKey('HF1'))
  await use('spendCall', () => catalog.spendCall({ ...once, nonce: 'spent' }))
  await use('changeKey', () =>
    catalog.changeKey('HF1', { role: 'admin', description: 'd', instances: undefined, sources: ['::1'], expiresAt: 1 }),
  )
  await use('rotateKey', () => catalog.rotateKey('HF1', 's2', 1))
  await useAlerts(catalog, use)
  await use('bandwidth', () => catalog.bandwidth())
  await use('setBandwidth', () => catalog.setBandwidth(1))
  await use('figures', () => catalog.figures())
  await use('taskFigures', () => catalog.taskFigures())
  await use('beat', () => catalog.beat('w'))
  await use('sinceLastBeat', () => catalog.sinceLastBeat())
  await use('addAuditRecord', () =>
    catalog.addAuditRecord({ ...audit, requestId: 'R2', outcome: 'refused', code: 'X', taskIds: [], setIds: [] }),
  )
  await use('auditRecords', () =>
    catalog.auditRecords({
      from: 1,
      before: 9,
      keyId: 'k',
      action: 'A',
      instanceId: 'i',
      outcome: 'done',
      offset: 0,
      limit: 9,
    }),
  )
  await use('forgetAudit', () => catalog.forgetAudit(0))
  await use('usedToken', () => catalog.usedToken('HF9', 'A', 't', 1))
  await use('tidy', () => catalog.tidy())
  await use('newId', () => catalog.newId())
  await use('dump', () => catalog.dump())
  await use('check', () => catalog.check())
  await use('removeKey', () => catalog.removeKey('HF1'))
  await use('deregisterInstance', () => catalog.deregisterInstance('pg-1', 5))
}

type Use = <T>(method: keyof Catalog, work: () => Promise<T>) => Promise<T>

async function useSets(catalog: Catalog, use: Use): Promise<void> {
  await use('adoptSet', () => catalog.adoptSet(backupSet(1)))
  await use('adoptSet', () => catalog.adoptSet(backupSet(2, { parentId: '1', type: 'IncrementalBackup' })))
  await catalog.adoptSet(backupSet(3, { mode: 'Automated', startedAt: 5000 }))
  await use('set', () => catalog.set('1'))
  await use('sets', () => catalog.sets(page))
  await use('sets', () => catalog.sets({ ...page, offset: 2 }))
  await use('sets', () => catalog.sets({ ...page, type: 'FullBackup' }))
  await use('sets', () => catalog.sets({ ...page, type: 'FullBackup', offset: 1 }))
  await use('sets', () => catalog.sets({ ...page, mode: 'Automated', from: 0 }))
  await use('sets', () => catalog.sets({ ...page, setId: '1' }))
  await use('revokeLinks', () => catalog.revokeLinks('pg-1', '1'))
  await use('changePolicy', () => catalog.changePolicy('pg-1', () => DEFAULT_POLICY, { at: 1 }))
  await use('policyOf', () => catalog.policyOf('pg-1'))
  await use('pinSet', () => catalog.pinSet('pg-1', '1', true))
  await use('pinSet', () => catalog.pinSet('pg-1', '1', false))
  await use('setExpiry', () => catalog.setExpiry('pg-1', ['1'], NEVER))
  await use('keptSets', () => catalog.keptSets('pg-1'))
  await use('scheduled', () => catalog.scheduled())
  await use('drilled', () => catalog.drilled())
  await use('drillStanding', () => catalog.drillStanding('pg-1', 3))
  await use('addDrill', () =>
    catalog.addDrill({ kind: 'drill', instanceId: 'pg-1', setId: '1', request: {} }, undefined),
  )
  await use('addAutomated', () => catalog.addAutomated({ kind: 'take-backup', instanceId: 'pg-1', request: {} }, 2, 1))
  await use('settledOf', () => catalog.settledOf('pg-1'))
  await use('resettle', () => catalog.resettle('pg-1', 1, 2))
  const [automated] = await catalog.tasks({ kind: 'take-backup', states: ['waiting'] })
  await catalog.cancelTask(automated?.id ?? '')
  await use('holdSet', () => catalog.holdSet('1', 'd', LEASE_MS))
  await use('releaseHold', () => catalog.releaseHold('1', 'd'))
  await catalog.holdSet('1', 'e', 0)
  await use('removeSets', () => catalog.removeSets('pg-1', ['2', '3']))
  const lease = await claim(catalog, 'expire', LEASE_MS)
  const { setId = '' } = (await catalog.task(lease.taskId)) ?? {}
  await use('commitRemoval', () => catalog.commitRemoval(lease, setId))
}

async function useAlerts(catalog: Catalog, use: Use): Promise<void> {
  await use('takeTurn', () => catalog.takeTurn('alerts', 'w', LEASE_MS))
  const condition = { kind: 'rpo-exceeded', subject: 'pg-1', instanceId: 'pg-1', what: 'w', hint: 'h' } as const
  const [alert] = await use('raiseAlerts', () => catalog.raiseAlerts([condition], 1))
  if (alert) await use('saveAlerts', () => catalog.saveAlerts([{ ...alert, open: true }], 1))
  await use('openAlerts', () => catalog.openAlerts())
  await use('alerts', () => catalog.alerts({ kind: 'rpo-exceeded', resolved: false, offset: 0, limit: 9 }))
  await use('alerts', () => catalog.alerts({ instanceIds: ['pg-1'], offset: 0, limit: 9 }))
  await use('alertFigures', () => catalog.alertFigures())
  await use('receivers', () => catalog.receivers())
  await use('saveReceiver', () => catalog.saveReceiver({ name: 'webhook', toldAt: 1, failing: undefined }))
  await use('standings', () => catalog.standings())
  await use('damagedSets', () => catalog.damagedSets())
}

async function useTasks(catalog: Catalog, use: Use): Promise<void> {
  const backup = { kind: 'take-backup', instanceId: 'pg-1', request: {} } as const
  const first = await use('addTask', () => catalog.addTask(backup, { ...once, nonce: 'task', audit, token }))
  await use('task', () => catalog.task(first.id))
  await use('tasks', () => catalog.tasks({ instanceId: 'pg-1', kind: 'take-backup', states: ['waiting', 'running'] }))
  await use('tasks', () => catalog.tasks({}))
  await use('cancelTask', () => catalog.cancelTask(first.id))
  const { setId = '' } = await catalog.addTask(backup)
  await use('claimTask', () => catalog.claimTask('w', ['expire'], LEASE_MS, { bulk: 2, perHost: 1, drills: 1 }))
  let lease = await use('claimTask', () => claim(catalog, 'take-backup', LEASE_MS))
  const progress = { phase: 'streaming', percent: 5, bytes: 1, totalBytes: 2 } as const
  await use('renewTask', () => catalog.renewTask(lease, LEASE_MS, progress))
  await use('holdForTask', () => catalog.holdForTask(lease, '1'))
  await use('commitSet', () => catalog.commitSet(lease, backupSet(setId), {}))
  await use('hasDependents', () => catalog.hasDependents('pg-1', '1'))
  const failing = await catalog.addTask(backup)
  lease = await claim(catalog, 'take-backup', LEASE_MS)
  await use('releaseTask', () => catalog.releaseTask(lease, 'x', 0))
  lease = await claim(catalog, 'take-backup', LEASE_MS)
  const failedSet = backupSet(failing.setId ?? '', { status: 'Failed' })
  await use('failTask', () => catalog.failTask(lease, 'x', { state: 'failed', failedSet }))
  await use('addTask', () => catalog.addTask({ kind: 'verify', instanceId: 'pg-1', setId: '1', request: {} }))
  lease = await claim(catalog, 'verify', LEASE_MS)
  await use('noteVerified', () => catalog.noteVerified(lease, '1', { at: 5, damage: undefined }))
  await use('noteDrilled', () => catalog.noteDrilled(lease, '1', { at: 5, damage: undefined }))
  await use('finishTask', () => catalog.finishTask(lease, {}))
  await use('addTask', () => catalog.addTask(cloneTask('pg-clone')))
  const cloning = await claim(catalog, 'clone', LEASE_MS)
  await use('commitClone', () => catalog.commitClone(cloning, cloneCommit('pg-clone'), {}))
  const gone = await catalog.addTask(cloneTask('pg-gone'))
  await use('cancelTask', () => catalog.cancelTask(gone.id))
  await use('ensureTask', () => catalog.ensureTask({ kind: 'sweep', request: {} }))
}

/** The different statements of each method, in the order they were first heard. */
export interface Recording {
  heard(sql: string): void
  enter(method: keyof Catalog | undefined): void
  readonly methods: ReadonlyMap<keyof Catalog, ReadonlySet<string>>
}

export function record(): Recording {
  const methods = new Map<keyof Catalog, Set<string>>()
  let current: keyof Catalog | undefined
  return {
    methods,
    enter: (method) => {
      current = method
    },
    heard: (sql) => {
      const text = sql.replaceAll(/\s+/g, ' ').trim()
      if (current === undefined || /^(begin|commit|start transaction)/.test(text)) return
      const known = methods.get(current) ?? new Set()
      methods.set(current, known.add(text))
    },
  }
}

/** A recording as text that a person can read, one statement a line. */
const format = ({ methods }: Recording): string =>
  [...methods]
    .map(([method, statements]) => `-- ${method}\n${[...statements].map((sql) => `${sql};\n`).join('')}`)
    .join('\n')

/** The recording and the golden file, to be equal. UPDATE_GOLDEN=1 writes the file anew. */
export async function goldenSql(recording: Recording, name: string): Promise<{ actual: string; expected: string }> {
  const file = new URL(`golden/${name}.sql`, import.meta.url)
  const actual = format(recording)
  if (process.env['UPDATE_GOLDEN']) await writeFile(file, actual)
  return { actual, expected: await readFile(file, 'utf8') }
}
