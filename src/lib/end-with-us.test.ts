import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { endWithUs } from './end-with-us.ts'

const lives = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** A process that leashes a sleeper, says its number, and waits; `after` is what it does then. */
async function leashing(after: string): Promise<{ owner: ReturnType<typeof spawn>; sleeper: number }> {
  const code = `
    import { spawn } from 'node:child_process'
    import { endWithUs } from '${import.meta.dirname}/end-with-us.ts'
    const sleeper = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' })
    sleeper.unref()
    const leash = endWithUs(sleeper.pid, 'TERM')
    console.log(sleeper.pid)
    ${after}`
  const owner = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [said] = (await once(owner.stdout, 'data')) as [Buffer]
  return { owner, sleeper: Number(said.toString()) }
}

async function isGoneSoon(pid: number): Promise<boolean> {
  for (let times = 0; times < 100 && lives(pid); times++) await wait(50)
  return !lives(pid)
}

test('a process ends with the one that leashed it, also when that is killed', async () => {
  const { owner, sleeper } = await leashing('setTimeout(() => {}, 60_000)')
  assert.ok(lives(sleeper))
  owner.kill('SIGKILL')
  assert.ok(await isGoneSoon(sleeper))
})

test('one that was released stays, and its leash does not keep ours from ending', async () => {
  const { owner, sleeper } = await leashing('leash.release()')
  await once(owner, 'exit')
  await wait(300)
  assert.ok(lives(sleeper))
  process.kill(sleeper)
})

test('is no reason for a process to stay', async () => {
  const { owner, sleeper } = await leashing('')
  await once(owner, 'exit')
  assert.ok(await isGoneSoon(sleeper))
})

test('what cannot be leashed is no error', async () => {
  const leash = endWithUs(2 ** 22 + 1, 'TERM')
  await wait(50)
  leash.release()
})
