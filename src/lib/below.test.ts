import assert from 'node:assert/strict'
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { realPathBelow } from './below.ts'

let base = ''
before(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'below-')))
  await mkdir(join(base, 'root/inner'), { recursive: true })
  await mkdir(join(base, 'rootless'))
  await writeFile(join(base, 'root/file'), '')
  await symlink(join(base, 'rootless'), join(base, 'root/out'))
  await symlink(join(base, 'root/inner'), join(base, 'into'))
  await symlink(join(base, 'nowhere'), join(base, 'root/dangling'))
  await symlink(join(base, 'root/loop'), join(base, 'root/loop'))
})
after(() => rm(base, { recursive: true }))

const at = (path: string) => `${base}/${path}`
const below = (path: string) => realPathBelow(path, [at('missing root'), at('root')])

test('a path below a root is given, whether it exists or not', async () => {
  assert.equal(await below(at('root/inner')), at('root/inner'))
  assert.equal(await below(at('root/inner/a/b')), at('root/inner/a/b'))
  assert.equal(await below(at('root/inner/')), at('root/inner'))
})

test('the root itself, its siblings and its parents are not below it', async () => {
  for (const path of ['root', 'root/', 'root/.', 'rootless', 'rootless/a', '', '..', 'root/../rootless/a']) {
    assert.equal(await below(at(path)), undefined, path)
  }
  assert.equal(await below('/'), undefined)
})

test('a path that is not absolute is refused', async () => {
  for (const path of ['', 'root/inner', './root', '~']) assert.equal(await below(path), undefined, path)
})

test('a link that leads out of the root is refused, and one that leads in is followed', async () => {
  assert.equal(await below(at('root/out/a')), undefined)
  assert.equal(await below(at('into/a')), at('root/inner/a'))
})

test('a link that leads nowhere, a circle of links and a file on the way are refused', async () => {
  for (const path of ['root/dangling', 'root/dangling/a', 'root/loop', 'root/loop/a', 'root/file/a']) {
    assert.equal(await below(at(path)), undefined, path)
  }
})

test('a root that is a link stands for where it leads', async () => {
  assert.equal(await realPathBelow(at('root/inner/a'), [at('into')]), at('root/inner/a'))
})

test('without roots nothing is below one', async () =>
  assert.equal(await realPathBelow(at('root/inner'), []), undefined))
