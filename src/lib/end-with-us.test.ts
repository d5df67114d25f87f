import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { endWithUs } from './end-with-us.ts'

let directory: string

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-leash-'))
})
after(async () => {
  await rm(directory, { recursive: true })
})

const lives = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** A shell that works in the directory, says its number in the file after so many seconds, and sleeps. */
const serverAfter = (seconds: number, pidFile: string, cwd: string) =>
  `spawn('sh', ['-c', 'sleep ${seconds}; echo $$ > ${pidFile}; exec sleep 60'], { cwd: '${cwd}', detached: true, stdio: 'ignore' })`

/** A process that puts a leash on, then starts a server, and says its number; `then` is what it does after that. */
async function leashing(
  { pidFile, seconds, cwd = directory }: { pidFile: string; seconds: number; cwd?: string },
  then: string,
): Promise<{ owner: ReturnType<typeof spawn>; server: number }> {
  const code = `
    import { spawn } from 'node:child_process'
    import { endWithUs } from '${import.meta.dirname}/end-with-us.ts'
    const leash = endWithUs('${directory}', '${pidFile}')
    const server = ${serverAfter(seconds, join(directory, pidFile), cwd)}
    server.unref()
    console.log(server.pid)
    ${then}`
  const owner = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [said] = (await once(owner.stdout, 'data')) as [Buffer]
  return { owner, server: Number(said.toString()) }
}

async function isGoneSoon(pid: number): Promise<boolean> {
  for (let times = 0; times < 100 && lives(pid); times++) await wait(50)
  return !lives(pid)
}

/** Until the server has said its number. */
async function isUp(pidFile: string): Promise<void> {
  for (let times = 0; times < 100; times++) {
    if (await readFile(join(directory, pidFile), 'utf8').catch(() => '')) return
    await wait(20)
  }
  assert.fail('the server did not come up')
}

const STAYS = 'setTimeout(() => {}, 60_000)'

test('a server ends with the process that leashed it, also when that is killed', async () => {
  const { owner, server } = await leashing({ pidFile: 'up.pid', seconds: 0 }, STAYS)
  await isUp('up.pid')
  assert.ok(lives(server))
  owner.kill('SIGKILL')
  assert.ok(await isGoneSoon(server))
})

test('so does one that was only being started then', async () => {
  const { owner, server } = await leashing({ pidFile: 'late.pid', seconds: 1 }, STAYS)
  owner.kill('SIGKILL')
  await wait(300)
  assert.ok(lives(server))
  await isUp('late.pid')
  assert.ok(await isGoneSoon(server))
})

test('a process of the same number that works elsewhere stays', async () => {
  const { owner, server } = await leashing({ pidFile: 'other.pid', seconds: 0, cwd: tmpdir() }, STAYS)
  await isUp('other.pid')
  owner.kill('SIGKILL')
  await wait(500)
  assert.ok(lives(server))
  process.kill(server)
})

test('one that was released stays, and its leash does not keep ours from ending', async () => {
  const { owner, server } = await leashing({ pidFile: 'free.pid', seconds: 0 }, 'leash.release()')
  await once(owner, 'exit')
  await isUp('free.pid')
  await wait(300)
  assert.ok(lives(server))
  process.kill(server)
})

test('is no reason for a process to stay', async () => {
  const { owner, server } = await leashing({ pidFile: 'end.pid', seconds: 0 }, '')
  await once(owner, 'exit')
  assert.ok(await isGoneSoon(server))
})

test('what is no number of a process is left alone, and a directory that is not there is no error', async () => {
  await writeFile(join(directory, 'odd.pid'), '-1\n')
  const leash = endWithUs(directory, 'odd.pid')
  const none = endWithUs(join(directory, 'none'), 'odd.pid')
  await wait(50)
  leash.release()
  none.release()
})
