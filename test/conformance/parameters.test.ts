import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Parameter } from '../../src/api/action.ts'
import { ACTIONS } from '../../src/api/actions.ts'

/** Every documented parameter of the actions that clients of RDS backups call: its type, with `!` when it must be there. */
const documented = JSON.parse(await readFile(join(import.meta.dirname, 'parameters.json'), 'utf8')) as Record<
  string,
  Record<string, string>
>
const reference = await readFile(join(import.meta.dirname, '../../docs/reference/api.md'), 'utf8')

/** The part of the reference that is about one action. */
function sectionOf(action: string): string {
  const [, section = ''] = reference.split(new RegExp(`^##+ ${action}$`, 'm'))
  return section.split(/^##+ /m)[0] ?? ''
}

/** Needed only for one of the two values of RestoreType. */
const CONDITIONAL = new Set(['DescribeMetaList.BackupSetID'])

for (const [name, parameters] of Object.entries(documented)) {
  test(`${name}: every documented parameter is honoured, ignored or refused, and the reference says which`, () => {
    const action = ACTIONS.find((one) => one.name === name)
    assert.ok(action, `there is no action ${name}`)
    assert.equal(action.extension, false)
    const section = sectionOf(name)
    for (const [parameter, kind] of Object.entries(parameters)) {
      const known: Parameter | undefined = action.parameters[parameter]
      assert.ok(known ?? action.neglected?.[parameter], `${parameter} is neither honoured nor said to be neglected`)
      assert.ok(section.includes(`\`${parameter}\``), `the reference does not tell of ${parameter}`)
      if (kind.endsWith('!') && !CONDITIONAL.has(`${name}.${parameter}`)) {
        assert.equal(known?.required, true, `${parameter} must be there`)
      }
    }
  })

  test(`${name}: nothing that RDS does not have passes for its own`, () => {
    const action = ACTIONS.find((one) => one.name === name)
    for (const [parameter, { about }] of Object.entries(action?.parameters ?? {})) {
      // Idempotence is one for the whole of RDS.
      if (!(parameter in parameters) && parameter !== 'ClientToken')
        assert.match(about, /^Extension: /, `${name} ${parameter}`)
    }
  })
}
