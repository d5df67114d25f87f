import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { cpus } from 'node:os'

/** What one run of something cost. */
export interface Cost {
  readonly seconds: number
  /** Processor seconds that the whole machine spent meanwhile: the database server's work is in it, for us and for peers alike. */
  readonly cpuSeconds: number
  /** Highest sum of resident memory of the watched processes, in bytes; 0 where none was watched. */
  readonly peakBytes: number
}

/** Runs `work` and gives its cost. `roots` are processes whose trees are watched for memory, read anew at each look. */
export async function cost(work: () => Promise<unknown>, roots: () => readonly number[] = () => []): Promise<Cost> {
  let peakBytes = 0
  const look = () => {
    peakBytes = Math.max(peakBytes, treeBytes(roots()))
  }
  const timer = setInterval(look, 50)
  const cpu = busySeconds()
  const start = performance.now()
  try {
    await work()
  } finally {
    clearInterval(timer)
  }
  return { seconds: (performance.now() - start) / 1000, cpuSeconds: busySeconds() - cpu, peakBytes }
}

/** Runs a shell command line to its end; rejects with the end of its stderr unless it exits with 0. */
export async function shell(
  line: string,
  options: { uid?: number; gid?: number; env?: NodeJS.ProcessEnv } = {},
): Promise<Cost> {
  let child: ChildProcess | undefined
  const run = () =>
    new Promise<void>((resolve, reject) => {
      child = spawn('bash', ['-o', 'pipefail', '-c', line], {
        cwd: '/',
        stdio: ['ignore', 'ignore', 'pipe'],
        ...options,
      })
      let stderr = ''
      child.stderr?.on('data', (chunk: Buffer) => {
        stderr = (stderr + chunk.toString()).slice(-4000)
      })
      child.once('error', reject)
      child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`${line}\nexit ${code}: ${stderr}`))))
    })
  return cost(run, () => (child?.pid ? [child.pid] : []))
}

/** The most bytes that lie below a directory while something runs the first time; later times are left alone, since looking costs time. */
export function mostBytes(directory: string) {
  let most: number | undefined
  return {
    bytes: async (): Promise<number> => most ?? 0,
    async during<T>(work: () => Promise<T>): Promise<T> {
      if (most !== undefined) return work()
      most = 0
      const look = () =>
        execFile(
          'du',
          ['-s', '-B1', directory],
          (_, stdout) => (most = Math.max(most ?? 0, Number.parseInt(stdout, 10) || 0)),
        )
      const timer = setInterval(look, 100)
      try {
        return await work()
      } finally {
        clearInterval(timer)
      }
    },
  }
}

/** Seconds that all processors together were not idle since boot. */
function busySeconds(): number {
  const total = { busy: 0 }
  for (const { times } of cpus()) total.busy += times.user + times.nice + times.sys + times.irq
  return total.busy / 1000
}

/** Resident bytes of these processes and all below them. */
function treeBytes(roots: readonly number[]): number {
  if (roots.length === 0) return 0
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const parent = statusField(name, 'PPid')
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  const tree = [...roots]
  for (const pid of tree) tree.push(...(children.get(pid) ?? []))
  return tree.reduce((sum, pid) => sum + (statusField(String(pid), 'VmRSS') ?? 0) * 1024, 0)
}

/** A number of /proc/PID/status; undefined when the process is gone or has none. */
function statusField(pid: string, field: string): number | undefined {
  try {
    const line = readFileSync(`/proc/${pid}/status`, 'utf8').match(new RegExp(`^${field}:\\s+(\\d+)`, 'm'))
    return line?.[1] === undefined ? undefined : Number(line[1])
  } catch {
    return undefined
  }
}

/** Middle of the values; the mean of the two middle ones when their number is even. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}

/** `4.21 (4.05–4.90)`: median and spread. */
export function spread(values: readonly number[], digits = 2): string {
  return `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)})`
}
