import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { stepsOf } from './rounds-of-steps.ts'
import { runWorkerProcess } from './run-process.ts'
import { makeScene } from './scene.ts'

test('others wait for a worker that is stopped inside its commit, and the commit holds when it goes on', async () => {
  const options = { kind: 'backup', contentBytes: 1000 } as const
  const at = (await stepsOf(options)).indexOf('sql insert into sets')
  await using scene = await makeScene(options)
  let other: Promise<string> | undefined
  const whileStopped = async () => {
    other = scene.catalog.newId()
    const first = await Promise.race([other.then(() => 'written'), wait(300).then(() => 'waits')])
    assert.equal(first, 'waits')
  }
  const ended = await runWorkerProcess(scene, { at, signal: 'SIGSTOP', whileStopped })
  assert.equal(ended.reached, 'sql insert into sets')
  assert.match(String(await other), /^\d+$/)
  assert.equal((await scene.catalog.set(scene.task.setId ?? ''))?.status, 'Success')
})
