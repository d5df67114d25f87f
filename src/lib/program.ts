import { spawn as start, type ChildProcessByStdio, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { collector, lastLines, reasonOf, redact, STDERR_LIMIT } from './child-words.ts'
import { inflowOf, inflowSocket } from './inflow.ts'
import type { Bytes, Options } from './streams.ts'

export interface ProgramOptions extends Options {
  /** The whole environment of the program: nothing of ours comes to it. */
  readonly env: Readonly<Record<string, string>>
  /** Texts that are cut out of whatever the program said before anybody sees it. */
  readonly secrets?: readonly string[] | undefined
  /** Told of what it said on stderr, when it ended well. */
  readonly onSaid?: ((text: string) => void) | undefined
  /** Makes the error of a program that could not start or did not exit with 0. */
  readonly fail: (message: string, cause?: unknown) => Error
}

/** How long a program that was told to terminate may take before it is killed. */
const GRACE_MS = 5000

/**
 * What a program writes to stdout, as a stream that ends only when the program has exited with 0: whoever keeps the bytes has all
 * of them, or gets `options.fail`. Ending early, or the signal, ends the program.
 */
export async function* readProgram(command: string, args: readonly string[], options: ProgramOptions): Bytes {
  using pipe = await openPipe()
  const running = run(command, args, options, pipe.theirs)
  // The program has it now; as long as we have it, too, it never ends.
  pipe.theirs.destroy()
  running.child.stdin.end()
  try {
    yield* piecesOf(pipe.ours)
    await running.exited
  } catch (error) {
    // A program that could not start or was ended breaks its pipe, too: why is what counts.
    running.stop()
    await running.exited
    throw error
  } finally {
    running.stop()
    await running.exited.catch(() => undefined)
  }
}

/** What arrives until the end, each piece until the next one is asked for. */
async function* piecesOf(stream: Socket): Bytes {
  let ended = false
  let failure: Error | undefined
  let wake = () => {}
  const inflow = inflowOf(stream, () => wake())
  stream.once('error', (error) => (failure = error))
  stream.once('close', () => {
    ended = true
    wake()
  })
  for (;;) {
    const piece = inflow.take()
    if (piece) yield piece
    else if (failure) throw failure
    else if (ended) return
    else await new Promise<void>((resolve) => (wake = resolve))
  }
}

/** A socket's path has 107 bytes at most. */
const LONGEST_PLACE = 80

/** Both ends of a pipe of which ours reads without making garbage: those that Node makes for a child do not. */
async function openPipe(): Promise<{ readonly ours: Socket; readonly theirs: Socket } & Disposable> {
  const directory = await mkdtemp(join(tmpdir().length < LONGEST_PLACE ? tmpdir() : '/tmp', 'holdfast-pipe-'))
  const server = createServer()
  try {
    server.listen(join(directory, 'pipe'))
    await once(server, 'listening')
    const arrived = once(server, 'connection') as Promise<[Socket]>
    const ours = inflowSocket().connect(join(directory, 'pipe'))
    const [[theirs]] = await Promise.all([arrived, once(ours, 'connect')])
    // A program that is killed breaks it: why is told by how it ended.
    ours.on('error', () => undefined)
    const dispose = () => {
      ours.destroy()
      theirs.destroy()
    }
    return { ours, theirs, [Symbol.dispose]: dispose }
  } finally {
    server.close()
    await rm(directory, { recursive: true, force: true })
  }
}

/**
 * Gives a program its stdin and resolves when it has exited with 0. A program may exit before it has read everything: then the
 * rest of `body` is read all the same with `whole`, so that its checks are made, and else left. A failure of `body` ends the
 * program, and is thrown. What it prints goes to `onOutput`.
 */
export async function feedProgram(
  command: string,
  args: readonly string[],
  body: Bytes,
  options: ProgramOptions & {
    readonly whole: boolean
    readonly onOutput?: ((chunk: Buffer) => void) | undefined
  },
): Promise<void> {
  const running = run(command, args, options)
  const { stdin, stdout } = running.child
  stdout.on('data', (chunk: Buffer) => options.onOutput?.(chunk))
  let open = true
  const closed = new Promise<void>((resolve) => stdin.once('close', resolve))
  // A program that ends without reading its input is judged by its exit code.
  stdin.on('error', () => (open = false))
  void closed.then(() => (open = false))
  const ended = running.exited.then(
    () => undefined,
    () => undefined,
  )
  try {
    for await (const chunk of body) {
      options.signal?.throwIfAborted()
      if (open && !stdin.write(chunk)) await Promise.race([once(stdin, 'drain').catch(() => undefined), closed, ended])
      if (open) continue
      // It wants no more. If it failed, that is known before the rest of the body is read.
      await running.exited
      if (!options.whole) break
    }
    stdin.end()
    await running.exited
  } finally {
    running.stop()
    await ended
  }
}

interface Running {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly exited: Promise<void>
  /** Tells it to terminate; nothing when it is gone. */
  readonly stop: () => void
}

/** Starts a program. What it prints goes to `output`: then it has no stdout for us. */
function run(command: string, args: readonly string[], options: ProgramOptions, output?: Socket): Running {
  const { env, signal, secrets = [], fail } = options
  signal?.throwIfAborted()
  const name = basename(command)
  const stdio: StdioOptions = ['pipe', output ?? 'pipe', 'pipe']
  const child = start(command, [...args], { env: { ...env }, stdio }) as Running['child']
  const stderr = collector(STDERR_LIMIT, 'tail')
  child.stderr.on('data', (data: Buffer) => stderr.add(data))
  child.stdin.on('error', () => undefined)
  let killer: AbortSignal | undefined
  const stop = () => {
    if (child.exitCode !== null || child.signalCode !== null || killer) return
    child.kill()
    killer = AbortSignal.timeout(GRACE_MS)
    killer.addEventListener('abort', () => child.kill('SIGKILL'), { once: true })
  }
  signal?.addEventListener('abort', stop, { once: true })
  const exited = new Promise<void>((resolve, reject) => {
    child.on('error', (cause) => reject(fail(`run ${name}: ${reasonOf(cause)}`, cause)))
    child.on('close', (code, killed) => {
      signal?.removeEventListener('abort', stop)
      if (signal?.aborted) return reject(signal.reason)
      const said = redact(stderr.text(), secrets)
      if (code === 0) {
        options.onSaid?.(said)
        return resolve()
      }
      const how = code === null ? `was killed by ${killed}` : `exited with ${code}`
      reject(fail(`run ${name}: ${how}${lastLines(said)}`))
    })
  })
  // Whoever awaits it gets the failure; until then it is no unhandled rejection.
  exited.catch(() => undefined)
  return { child, exited, stop }
}
