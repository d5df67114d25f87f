import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { link, mkdir, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Moment } from './clock.ts'
import { syncDirectory } from './files.ts'

/** Keeps secrets under a key: seals and opens short texts, and derives further keys from it. */
export interface Sealer {
  /** `plain` encrypted and bound to `purpose`: it opens only with the same purpose. Never twice the same text. */
  seal(plain: string, purpose: string): string
  /** What was sealed. Throws the error of `fail` when the key or the purpose is another one, or the text was altered. */
  open(sealed: string, purpose: string): string
  /** A key of its own for each purpose, always the same under the same key; 32 bytes when `bytes` is absent. */
  derive(purpose: string, bytes?: number): Buffer
  /** What `derive` gave of 32 bytes under each key before the newest, newest first, and when that one took over. */
  earlier(purpose: string): { readonly keys: readonly Buffer[]; readonly until: Moment }
}

/** Makes the error of a key that cannot be used. */
export type Fail = (message: string, options: { hint: string; cause?: unknown }) => Error

interface Key {
  /** Tells keys of one file apart without telling anything of them. */
  readonly id: string
  readonly secret: Buffer
  readonly sealing: Buffer
}

const HEADER = 'holdfast-key-1:'
const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
const CIPHER = 'aes-256-gcm'
const SEALED = /^1\.([A-Za-z0-9_-]{8})\.([A-Za-z0-9_-]{38,})$/

/**
 * The sealer of the key file at `path`, which is made when there is none: 32 random bytes, mode 0600, durable, and the same
 * for all processes that start at once. Throws the error of `fail` when others than its owner may read or write it.
 *
 * Each line of the file is one key. The first seals and derives; every one opens: a new first line is a rotation.
 */
export async function openKeyFile(path: string, fail: Fail): Promise<Sealer> {
  const { text, changedAt } = (await readKeyFile(path, fail)) ?? (await makeKeyFile(path, fail))
  const [first = '', ...more] = text.split('\n').filter((line) => line !== '')
  return createSealer([secretOf(first, path, fail), ...more.map((line) => secretOf(line, path, fail))], fail, changedAt)
}

/** A sealer of keys already in memory: the first seals and derives, since `changedAt`, and every one opens. */
export function createSealer(secrets: readonly [Buffer, ...Buffer[]], fail: Fail, changedAt: Moment = 0): Sealer {
  const [newest, ...older] = secrets
  const keys: readonly [Key, ...Key[]] = [keyOf(newest), ...older.map(keyOf)]
  return {
    seal: (plain, purpose) => sealWith(keys[0], plain, purpose),
    open: (sealed, purpose) => {
      const [, id, box] = SEALED.exec(sealed) ?? []
      const key = keys.find((each) => each.id === id)
      if (!box) throw fail('open a secret: it is not in our form', { hint: 'It was altered: restore it from a copy.' })
      if (!key)
        throw fail(`open a secret: it was sealed with key ${id}`, {
          hint: 'Give back the key file it was sealed with.',
        })
      return openWith(key, Buffer.from(box, 'base64url'), purpose, fail)
    },
    derive: (purpose, bytes = KEY_BYTES) => derive(keys[0].secret, `derive ${purpose}`, bytes),
    earlier: (purpose) => ({
      keys: older.map((secret) => derive(secret, `derive ${purpose}`, KEY_BYTES)),
      until: changedAt,
    }),
  }
}

function keyOf(secret: Buffer): Key {
  const id = derive(secret, 'id', 6).toString('base64url')
  return { id, secret, sealing: derive(secret, 'seal', KEY_BYTES) }
}

const derive = (secret: Buffer, info: string, bytes: number): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, 'holdfast', info, bytes))

function sealWith(key: Key, plain: string, purpose: string): string {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv(CIPHER, key.sealing, nonce).setAAD(Buffer.from(purpose))
  const body = Buffer.concat([nonce, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return `1.${key.id}.${body.toString('base64url')}`
}

function openWith(key: Key, box: Buffer, purpose: string, fail: Fail): string {
  const decipher = createDecipheriv(CIPHER, key.sealing, box.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
  decipher.setAAD(Buffer.from(purpose)).setAuthTag(box.subarray(-TAG_BYTES))
  try {
    return decipher.update(box.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
  } catch (cause) {
    throw fail('open a secret: it was altered or moved', { cause, hint: 'Restore it from a copy.' })
  }
}

interface KeyFile {
  readonly text: string
  readonly changedAt: Moment
}

async function readKeyFile(path: string, fail: Fail): Promise<KeyFile | undefined> {
  try {
    await using file = await open(path, 'r')
    const info = await file.stat()
    const mode = info.mode & 0o777
    if ((mode & 0o077) === 0) return { text: await file.readFile('utf8'), changedAt: Math.floor(info.mtimeMs) }
    const shown = mode.toString(8).padStart(4, '0')
    throw fail(`open key file ${path}: mode ${shown} lets others at it`, { hint: `Run chmod 600 ${path}.` })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Written aside and linked into place, so that nobody sees half a key, and of two makers the first wins. */
async function makeKeyFile(path: string, fail: Fail): Promise<KeyFile> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const draft = `${path}.${process.pid}-${randomBytes(4).toString('hex')}.draft`
  try {
    await using file = await open(draft, 'wx', 0o600)
    await file.writeFile(`${HEADER}${randomBytes(KEY_BYTES).toString('base64url')}\n`)
    await file.sync()
    await link(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await rm(draft, { force: true })
  }
  await syncDirectory(dirname(path))
  const made = await readKeyFile(path, fail)
  if (made === undefined) throw fail(`open key file ${path}: it went away`, { hint: 'Keep other programs off it.' })
  return made
}

function secretOf(line: string, path: string, fail: Fail): Buffer {
  const secret = Buffer.from(line.slice(HEADER.length), 'base64url')
  if (line.startsWith(HEADER) && secret.length === KEY_BYTES) return secret
  throw fail(`open key file ${path}: it holds no key of ours`, {
    hint: 'Restore it from a copy, or name another keyFile.',
  })
}
