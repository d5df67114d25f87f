import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompress } from 'node:zlib'
import { z } from 'zod'
import { Fault } from '../core/fault.ts'
import { CATALOG_VERSION, type Catalog, type CatalogDump, type LocalChange } from './catalog.ts'

/**
 * An export is one file: a header of 64 bytes, then the catalog's dump as JSON, compressed with zstd and encrypted with
 * AES-256-GCM under a key that scrypt makes of the passphrase, then GCM's tag of 16 bytes. The header is authenticated too:
 *
 * - 0..23: `holdfast catalog export\n`
 * - 24: version of this format, 1
 * - 25: log2 of scrypt's N; 26: its r; 27: its p
 * - 28..43: salt; 44..55: nonce; 56..63: zero
 */
const MAGIC = Buffer.from('holdfast catalog export\n')
const EXPORT_VERSION = 1
const HEADER_BYTES = 64
const TAG_BYTES = 16
const CIPHER = 'aes-256-gcm'
/** What scrypt is asked for: 128 MiB of memory and about a third of a second. */
const COST = { logN: 17, r: 8, p: 1 }
/** What a file may ask of us before its passphrase is known to be right. */
const DEAREST = { logN: 20, r: 16, p: 4 }

/** Everything in the catalog, secrets too, as one encrypted file. */
export async function exportCatalog(catalog: Catalog, passphrase: string): Promise<Buffer> {
  const plain = Buffer.from(JSON.stringify(await catalog.dump()))
  const packed = await promisify(zstdCompress)(plain, { params: { [constants.ZSTD_c_compressionLevel]: 9 } })
  const header = makeHeader(randomBytes(16), randomBytes(12))
  const { salt, nonce, cost } = partsOf(header)
  const cipher = createCipheriv(CIPHER, await keyOf(passphrase, salt, cost), nonce).setAAD(header)
  return Buffer.concat([header, cipher.update(packed), cipher.final(), cipher.getAuthTag()])
}

/**
 * Fills an empty catalog from such a file. Fault 'invalid' when it is no export, was altered, or the passphrase is another one;
 * 'too_new' when a newer program wrote it; 'conflict' unless the catalog is empty.
 */
export async function importCatalog(
  catalog: Catalog,
  file: Uint8Array,
  passphrase: string,
  local?: LocalChange,
): Promise<void> {
  const plain = await openExport(Buffer.from(file.buffer, file.byteOffset, file.byteLength), passphrase)
  await catalog.load(parseDump(plain.toString()), local)
}

function makeHeader(salt: Buffer, nonce: Buffer): Buffer {
  const { logN, r, p } = COST
  return Buffer.concat([MAGIC, Buffer.from([EXPORT_VERSION, logN, r, p]), salt, nonce, Buffer.alloc(8)])
}

interface HeaderParts {
  readonly cost: typeof COST
  readonly salt: Buffer
  readonly nonce: Buffer
}

/** What a header says. Fault unless we can read such files. */
function partsOf(header: Buffer): HeaderParts {
  if (header.length < HEADER_BYTES || !header.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new Fault('invalid', 'open a catalog export: the file is none', {
      hint: 'Give a file of holdfast catalog export.',
    })
  }
  const [version = 0, logN = 0, r = 0, p = 0] = header.subarray(24, 28)
  if (version > EXPORT_VERSION) {
    throw new Fault(
      'too_new',
      `open a catalog export: it has version ${version}, this program knows up to ${EXPORT_VERSION}`,
      {
        hint: 'Update Holdfast: the export was made by a newer version.',
      },
    )
  }
  if (logN < 1 || logN > DEAREST.logN || r < 1 || r > DEAREST.r || p < 1 || p > DEAREST.p) throw altered()
  return { cost: { logN, r, p }, salt: header.subarray(28, 44), nonce: header.subarray(44, 56) }
}

const altered = (cause?: unknown) =>
  new Fault('invalid', 'open a catalog export: the passphrase is wrong or the file was altered', {
    cause,
    hint: 'Check the passphrase; if it is right, take another copy of the file.',
  })

async function openExport(file: Buffer, passphrase: string): Promise<Buffer> {
  const header = file.subarray(0, HEADER_BYTES)
  const { salt, nonce, cost } = partsOf(header)
  const key = await keyOf(passphrase, salt, cost)
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(header)
  try {
    decipher.setAuthTag(file.subarray(-TAG_BYTES))
    const packed = Buffer.concat([decipher.update(file.subarray(HEADER_BYTES, -TAG_BYTES)), decipher.final()])
    return await promisify(zstdDecompress)(packed)
  } catch (cause) {
    throw altered(cause)
  }
}

function keyOf(passphrase: string, salt: Buffer, { logN, r, p }: typeof COST): Promise<Buffer> {
  const N = 2 ** logN
  return new Promise((resolve, reject) => {
    // The same letters in another composition are the same passphrase.
    scrypt(passphrase.normalize('NFC'), salt, 32, { N, r, p, maxmem: 256 * N * r }, (error, key) =>
      error ? reject(error) : resolve(key),
    )
  })
}

/** Enough to know a dump by: its bytes are ours, since they were authenticated. */
const dumpSchema = z.looseObject({
  version: z.int().positive(),
  lastId: z.int().nonnegative(),
  instances: z.array(z.looseObject({ id: z.string(), nodes: z.array(z.looseObject({ id: z.string() })) })),
  nodes: z.array(z.looseObject({ id: z.string() })),
  sets: z.array(z.looseObject({ id: z.string(), instanceId: z.string() })),
  tasks: z.array(z.looseObject({ id: z.string(), kind: z.string() })),
  keys: z.array(z.looseObject({ id: z.string(), secret: z.string() })),
})

/** The catalog that the text of an opened export holds. Fault 'invalid' when it holds none. */
export function parseDump(text: string): CatalogDump {
  const value: unknown = JSON.parse(text)
  const parsed = dumpSchema.safeParse(value)
  if (parsed.success) return parsed.data as unknown as CatalogDump
  throw new Fault('invalid', `read a catalog export of version ${CATALOG_VERSION}: it holds no catalog`, {
    cause: parsed.error,
  })
}
