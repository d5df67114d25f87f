/** Code that the house must refuse. The first of `files` is the one that `rule` has to be found in. */
export interface Offender {
  readonly what: string
  readonly rule: string
  readonly files: Readonly<Record<string, string>>
}

const one = (what: string, rule: string, file: string, text: string): Offender => ({
  what,
  rule,
  files: { [file]: `${text}\n` },
})

const lines = (count: number, line: (n: number) => string): string =>
  Array.from({ length: count }, (_, n) => line(n)).join('\n')

const GLOBALS = 'eslint(no-restricted-globals)'
const IMPORTS = 'eslint(no-restricted-imports)'
const PROPERTIES = 'eslint(no-restricted-properties)'

/** One for each rule of .oxlintrc.json that is ours to hold; the layers have their own, in `crossings`. */
export const OFFENDERS: readonly Offender[] = [
  one('the environment outside config', 'node(no-process-env)', 'src/api/env.ts', 'export const a = process.env.HOME'),
  one(
    'the environment by import',
    IMPORTS,
    'src/api/env-import.ts',
    "import { env } from 'node:process'\nexport const a = env",
  ),
  one('Date outside the clock', GLOBALS, 'src/core/date.ts', 'export const a = () => Date.now()'),
  one('a new Date outside the clock', GLOBALS, 'src/core/new-date.ts', 'export const a = () => new Date()'),
  one('Date by globalThis', PROPERTIES, 'src/core/global-date.ts', 'export const a = () => globalThis.Date.now()'),
  one('performance outside the clock', GLOBALS, 'src/store/now.ts', 'export const a = () => performance.now()'),
  one(
    'setTimeout outside the clock',
    GLOBALS,
    'src/api/wait.ts',
    'export const a = (f: () => void) => setTimeout(f, 1)',
  ),
  one(
    'setInterval outside the clock',
    GLOBALS,
    'src/api/tick.ts',
    'export const a = (f: () => void) => setInterval(f, 1)',
  ),
  one('process.hrtime', PROPERTIES, 'src/api/hrtime.ts', 'export const a = () => process.hrtime()'),
  one('timers by import', IMPORTS, 'src/worker/timers.ts', "export { setTimeout } from 'node:timers/promises'"),
  one('a clock by import', IMPORTS, 'src/worker/perf.ts', "export { performance } from 'node:perf_hooks'"),
  one('a default export', 'import(no-default-export)', 'src/core/default.ts', 'const a = 1\nexport default a'),
  one('any', 'typescript(no-explicit-any)', 'src/core/any.ts', 'export const a = (b: any) => typeof b'),
  one('a ts-ignore', 'typescript(ban-ts-comment)', 'src/core/ignore.ts', '// @ts-ignore\nexport const a = 1'),
  one(
    'a comment that switches every rule off',
    'unicorn(no-abusive-eslint-disable)',
    'src/core/disable.ts',
    '/* eslint-disable */\nexport const a = 1',
  ),
  one('a file name that is not in kebab-case', 'unicorn(filename-case)', 'src/core/fileName.ts', 'export const a = 1'),
  one(
    'a promise that nobody waits for',
    'typescript(no-floating-promises)',
    'src/worker/floating.ts',
    'const f = async () => {}\nexport const a = () => {\n  f()\n}',
  ),
  one(
    'a promise where a plain value is meant',
    'typescript(no-misused-promises)',
    'src/worker/misused.ts',
    'const f = async () => true\nexport const a = () => (f() ? 1 : 2)',
  ),
  one(
    'a file of over 300 lines',
    'eslint(max-lines)',
    'src/core/long.ts',
    lines(301, (n) => `export const a${n} = ${n}`),
  ),
  one(
    'a function of over 60 lines',
    'eslint(max-lines-per-function)',
    'src/core/long-function.ts',
    `export function a(b: number[]) {\n${lines(61, (n) => `  b.push(${n})`)}\n}`,
  ),
  {
    what: 'a circle of imports',
    rule: 'import(no-cycle)',
    files: {
      'src/core/one.ts': "import { two } from './two.ts'\nexport const one = () => two\n",
      'src/core/two.ts': "import { one } from './one.ts'\nexport const two = () => one\n",
    },
  },
  one('an import of test code', IMPORTS, 'src/cli/test-code.ts', "export { a } from '../../test/lib/a.ts'"),
  one('an import of test code by main', IMPORTS, 'src/main.ts', "export { a } from '../quickstart/a.ts'"),
]

/** What may be imported by whom: design's arrows, written out. */
const MAY_KNOW: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  core: ['lib'],
  config: ['lib', 'core'],
  store: ['lib', 'core'],
  engine: ['lib', 'core'],
  catalog: ['lib', 'core'],
  set: ['lib', 'core', 'store'],
  worker: ['lib', 'core', 'config', 'store', 'engine', 'catalog', 'set'],
  scheduler: ['lib', 'core', 'config', 'store', 'engine', 'catalog', 'set'],
  api: ['lib', 'core', 'config', 'store', 'engine', 'catalog', 'set'],
  cli: ['lib', 'core', 'config', 'store', 'engine', 'catalog', 'set', 'worker', 'scheduler', 'api'],
}

export interface Crossing {
  readonly from: string
  readonly to: string
  readonly file: string
  readonly text: string
}

/** A file for each pair of layers that imports the second into the first, from a folder deeper down and as a type. */
export function crossings(): { forbidden: Crossing[]; allowed: Crossing[] } {
  const layers = Object.keys(MAY_KNOW)
  const all = layers.flatMap((from) =>
    layers
      .filter((to) => to !== from)
      .map((to) => ({
        from,
        to,
        file: `src/${from}/deep/knows-${to}.ts`,
        text: `import type { A } from '../../${to}/deep/knows-nobody.ts'\nexport type B = A\n`,
      })),
  )
  const may = ({ from, to }: Crossing) => MAY_KNOW[from]?.includes(to) === true
  const main = layers.map((from) => ({
    from,
    to: 'main.ts',
    file: `src/${from}/knows-main.ts`,
    text: "export { a } from '../main.ts'\n",
  }))
  return { forbidden: [...all.filter((crossing) => !may(crossing)), ...main], allowed: all.filter(may) }
}

/** What is allowed because of where it stands. */
export const PERMITTED: Readonly<Record<string, string>> = {
  'src/core/clean.ts': '/** A clean file. */\nexport const clean = (name: string): string => `${name}!`\n',
  'src/config/environment.ts': 'export const home = (): string | undefined => process.env.HOME\n',
  'src/lib/clock.ts':
    "export { setTimeout } from 'node:timers/promises'\nexport const now = (): number => Date.now()\n",
  'src/core/clean.test.ts':
    "import { test } from 'node:test'\nimport { now } from '../lib/clock.ts'\n\ntest('time goes on', () => {\n  now()\n})\n",
}

/** What the compiler refuses; lint need not. */
export const TYPE_OFFENDERS: Readonly<Record<string, string>> = {
  'src/core/enum.ts': 'export enum Colour {\n  Red,\n}\n',
  'src/core/extension.ts': "export { clean } from './clean'\n",
  'src/core/namespace.ts': 'export namespace A {\n  export const a = 1\n}\n',
  'src/core/parameter-property.ts': 'export class A {\n  constructor(readonly a: number) {}\n}\n',
  'src/core/type-import.ts':
    "import { StatOptions } from 'node:fs'\nexport const a = (b: StatOptions): unknown => b.bigint\n",
  'src/core/unchecked-index.ts': 'export const first = (a: string[]): string => a[0]\n',
  'src/core/undefined-property.ts': 'export const a: { b?: string } = { b: undefined }\n',
}
