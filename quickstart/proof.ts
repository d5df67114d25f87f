import { formatTable } from '../src/cli/table.ts'
import { formatBytes } from '../src/cli/units.ts'
import type { Checksum } from './checksums.ts'
import { indented } from './narrator.ts'
import type { Toured } from './tour.ts'

type Seconds = Readonly<Record<string, number>>

/** What was compared and how fast it was, for people. */
export function proofText(toured: Toured, seconds: Seconds): string {
  const { checksums, differences, sampleBytes, setBytes } = toured
  const count = (kind: Checksum['kind']) => checksums.filter((one) => one.kind === kind).length
  const rows = checksums.reduce((sum, one) => sum + (one.kind === 'table' ? one.rows : 0), 0)
  const what = `${count('table')} tables with ${rows} rows, ${count('sequence')} sequences and the large objects`
  const outcome =
    differences.length === 0
      ? `VERIFIED: ${what} are the same as in the source.`
      : `NOT VERIFIED:\n${differences.join('\n')}`
  const rate = (name: string, bytes: number) => `${name} ${perSecond(bytes, seconds[name])}`
  const rates = [rate('backup', sampleBytes), rate('download', setBytes), rate('restore', sampleBytes)]
  return [
    indented(checksumTable(checksums)),
    '',
    outcome,
    `${formatBytes(sampleBytes)} of database in a set of ${formatBytes(setBytes)}; ${rates.join(', ')}.`,
    `${(seconds['total'] ?? 0).toFixed(1)} seconds in all.`,
  ].join('\n')
}

function perSecond(bytes: number, seconds: number | undefined): string {
  return seconds ? `${(bytes / seconds / 1e6).toFixed(0)} MB/s` : ''
}

function checksumTable(checksums: readonly Checksum[]): string {
  const columns = [
    { title: 'database', value: (one: Checksum) => one.database },
    { title: 'what', value: (one: Checksum) => one.name },
    { title: 'rows', value: (one: Checksum) => String(one.rows), right: true },
    {
      title: 'checksum',
      value: (one: Checksum) => (one.kind === 'sequence' ? 'last value at or past it' : one.digest),
    },
  ]
  return formatTable(columns, checksums)
}

/** What a person can do while it serves. */
export function whatNext(toured: Toured): string {
  const { service, key, instanceId, set, restored } = toured
  return `It keeps serving until Ctrl-C. What to try next, in another terminal:

   export HOLDFAST_ENDPOINT=${service.url}
   export HOLDFAST_ACCESS_KEY_ID=${key.accessKeyId} HOLDFAST_ACCESS_KEY_SECRET=${key.accessKeySecret}
   bin/holdfast backups list ${instanceId}
   bin/holdfast backups take ${instanceId}
   bin/holdfast backups verify ${set.backupId}
   bin/holdfast backups drill ${set.backupId}
   wget --content-disposition "${set.backupDownloadURL}"

The restored server answers user ${restored.superuser} on the socket in ${restored.socketDirectory}, port ${toured.restoredPort}.
docs/format.md tells how to restore a set with zstd, tar and PostgreSQL alone.`
}

/** The one line for programs. */
export function proofJson(toured: Toured, seconds: Seconds): string {
  const { service, key, instanceId, set, checksums, differences, sampleBytes, setBytes } = toured
  return JSON.stringify({
    endpoint: service.url,
    ...key,
    dbInstanceId: instanceId,
    backupId: String(set.backupId),
    downloadUrl: set.backupDownloadURL,
    verified: differences.length === 0,
    differences,
    tables: checksums.filter(({ kind }) => kind === 'table').length,
    databaseBytes: sampleBytes,
    backupSize: setBytes,
    seconds,
  })
}
