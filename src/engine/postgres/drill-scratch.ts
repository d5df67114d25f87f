import { readFile, readlink, realpath, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { tmpdir } from 'node:os'
import { Fault } from '../../core/fault.ts'
import type { Clock } from '../../lib/clock.ts'
import { LOADING } from './empty-server.ts'

/** How long a server may take to die of its own SIGQUIT. */
const PATIENCE_MS = 10_000

/**
 * Ends the server that runs in `directory`, which was restored there, at once and without mercy for its data, and removes the
 * directory and a socket's directory elsewhere. What is not there is no error.
 */
export async function clearServer(directory: string, clock: Clock): Promise<void> {
  const sockets = new Set<string>()
  for (const data of [join(directory, 'data'), join(directory, LOADING)]) {
    const lines = (await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
    await endServer(Number(lines[0]), data, clock)
    if (lines[4] !== undefined && isOurs(lines[4])) sockets.add(lines[4])
  }
  await rm(directory, { recursive: true, force: true, maxRetries: 3 })
  for (const socket of sockets) await rm(socket, { recursive: true, force: true })
}

/** A socket's directory that a restore made among the temporary ones, its target's path being too long. */
const isOurs = (socket: string): boolean =>
  dirname(socket) === tmpdir() && basename(socket).startsWith('holdfast-socket-')

/** The process id of the server that works in this data directory; undefined when none does. */
export async function serverIn(data: string): Promise<number | undefined> {
  const [first] = (await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
  const pid = Number(first)
  return (await runsIn(pid, data)) ? pid : undefined
}

/** The number of a process that died may be another's by now: only one that works in this data directory is ended. */
async function endServer(pid: number, data: string, clock: Clock): Promise<void> {
  for (const [signal, patience] of [
    ['SIGQUIT', PATIENCE_MS],
    ['SIGKILL', PATIENCE_MS],
  ] as const) {
    if (!(await runsIn(pid, data))) return
    process.kill(pid, signal)
    for (let waited = 0; waited < patience && (await runsIn(pid, data)); waited += 50) await clock.sleep(50)
  }
  if (await runsIn(pid, data)) throw new Fault('engine_failed', `end the server ${pid} in ${data}: it stays`)
}

async function runsIn(pid: number, data: string): Promise<boolean> {
  if (!Number.isInteger(pid) || pid <= 1) return false
  const [place, wanted] = await Promise.all([
    readlink(`/proc/${pid}/cwd`).catch(() => undefined),
    realpath(data).catch(() => data),
  ])
  return place !== undefined && place === wanted
}
