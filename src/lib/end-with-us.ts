import { spawn } from 'node:child_process'

/** What sees to it that another process does not outlive ours. */
export interface Leash {
  /** Lets the other process be: it has ended, or may stay. */
  release(): void
}

/**
 * Has `signal` sent to process `pid` as soon as ours is gone, however it ends. A shell waits for the end of a pipe that only we hold
 * open; it has a session of its own, so that what is sent to our group does not end it first.
 */
export function endWithUs(pid: number, signal: 'QUIT' | 'TERM'): Leash {
  const watcher = spawn('/bin/sh', ['-c', 'read -r _; kill -s "$2" "$1"', 'sh', String(pid), signal], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  // One that cannot be started leaves things as they would be without it.
  watcher.on('error', () => undefined)
  watcher.stdin?.on('error', () => undefined)
  watcher.unref()
  return { release: () => void watcher.kill('SIGKILL') }
}
