import { execFile } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Client } from './client.ts'
import { programClient } from './program.ts'

const run = promisify(execFile)
const HERE = import.meta.dirname

/** A client that could not be set up, and what its registry or tool said. */
export interface Unavailable {
  readonly language: Client['language']
  readonly name: string
  readonly reason: string
}

export interface SetUp {
  readonly clients: readonly Client[]
  readonly unavailable: readonly Unavailable[]
}

/** A language whose tools could not be had is no failure of the others. */
async function trying(
  language: Client['language'],
  names: readonly string[],
  make: () => Promise<readonly Client[]>,
): Promise<SetUp> {
  try {
    return { clients: await make(), unavailable: [] }
  } catch (error) {
    const { stderr, stdout, message } = error as { stderr?: string; stdout?: string; message: string }
    const lines = (stderr?.trim() || stdout?.trim() || message).split('\n')
    const reason = lines.slice(-3).join(' ').replaceAll(/\s+/g, ' ').slice(0, 400)
    return { clients: [], unavailable: names.map((name) => ({ language, name, reason })) }
  }
}

/** SDKs of both generations from PyPI, in an environment of their own. */
const python = (work: string, host: string) =>
  trying('Python', ['alibabacloud_rds20140815', 'aliyun-python-sdk-rds'], async () => {
    const venv = join(work, 'python')
    await run('python3', ['-m', 'venv', venv])
    await run(join(venv, 'bin/pip'), ['install', '--quiet', '-r', join(HERE, 'python/requirements.txt')])
    const { stdout } = await run(join(venv, 'bin/pip'), ['list', '--format', 'freeze'])
    const version = (name: string) => new RegExp(`^${name}==(.*)$`, 'm').exec(stdout)?.[1] ?? ''
    const start = (about: Pick<Client, 'name' | 'version' | 'formats'>, file: string) =>
      programClient({ language: 'Python', ...about }, join(venv, 'bin/python'), [
        join(HERE, 'python', file),
        host,
        'http',
      ])
    return [
      start(
        { name: 'alibabacloud_rds20140815', version: version('alibabacloud-rds20140815'), formats: ['JSON'] },
        'rds20140815.py',
      ),
      start(
        { name: 'aliyun-python-sdk-rds', version: version('aliyun-python-sdk-rds'), formats: ['JSON', 'XML'] },
        'sdk_rds.py',
      ),
    ]
  })

/** SDKs of both generations from Maven Central, compiled by javac. */
const java = (work: string, host: string) =>
  trying('Java', ['com.aliyun:rds20140815', 'com.aliyun:aliyun-java-sdk-rds'], async () => {
    const jars = join(work, 'jars')
    const classes = join(work, 'classes')
    await run('mvn', [
      '-q',
      '-B',
      '-f',
      join(HERE, 'java/pom.xml'),
      'dependency:copy-dependencies',
      `-DoutputDirectory=${jars}`,
    ])
    const sources = ['Lines.java', 'Rds20140815.java', 'SdkRds.java'].map((file) => join(HERE, 'java', file))
    await run('javac', ['-d', classes, '-cp', `${jars}/*`, ...sources])
    const start = (about: Omit<Client, 'language' | 'call' | 'close'>, main: string) =>
      programClient({ language: 'Java', ...about }, 'java', ['-cp', `${classes}:${jars}/*`, main, host, 'http'])
    return [
      start({ name: 'com.aliyun:rds20140815', version: '1.8.4', formats: ['JSON'] }, 'Rds20140815'),
      start(
        { name: 'com.aliyun:aliyun-java-sdk-rds', version: '2.7.53', formats: ['JSON', 'XML'], hides: ['status'] },
        'SdkRds',
      ),
    ]
  })

/** The earlier SDK and the client that the newer ones are generated on, through the Go module proxy. */
const go = (work: string, host: string) =>
  trying('Go', ['alibaba-cloud-sdk-go', 'darabonba-openapi/v2'], async () => {
    const cwd = join(HERE, 'go')
    const to = join(work, 'go')
    await mkdir(to, { recursive: true })
    await run('go', ['build', '-o', `${to}/`, './sdk', './openapi'], { cwd })
    return [
      programClient(
        {
          language: 'Go',
          name: 'alibaba-cloud-sdk-go',
          version: '1.63.107',
          formats: ['JSON', 'XML'],
          hides: ['codeInXml'],
        },
        join(to, 'sdk'),
        [host, 'http'],
      ),
      programClient(
        { language: 'Go', name: 'darabonba-openapi/v2', version: '2.1.13', formats: ['JSON'] },
        join(to, 'openapi'),
        [host, 'http'],
      ),
    ]
  })

/** The typed SDK that is generated on darabonba-openapi. A client that cannot be had is told of, never left out in silence. */
const typedGo = (work: string) =>
  trying('Go', ['alibabacloud-go/rds-20140815'], async () => {
    const cwd = join(work, 'typed')
    await mkdir(cwd, { recursive: true })
    await writeFile(join(cwd, 'go.mod'), 'module probe\n')
    await run('go', ['list', '-m', 'github.com/alibabacloud-go/rds-20140815/v15@latest'], { cwd })
    throw new Error('the module can be had here, and test/clients/go has no program for it yet')
  })

/** The clients of other languages, set up below `work` and pointed at `url`. */
export async function setUp(work: string, url: string): Promise<SetUp> {
  const { host } = new URL(url)
  await rm(work, { recursive: true, force: true })
  await mkdir(work, { recursive: true })
  const parts: SetUp[] = []
  // One after another: each of them keeps every core busy.
  for (const make of [python, java, go, typedGo]) parts.push(await make(work, host))
  return {
    clients: parts.flatMap(({ clients }) => clients),
    unavailable: parts.flatMap(({ unavailable }) => unavailable),
  }
}
