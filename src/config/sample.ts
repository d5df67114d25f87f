import { stringify } from 'yaml'
import { CONFIG_KEYS, type ConfigKey } from './keys.ts'

/** A configuration file with every setting commented out at its default, each with its meaning and its environment variable. */
export function sampleConfig(): string {
  const lines = ['# Holdfast configuration. Every line shows the default; durations are seconds, sizes bytes.']
  let sections: readonly string[] = []
  for (const key of CONFIG_KEYS) {
    const names = key.path.split('.')
    const own = names.slice(0, -1)
    for (const [depth, name] of own.entries()) {
      if (sections[depth] === name) continue
      lines.push('', `${'  '.repeat(depth)}${depth === 0 ? '' : '# '}${name}:`)
      sections = []
    }
    sections = own
    lines.push(...describe(key, '  '.repeat(own.length), names.at(-1) ?? ''))
  }
  return `${lines.join('\n')}\n`
}

function describe(key: ConfigKey, indent: string, name: string): string[] {
  const choices = key.choices ? ` One of ${key.choices.join(', ')}.` : ''
  const value = key.default === undefined ? '' : ` ${stringify(key.default).trim()}`
  return [`${indent}# ${key.about}${choices} ${key.env}`, `${indent}# ${name}:${value}`]
}
