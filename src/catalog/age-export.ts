import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompress } from 'node:zlib'
import { Decrypter, Encrypter } from 'age-encryption'
import { Fault } from '../core/fault.ts'
import type { Catalog, LocalChange } from './catalog.ts'
import { parseDump } from './export.ts'

/** What every file of age begins with. */
const MAGIC = Buffer.from('age-encryption.org/v1\n')

/**
 * Everything in the catalog, secrets too, for the holders of the identities of `recipients` (`age1…`): the catalog's dump as
 * JSON, compressed with zstd, in the format of age. `age -d -i IDENTITY FILE | zstd -d` gives the JSON. What makes it can never
 * open it. Fault 'invalid' without a recipient, or for a text that is none.
 */
export async function exportForRecipients(
  catalog: Pick<Catalog, 'dump'>,
  recipients: readonly string[],
): Promise<Uint8Array> {
  if (recipients.length === 0) throw new Fault('invalid', 'encrypt a catalog export: no recipient was given')
  const encrypter = new Encrypter()
  for (const recipient of recipients) addRecipient(encrypter, recipient)
  const plain = Buffer.from(JSON.stringify(await catalog.dump()))
  return encrypter.encrypt(await promisify(zstdCompress)(plain, { params: { [constants.ZSTD_c_compressionLevel]: 9 } }))
}

function addRecipient(encrypter: Encrypter, recipient: string): void {
  try {
    encrypter.addRecipient(recipient)
  } catch (cause) {
    throw new Fault('invalid', `encrypt a catalog export: ${recipient.slice(0, 100)} is no recipient`, {
      cause,
      hint: 'A recipient is the public key that age-keygen prints: age1….',
    })
  }
}

/** Whether a file is encrypted to recipients, and wants an identity; others want a passphrase. */
export const isForRecipients = (file: Uint8Array): boolean => MAGIC.equals(file.subarray(0, MAGIC.length))

/**
 * Fills an empty catalog from such a file. `identities` is the text of a file of age-keygen: lines of `AGE-SECRET-KEY-1…`,
 * comments and empty lines. Fault 'invalid' when none of them opens the file, or it was altered; else as `importCatalog`.
 */
export async function importForRecipient(
  catalog: Pick<Catalog, 'load'>,
  file: Uint8Array,
  identities: string,
  local?: LocalChange,
): Promise<void> {
  const packed = await decrypt(file, identities)
  await catalog.load(parseDump((await promisify(zstdDecompress)(packed)).toString()), local)
}

async function decrypt(file: Uint8Array, identities: string): Promise<Uint8Array> {
  const lines = identities
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
  const decrypter = new Decrypter()
  try {
    for (const line of lines) decrypter.addIdentity(line)
  } catch {
    // Without the cause: it may quote the line.
    throw new Fault('invalid', 'read the identity file: it holds a line that is no identity', {
      hint: 'An identity is a line AGE-SECRET-KEY-1…, as age-keygen writes it.',
    })
  }
  try {
    return await decrypter.decrypt(file)
  } catch (cause) {
    throw new Fault('invalid', 'open a catalog export: no given identity opens it, or the file was altered', {
      cause,
      hint: 'Give the identity file of one of the recipients; if it is right, take another copy or an older export.',
    })
  }
}
