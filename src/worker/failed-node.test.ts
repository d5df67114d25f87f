import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Task } from '../core/task.ts'
import { failedNode, reasonOnNode } from './failed-node.ts'

const taskOf = (reason: string | undefined) => ({ reason }) as Task

test('the reason of a failed attempt names its node, for the next attempt too', () => {
  assert.equal(failedNode(taskOf(reasonOnNode('5882781', 'it was promoted'))), '5882781')
})

test('a task that was only interrupted names no node', () => {
  assert.equal(failedNode(taskOf('the worker was stopped')), undefined)
  assert.equal(failedNode(taskOf(undefined)), undefined)
})
