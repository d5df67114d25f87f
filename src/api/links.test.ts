import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { FakeClock } from '../lib/clock.ts'
import { createSealer, type Sealer } from '../lib/seal.ts'
import { createLinks } from './links.ts'

const keyOf = (text: string) => createHash('sha256').update(text).digest()
const sealerOf = (seed: string, earlier?: { seed: string; changedAt: number }): Sealer => {
  const secrets: [Buffer, ...Buffer[]] = [keyOf(seed), ...(earlier ? [keyOf(earlier.seed)] : [])]
  return createSealer(secrets, (message) => new Error(message), earlier?.changedAt)
}

const SETTINGS = { publicUrl: 'https://backup.example:8443', lifetimeSeconds: 3600 }
const SET = { id: '321020562', fileName: 'pgm-a_321020562_20260102030405.tar.zst' }

function fixture(settings: Partial<typeof SETTINGS & { intranetUrl: string }> = {}) {
  const clock = new FakeClock('2026-01-02T03:04:05.600Z')
  const links = createLinks(sealerOf('a'), clock, { ...SETTINGS, ...settings })
  const target = () => links.make(SET, 'public').url.slice(SETTINGS.publicUrl.length)
  return { clock, links, target }
}

test('a link names the set, then a file name, then when it ends, its key and its signature', () => {
  const { url } = fixture().links.make(SET, 'public')
  const form = new RegExp(
    String.raw`^https://backup\.example:8443/link/${SET.id}/${SET.fileName}\?Expires=\d{10}&KeyId=[\w-]{8}&Signature=[\w-]{43}$`,
  )
  assert.match(url, form)
})

test('a link lives its lifetime and at most five minutes more, and says when it ends', () => {
  const { clock, links } = fixture()
  const { url, expiresAt } = links.make(SET, 'public')
  assert.equal(Number(new URL(url).searchParams.get('Expires')) * 1000, expiresAt)
  const life = expiresAt - clock.now()
  assert.ok(life >= 3_600_000 - 1000 && life <= 3_900_000, `${life} ms`)
})

test('the links of an unchanged set stay the same for minutes, and then change', () => {
  const { clock, links } = fixture()
  const first = links.make(SET, 'public').url
  clock.advance(50_000)
  assert.equal(links.make(SET, 'public').url, first)
  clock.advance(300_000)
  assert.notEqual(links.make(SET, 'public').url, first)
})

test('a short lifetime is not stretched by the step', () => {
  const { clock, links } = fixture({ lifetimeSeconds: 60 })
  assert.ok(links.make(SET, 'public').expiresAt - clock.now() <= 65_000)
})

test('the intranet base is used where there is one, and the public one repeated where there is none', () => {
  const with_ = fixture({ intranetUrl: 'http://10.0.0.5:8080' }).links
  assert.ok(with_.make(SET, 'intranet').url.startsWith('http://10.0.0.5:8080/link/'))
  const without = fixture().links
  assert.equal(without.make(SET, 'intranet').url, without.make(SET, 'public').url)
})

test('a link that was made is good until it ends, to the second', () => {
  const { clock, links, target } = fixture()
  const link = target()
  const { expiresAt } = links.make(SET, 'public')
  assert.deepEqual(links.check(link), { kind: 'good', setId: SET.id, fileName: SET.fileName, round: 0, expiresAt })
  clock.advance(expiresAt - clock.now() - 1)
  assert.equal(links.check(link).kind, 'good')
  clock.advance(1)
  assert.deepEqual(links.check(link), { kind: 'expired', expiresAt })
})

test('every process with the same key file makes and accepts the same links', () => {
  const clock = new FakeClock('2026-01-02T03:04:05Z')
  const [one, other] = [createLinks(sealerOf('a'), clock, SETTINGS), createLinks(sealerOf('a'), clock, SETTINGS)]
  const { url } = one.make(SET, 'public')
  assert.equal(other.make(SET, 'public').url, url)
  assert.equal(other.check(url.slice(SETTINGS.publicUrl.length)).kind, 'good')
  const stranger = createLinks(sealerOf('b'), clock, SETTINGS)
  assert.equal(stranger.check(url.slice(SETTINGS.publicUrl.length)).kind, 'forged')
})

test('no change of a single character of a link is good', () => {
  const { links, target } = fixture()
  const link = target()
  const alphabet = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_./%&=?~'
  fc.assert(
    fc.property(fc.nat(link.length - 1), fc.constantFrom(...Array.from(alphabet)), (at, character) => {
      fc.pre(link[at] !== character)
      assert.notEqual(links.check(link.slice(0, at) + character + link.slice(at + 1)).kind, 'good')
    }),
    { numRuns: 2000 },
  )
})

test('no truncated or lengthened link is good', () => {
  const { links, target } = fixture()
  const link = target()
  for (let length = 0; length < link.length; length++) assert.notEqual(links.check(link.slice(0, length)).kind, 'good')
  for (const more of ['a', '&a=b', '#', ' ', '=', '&Expires=1', '%00']) {
    assert.notEqual(links.check(link + more).kind, 'good', more)
  }
})

test('a missing, repeated or foreign parameter makes a link malformed', () => {
  const { links, target } = fixture()
  const [path, query = ''] = target().split('?')
  const parts = query.split('&')
  for (const kept of parts) assert.equal(links.check(`${path}?${kept}`).kind, 'malformed')
  assert.equal(links.check(`${path}?${query}&${parts[0]}`).kind, 'malformed')
  assert.equal(links.check(`${path}?${query}&dbList=a`).kind, 'malformed')
  assert.equal(links.check(`${path}?${query.replace(/Expires=\d+/, 'Expires=soon')}`).kind, 'malformed')
  assert.equal(links.check(`${path}`).kind, 'malformed')
})

test('path tricks are malformed', () => {
  const { links, target } = fixture()
  const query = target().slice(target().indexOf('?'))
  for (const path of [
    '/link/../etc/passwd',
    '/link/321020562/../../key',
    '/link/321020562/%2e%2e%2fkey',
    '/link/321020562/a/b',
    '/link//a',
    '/link/-1/a',
    '/link/1e3/a',
    '//link/1/a',
    '/link/321020562/a\\b',
  ]) {
    assert.equal(links.check(path + query).kind, 'malformed', path)
  }
})

test('an expired link says so before anybody looks at its signature', () => {
  const { links, target } = fixture()
  const link = target().replace(/Expires=\d+/, 'Expires=1356428872')
  assert.deepEqual(links.check(link), { kind: 'expired', expiresAt: 1_356_428_872_000 })
})

test('after a new first line in the key file new links have its key, and old ones stay good to their end', () => {
  const { clock, links, target } = fixture()
  const old = target()
  const { expiresAt } = links.make(SET, 'public')
  const rotated = createLinks(sealerOf('b', { seed: 'a', changedAt: clock.now() }), clock, SETTINGS)
  const fresh = rotated.make(SET, 'public').url.slice(SETTINGS.publicUrl.length)
  assert.notEqual(fresh, old)
  assert.equal(rotated.check(fresh).kind, 'good')
  assert.equal(links.check(fresh).kind, 'forged')
  clock.advance(expiresAt - clock.now() - 1)
  assert.equal(rotated.check(old).kind, 'good')
})

test('an old key signs nothing past one lifetime after the change, also in a process that starts later', () => {
  const { clock } = fixture()
  const changedAt = clock.now()
  const rotated = createLinks(sealerOf('b', { seed: 'a', changedAt }), clock, SETTINGS)
  // Whoever stole the old key makes links that end far in the future.
  const thief = createLinks(sealerOf('a'), clock, { ...SETTINGS, lifetimeSeconds: 1_000_000 })
  const stolen = thief.make(SET, 'public').url.slice(SETTINGS.publicUrl.length)
  assert.equal(rotated.check(stolen).kind, 'good')
  clock.advance(3_901_000)
  assert.equal(rotated.check(stolen).kind, 'forged')
  const later = createLinks(sealerOf('b', { seed: 'a', changedAt }), clock, SETTINGS)
  assert.equal(later.check(stolen).kind, 'forged')
})

test('a link of a set whose links were revoked says which round it is of, and that is signed', () => {
  const { links } = fixture()
  const { url } = links.make({ ...SET, round: 2 }, 'public')
  const target = url.slice(SETTINGS.publicUrl.length)
  assert.match(target, /&KeyId=[\w-]{8}&Round=2&Signature=/)
  const found = links.check(target)
  assert.ok(found.kind === 'good' && found.round === 2)
  assert.equal(links.check(target.replace('Round=2', 'Round=3')).kind, 'forged')
  assert.equal(links.check(target.replace('&Round=2', '')).kind, 'forged')
  for (const wrong of ['0', '02', '-1', '', 'x']) {
    assert.notEqual(links.check(target.replace('Round=2', `Round=${wrong}`)).kind, 'good', wrong)
  }
  const first = links.make(SET, 'public').url.slice(SETTINGS.publicUrl.length)
  assert.equal(links.check(`${first}&Round=2`).kind, 'forged')
})

test('a link to one part names it, and is good for that part alone', () => {
  const { links } = fixture()
  const one = { ...SET, part: 'db-1-a.dump.zst' }
  const target = links.make(one, 'public').url.slice(SETTINGS.publicUrl.length)
  const found = links.check(target)
  assert.ok(found.kind === 'good' && found.part === one.part)
  assert.equal(links.check(target.replace('db-1-a', 'db-2-b')).kind, 'forged')
  assert.equal(links.check(target.replace(/&Part=[^&]*/, '')).kind, 'forged')
  const whole = links.make(SET, 'public').url.slice(SETTINGS.publicUrl.length)
  assert.equal(links.check(`${whole}&Part=db-1-a.dump.zst`).kind, 'forged')
  for (const part of ['', '..%2Fmanifest.json', 'a%0Ab', 'x'.repeat(200)]) {
    assert.equal(links.check(target.replace(/Part=[^&]*/, `Part=${part}`)).kind, 'malformed')
  }
})

test('a link to a part of a set whose links were revoked names its round, too', () => {
  const { links } = fixture()
  const url = links.make({ ...SET, round: 2, part: 'db-1-a.dump.zst' }, 'public').url
  const found = links.check(url.slice(SETTINGS.publicUrl.length))
  assert.ok(found.kind === 'good' && found.part === 'db-1-a.dump.zst' && found.round === 2)
})
