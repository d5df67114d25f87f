import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../core/fault.ts'
import type { Bytes, Options } from '../../lib/streams.ts'
import { checkAgainstManifest, segmentsOf } from './backup-manifest.ts'
import type { FileList } from './file-list.ts'

/**
 * Holds written files against the server's own backup_manifest below `data`, and looks for the WAL it needs, unless the size of its
 * segments is left out. Fault
 * 'store_corrupt' naming the first file that is not as listed, or the manifest when that is damaged.
 */
export async function checkFiles(
  list: FileList,
  data: string,
  { walSegmentSize, signal }: { readonly walSegmentSize: number | undefined } & Options,
): Promise<void> {
  const ranges = await checkAgainstManifest(list, readServerManifest(data, signal))
  if (walSegmentSize === undefined) return
  for (const name of ranges.flatMap((range) => segmentsOf(range, walSegmentSize))) {
    const info = await stat(join(data, 'pg_wal', name)).catch(() => undefined)
    if (info?.size !== walSegmentSize)
      throw new Fault('store_corrupt', `check the set: WAL segment ${name} is not whole`)
  }
}

/** The server's backup_manifest that lies below `data`. */
export async function* readServerManifest(data: string, signal: AbortSignal | undefined): Bytes {
  try {
    for await (const chunk of createReadStream(join(data, 'backup_manifest'), { highWaterMark: 1 << 20, signal }))
      yield chunk as Buffer
  } catch (cause) {
    if (signal?.aborted) throw cause
    throw new Fault('store_corrupt', 'check the set: its backup_manifest cannot be read', { cause })
  }
}
