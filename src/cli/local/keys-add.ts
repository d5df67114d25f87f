import { newAccessKey } from '../../core/access-key.ts'
import { isoSeconds } from '../../lib/time.ts'
import type { ConfigOptions } from '../options.ts'
import type { Parts } from '../parts.ts'
import { localChange } from './local-change.ts'
import { configOf, withCatalog } from './open.ts'

/** Makes an access key in the catalog of this machine, and gives it in the form of CreateAccessKey's reply. */
export async function keysAddLocal(options: ConfigOptions & { readonly description: string }, parts: Parts) {
  const { id, secret } = newAccessKey()
  const createdAt = parts.clock.now()
  const local = localChange('keys add --local', { AccessKeyId: id, Description: options.description }, parts.clock)
  await withCatalog(configOf(options, parts), parts, (catalog) =>
    catalog.addKey({ id, description: options.description, createdAt }, secret, local),
  )
  return {
    AccessKeyId: id,
    AccessKeySecret: secret,
    Description: options.description,
    CreateTime: isoSeconds(createdAt),
  }
}
