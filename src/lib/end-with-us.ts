import { spawn } from 'node:child_process'

/** What sees to it that a server does not outlive ours. */
export interface Leash {
  /** Lets the server be: it has ended, or may stay. */
  release(): void
}

/**
 * Waits for the end of a pipe that only we hold open. A server that was being started then may not have said its number yet. A
 * number may be of another process by now, which works elsewhere: nothing is sent to that. Negative is what a program says that
 * is no server.
 */
const WATCH = `
read -r _
tries=0
while [ "$tries" -lt 100 ]; do
  pid=
  read -r pid _ 2>/dev/null < "$1"
  case "$pid" in
    '' | *[!0-9]*) ;;
    *) if [ "/proc/$pid/cwd" -ef . ]; then kill -s QUIT "$pid"; exit; fi ;;
  esac
  sleep 0.1
  tries=$((tries + 1))
done`

/**
 * Has SIGQUIT sent to the server that works in `directory`, and says its number in a file `pidFile` there, as soon as ours is gone,
 * however it ends; also to one that comes up within ten seconds after that, so that a leash can be put on before the start. What
 * waits is a shell with a session of its own, so that what is sent to our group does not end it first.
 */
export function endWithUs(directory: string, pidFile: string): Leash {
  const watcher = spawn('/bin/sh', ['-c', WATCH, 'sh', pidFile], {
    cwd: directory,
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  // One that cannot be started leaves things as they would be without it.
  watcher.on('error', () => undefined)
  watcher.stdin?.on('error', () => undefined)
  watcher.unref()
  return { release: () => void watcher.kill('SIGKILL') }
}
