import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { formatTarHeader, parseTarHeader, TAR_BLOCK, TAR_END, tarPadding, type TarEntry } from './tar.ts'

const file = (change: Partial<TarEntry>): TarEntry => ({
  name: 'base/1/1259',
  type: 'file',
  size: 8192,
  mode: 0o600,
  uid: 26,
  gid: 26,
  mtime: 1_700_000_000,
  linkName: '',
  ...change,
})

const segment = fc
  .array(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 60 })
  .map((codes) => String.fromCharCode(...codes).replaceAll('/', '_'))
const entries: fc.Arbitrary<TarEntry> = fc.record({
  name: fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/')),
  type: fc.constantFrom('file', 'directory', 'symlink', 'hardlink'),
  size: fc.maxSafeNat(),
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: fc.nat(),
  gid: fc.maxSafeNat(),
  mtime: fc.maxSafeNat(),
  linkName: segment,
})

/** Whether ustar can hold this name at all: some slash has at most 155 bytes before and 1 to 100 behind it. */
const holds = (path: string) =>
  path.length <= 100 ||
  Array.from(path).some((c, i) => c === '/' && i <= 155 && path.length - i - 1 <= 100 && path.length - i - 1 >= 1)

suite('tar headers', () => {
  test('what is formatted is parsed back, and what does not fit is refused', () => {
    fc.assert(
      fc.property(entries, (entry) => {
        const path = entry.type === 'directory' ? `${entry.name}/` : entry.name
        if (!holds(path)) return assert.throws(() => formatTarHeader(entry), RangeError)
        const header = formatTarHeader(entry)
        assert.equal(header.length, TAR_BLOCK)
        assert.deepEqual(parseTarHeader(header), { ...entry, size: entry.type === 'file' ? entry.size : 0 })
      }),
      { numRuns: 500 },
    )
  })

  test('any changed byte is noticed or leaves the entry as it was', () => {
    const entry = file({ name: `${'d'.repeat(90)}/${'n'.repeat(80)}`, size: 9 * 2 ** 33 })
    const header = formatTarHeader(entry)
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 511 }), fc.integer({ min: 1, max: 255 }), (at, xor) => {
        const bad = Buffer.from(header)
        bad[at] = (bad[at] ?? 0) ^ xor
        let parsed
        try {
          parsed = parseTarHeader(bad)
        } catch (error) {
          return assert.ok(error instanceof RangeError)
        }
        assert.deepEqual(parsed, entry)
      }),
      { numRuns: 2000 },
    )
  })

  test('a block of zeros is no member', () => {
    assert.equal(parseTarHeader(TAR_END.subarray(0, TAR_BLOCK)), undefined)
  })

  test('a block that is all zeros but for one byte is refused', () => {
    const block = Buffer.alloc(TAR_BLOCK)
    block[150] = 1
    assert.throws(() => parseTarHeader(block), RangeError)
  })

  test('content is padded to whole blocks', () => {
    assert.deepEqual([0, 1, 511, 512, 513, 2 ** 40 + 1].map(tarPadding), [0, 511, 1, 0, 511, 511])
  })

  test('a name that is not one character per byte is refused', () => {
    assert.throws(() => formatTarHeader(file({ name: 'zażółć' })), RangeError)
    assert.throws(() => formatTarHeader(file({ name: 'a\0b' })), RangeError)
  })

  test('tar itself lists our members: long names, large sizes, links and directories', () => {
    const long = `${'d'.repeat(99)}/${'n'.repeat(98)}`
    const list = execFileSync('tar', ['--list', '--verbose', '--numeric-owner', '--utc', '--full-time', '--file=-'], {
      input: Buffer.concat([
        formatTarHeader(file({ name: long, type: 'directory', mode: 0o700, uid: 5_000_000 })),
        formatTarHeader(file({ name: 'link', type: 'symlink', linkName: 'to' })),
        formatTarHeader(file({ size: 3 })),
        Buffer.from('abc'),
        Buffer.alloc(tarPadding(3)),
        TAR_END,
      ]),
      encoding: 'utf8',
    }).split('\n')
    assert.match(list[0] ?? '', new RegExp(String.raw`^drwx------ 5000000/26 +0 2023-11-14 22:13:20 ${long}/$`))
    assert.match(list[1] ?? '', /^lrw------- .* link -> to$/)
    assert.match(list[2] ?? '', /^-rw------- 26\/26 +3 2023-11-14 22:13:20 base\/1\/1259$/)
  })

  test('a size of 8 GiB and more is read as tar reads it', () => {
    const { stdout } = spawnSync('tar', ['--list', '--verbose', '--file=-'], {
      input: Buffer.concat([formatTarHeader(file({ name: 'big', size: 2 ** 40 + 7 })), TAR_END]),
      encoding: 'utf8',
    })
    assert.match(stdout, / 1099511627783 .* big$/m)
  })

  test('headers that tar writes are read', () => {
    const bytes = execFileSync(
      'tar',
      ['--create', '--format=ustar', '--file=-', '--directory=/', 'dev/null', 'bin/sh'],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    )
    assert.throws(() => parseTarHeader(bytes.subarray(0, TAR_BLOCK)), /type "3"/)
    const second = parseTarHeader(bytes.subarray(TAR_BLOCK, 2 * TAR_BLOCK))
    assert.equal(second?.name, 'bin/sh')
    assert.equal(second.type, 'symlink')
  })
})
