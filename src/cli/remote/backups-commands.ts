import type { Command } from 'commander'
import type { Parts } from '../parts.ts'
import { downloadSet } from './download.ts'
import { withRemoteOptions } from './session.ts'
import {
  drillBackup,
  listBackups,
  removeBackup,
  restoreBackup,
  revokeLinks,
  showBackup,
  takeBackup,
  verifyBackup,
} from './backups.ts'
import { keepSet, pinSet } from './backups-keep.ts'
import type {
  DownloadOptions,
  KeepOptions,
  ListOptions,
  RestoreOptions,
  SetOptions,
  TakeOptions,
} from './backups-options.ts'

const INSTANCE = ['--instance <id>', 'its instance; looked for in every one when not given'] as const
const NO_WAIT = ['--no-wait', 'only start it, and print the id of the task'] as const

/** `backups take|list|show|download|restore|verify|drill|pin|unpin|keep|revoke-links|remove`; `backups restore --store URL` needs no service. */
export function addBackups(program: Command, parts: Parts): void {
  const backups = program.command('backups').description('backup sets: take, list, download, restore, prove')
  addMaking(backups, parts)
  addUsing(backups, parts)
}

function addMaking(backups: Command, parts: Parts): void {
  withRemoteOptions(backups.command('take <instance>'))
    .description('take a backup now and follow it to its end')
    .option('--type <type>', 'full, incremental, or auto: as the policy says', 'auto')
    .option('--method <method>', 'physical (default) or logical')
    .option('--database <name>', 'with --method logical: only this database; may be repeated', collect, [])
    .option('--keep-days <n>', 'days that the set stays instead of those of the policy; -1 for ever')
    .option(...NO_WAIT)
    .action((instance: string, options: TakeOptions) => takeBackup(instance, options, parts))
  withRemoteOptions(backups.command('list <instance>'))
    .description('list the sets of an instance, newest first')
    .option('--status <status>', 'only Success or Failed')
    .option('--type <type>', 'only full or incremental')
    .option('--mode <mode>', 'only Manual or Automated')
    .option('--from <time>', 'started at this time or later: 2026-01-02T03:04Z')
    .option('--to <time>', 'started at this time or earlier')
    .option('--limit <n>', 'at most so many', '100')
    .action((instance: string, options: ListOptions) => listBackups(instance, options, parts))
  withRemoteOptions(backups.command('show <set>'))
    .description('show all about one set')
    .option(...INSTANCE)
    .action((set: string, options: SetOptions) => showBackup(set, options, parts))
}

function addUsing(backups: Command, parts: Parts): void {
  withRemoteOptions(backups.command('download <set>'))
    .description('download a set; goes on where an earlier download stopped')
    .option(...INSTANCE)
    .option('--database <name>', 'only this database of a logical set')
    .option('-o, --output <file>', 'file to write (default: a name made of instance and time)')
    .action((set: string, options: DownloadOptions) => downloadSet(set, options, parts))
  addRestore(backups, parts)
  withRemoteOptions(backups.command('verify <set>'))
    .description('read every stored byte of a set and hold it against its manifest')
    .option(...INSTANCE)
    .option(...NO_WAIT)
    .action((set: string, options: TakeOptions & SetOptions) => verifyBackup(set, options, parts))
  withRemoteOptions(backups.command('drill <set>'))
    .description('restore a set into the scratch directory of the service, start it, check it, and remove it')
    .option(...INSTANCE)
    .option(...NO_WAIT)
    .action((set: string, options: TakeOptions & SetOptions) => drillBackup(set, options, parts))
  withRemoteOptions(backups.command('revoke-links <set>'))
    .description('end every download link of a set that was made until now')
    .option(...INSTANCE)
    .action((set: string, options: SetOptions) => revokeLinks(set, options, parts))
  addKeeping(backups, parts)
  withRemoteOptions(backups.command('remove <set>'))
    .description('delete a set for ever')
    .option(...INSTANCE)
    .action((set: string, options: SetOptions) => removeBackup(set, options, parts))
}

function addRestore(backups: Command, parts: Parts): void {
  withRemoteOptions(backups.command('restore [set]'))
    .description('restore a set into an empty directory, or a logical one also into a running server')
    .option('--to <dir>', 'directory that does not exist or is empty')
    .option('--into <server>', 'of a logical set: an instance, or with --store postgresql://USER@HOST:PORT/DATABASE')
    .option('--database <name>', 'with --into: only this database')
    .option('--schema <name>', 'with --database: only this schema')
    .option('--table <name>', 'with --database: only this table of the schema (default: public)')
    .option('--as <name>', 'new name of the table, schema or database')
    .option('--into-database <name>', 'database that a schema or table goes into (default: of the same name)')
    .option('--no-owner', 'with --into: everything belongs to who restores, and nobody else gets rights')
    .option('--no-tablespaces', 'with --into: put everything into the default tablespace')
    .option('--password-file <file>', "with --store and --into: file with the password, '-' for standard input")
    .option('--no-password', 'with --store and --into: the server asks for none')
    .option(...INSTANCE)
    .option(...NO_WAIT)
    .option('--store <url>', 'read the set from this store (file:///PATH), without service or catalog')
    .option('--identity <file>', "with --store: identity that opens an encrypted set, '-' for standard input")
    .option('--list', 'with --store: only list the sets that lie there')
    .option('--bin-dir <dir>', "with --store: where the database's own programs are; may be repeated", collect, [])
    .option('--owner <user>', 'with --store and --to, as root: whom the files shall belong to')
    .option('--keep-side-effects', 'with --store: keep archiving, replication and the like of the original')
    .action(async (set: string | undefined, options: RestoreOptions) => {
      if (options.store === undefined) return restoreBackup(set, options, parts)
      const { restoreLocal } = await import('../local/restore.ts')
      return restoreLocal(set, { ...options, store: options.store }, parts)
    })
}

function addKeeping(backups: Command, parts: Parts): void {
  for (const [name, pinned, about] of [
    ['pin', true, 'keep a set whatever happens, until it is unpinned'],
    ['unpin', false, 'let a pinned set go as its policy says'],
  ] as const) {
    withRemoteOptions(backups.command(`${name} <set>`))
      .description(about)
      .option(...INSTANCE)
      .action((set: string, options: SetOptions) => pinSet(set, pinned, options, parts))
  }
  withRemoteOptions(backups.command('keep <set>'))
    .description('give a set an end of its own instead of that of its policy')
    .requiredOption('--until <time>', '2026-12-31T00:00Z, never, or policy')
    .option(...INSTANCE)
    .action((set: string, options: KeepOptions) => keepSet(set, options, parts))
}

const collect = (text: string, all: string[]) => [...all, text]
