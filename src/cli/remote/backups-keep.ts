import { z } from 'zod'
import type { Parts } from '../parts.ts'
import type { KeepOptions, SetOptions } from './backups-options.ts'
import { findSet } from './find-set.ts'
import { clientOf, printJson } from './session.ts'

/** Pins a set, or unpins it. */
export async function pinSet(setId: string, pinned: boolean, options: SetOptions, parts: Parts): Promise<void> {
  const client = clientOf(options, parts)
  const { DBInstanceId, BackupId } = await findSet(client, setId, options.instance)
  await client.call('PinBackupSet', { DBInstanceId, BackupId, Pinned: String(pinned) }, z.object({}))
  if (options.json) return printJson({ BackupId, Pinned: pinned }, parts)
  parts.io.out.write(`set ${BackupId} is ${pinned ? 'pinned: nothing removes it' : 'no longer pinned'}\n`)
}

/** Gives a set an end of its own. */
export async function keepSet(setId: string, options: KeepOptions, parts: Parts): Promise<void> {
  const client = clientOf(options, parts)
  const { DBInstanceId, BackupId } = await findSet(client, setId, options.instance)
  const words: Readonly<Record<string, string>> = { never: 'Never', policy: 'Policy' }
  const ExpectExpireTime = words[options.until] ?? options.until
  await client.call('ModifyBackupSetExpireTime', { DBInstanceId, BackupId, ExpectExpireTime }, z.object({}))
  if (options.json) return printJson({ BackupId, ExpectExpireTime }, parts)
  parts.io.out.write(`set ${BackupId} stays ${untilText(options.until)}\n`)
}

function untilText(until: string): string {
  if (until === 'never') return 'for ever'
  return until === 'policy' ? 'as its policy says' : `until ${until}`
}
