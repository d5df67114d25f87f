import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { chooseNode, lagBytes, type NodeState, type ProbedNode } from './choose-node.ts'
import { DEFAULT_SETTINGS, type Node } from './instance.ts'

const node = (id: string): Node => ({
  id,
  instanceId: 'pg-1',
  role: 'primary',
  address: { host: 'h', port: 5432, user: 'u', sslMode: 'disable' },
})
const state = (id: string, facts: Partial<ProbedNode>): NodeState => ({
  node: node(id),
  facts: { role: 'primary', systemIdentifier: '7', position: 1000n, lag: undefined, problems: [], ...facts },
})
const primary = (id: string, facts: Partial<ProbedNode> = {}) => state(id, facts)
const replica = (id: string, facts: Partial<ProbedNode> = {}) =>
  state(id, { role: 'replica', lag: { seconds: 0, receiving: true }, ...facts })
const down = (id: string): NodeState => ({ node: node(id), failure: 'connection refused' })

const settings = { ...DEFAULT_SETTINGS, preferReplica: true, maxLagBytes: 100, maxLagSeconds: 10 }
const choose = (states: NodeState[], change: Partial<typeof settings> = {}) => {
  const { candidates, skipped } = chooseNode({ ...settings, ...change }, '7', states)
  return {
    candidates: candidates.map(({ id }) => id),
    skipped: Object.fromEntries(skipped.map((one) => [one.node.id, one.reason])),
  }
}

suite('the choice of a node', () => {
  test('takes the primary when replicas are not preferred', () => {
    assert.deepEqual(choose([primary('1'), replica('2')], { preferReplica: false }), {
      candidates: ['1'],
      skipped: { 2: 'replicas are not preferred' },
    })
  })

  test('takes the replica that is furthest ahead, and keeps the primary for when it fails', () => {
    const states = [primary('1'), replica('2', { position: 950n }), replica('3', { position: 990n })]
    assert.deepEqual(choose(states), { candidates: ['3', '2', '1'], skipped: {} })
  })

  test('skips a replica that is too many bytes behind', () => {
    assert.deepEqual(choose([primary('1'), replica('2', { position: 899n })]), {
      candidates: ['1'],
      skipped: { 2: 'it is 101 bytes behind, 100 are allowed' },
    })
  })

  test('skips a replica that is too many seconds behind', () => {
    const late = replica('2', { lag: { seconds: 10.6, receiving: true } })
    assert.deepEqual(choose([primary('1'), late]).skipped, { 2: 'it is 11 s behind, 10 are allowed' })
  })

  test('a replica at both limits is taken', () => {
    const states = [primary('1'), replica('2', { position: 900n, lag: { seconds: 10, receiving: true } })]
    assert.deepEqual(choose(states).candidates, ['2', '1'])
  })

  test('without a primary the policy decides on replicas', () => {
    assert.deepEqual(choose([down('1'), replica('2')], { whenLagUnknown: 'skip' }), {
      candidates: [],
      skipped: { 1: 'connection refused', 2: 'how far it is behind is unknown, since no primary answered' },
    })
    assert.deepEqual(choose([down('1'), replica('2')], { whenLagUnknown: 'use' }).candidates, ['2'])
  })

  test('seconds that are unknown are as the policy says', () => {
    const unknown = replica('2', { lag: { seconds: undefined, receiving: false } })
    assert.deepEqual(choose([primary('1'), unknown]).skipped, { 2: 'how long it is behind is unknown' })
    assert.deepEqual(choose([primary('1'), unknown], { whenLagUnknown: 'use' }).candidates, ['2', '1'])
  })

  test('a known lag over a limit skips also when unknown ones are used', () => {
    const late = replica('2', { lag: { seconds: 99, receiving: false } })
    assert.deepEqual(choose([down('1'), late], { whenLagUnknown: 'use' }).candidates, [])
  })

  test('another database cluster is never taken', () => {
    assert.deepEqual(choose([primary('1', { systemIdentifier: '8' })]), {
      candidates: [],
      skipped: { 1: 'it is another database cluster: system identifier 8 instead of 7' },
    })
  })

  test('any cluster is taken while none is known', () => {
    assert.deepEqual(chooseNode(settings, undefined, [primary('1')]).skipped, [])
  })

  test('an error among the problems skips a node, a warning does not', () => {
    const broken = primary('1', { problems: [{ severity: 'error', what: 'no replication' }] })
    assert.deepEqual(choose([broken]).skipped, { 1: 'no replication' })
    assert.deepEqual(choose([primary('1', { problems: [{ severity: 'warning', what: 'slow' }] })]).candidates, ['1'])
  })

  test('two that say they are the primary are both refused', () => {
    assert.deepEqual(choose([primary('1'), primary('2')]), {
      candidates: [],
      skipped: { 1: 'node 2 says that it is the primary, too', 2: 'node 1 says that it is the primary, too' },
    })
  })

  test('the role just seen counts, not the recorded one', () => {
    assert.deepEqual(choose([replica('1'), primary('2')]).candidates, ['1', '2'])
  })

  test('a replica that went ahead between two probes is not behind', () => {
    assert.equal(lagBytes(5n, 9n), 0)
    assert.equal(lagBytes(2n ** 60n + 3n, 2n ** 60n), 3)
  })
})
