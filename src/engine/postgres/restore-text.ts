/** What the text that opens a set must tell of it. */
export interface RestoreTextFacts {
  readonly title: string
  /** `15.18 (Debian 15.18-0+deb12u1)` */
  readonly serverVersionText: string
  readonly major: number
  readonly tablespaces: readonly { readonly oid: string; readonly location: string }[]
  /** The set that this one adds to; absent for a full set. */
  readonly parentId?: string | undefined
}

/** `RESTORE.txt`: how a person brings the database back from this one file, with no part of Holdfast. */
export function restoreText(facts: RestoreTextFacts): string {
  return facts.parentId === undefined ? fullText(facts) : incrementText(facts, facts.parentId)
}

const placesOf = ({ tablespaces }: RestoreTextFacts): string =>
  tablespaces.length === 0
    ? 'This set has no tablespaces.\n'
    : `Tablespaces of this set:\n${tablespaces.map(({ oid, location }) => `  ${oid}  was at ${JSON.stringify(location)}\n`).join('')}`

/** An increment alone is no database: whoever follows the steps of a full set would start one that is broken. */
function incrementText(facts: RestoreTextFacts, parentId: string): string {
  const { title, serverVersionText, major } = facts
  return `${title}
PostgreSQL ${serverVersionText}

THIS IS AN INCREMENT: IT CANNOT BE RESTORED ALONE
It holds what changed since set ${parentId}. You need that set too, what it adds to in turn, and so on down to a full set: the
manifest.json beside each in the store names its parentId. Never start what is unpacked from this file.

With Holdfast: holdfast backups restore SET --store URL --to DIR does all of it, and needs no running service.

BY HAND
You need zstd, tar and PostgreSQL ${major} with pg_combinebackup, and room for every set beside the result.

1. Unpack each set of the chain into a directory of its own: steps 1 and 2 of RESTORE.txt of the full set.
2. In each, make the links of step 3 and remove data/tablespace_map.
3. pg_combinebackup -o COMBINED FULL/data NEXT/data ... LAST/data, oldest first, with -T OLD=NEW for each tablespace, where OLD is its
   directory below LAST and NEW a new one.
4. Go on with steps 5 and 6 of RESTORE.txt of the full set, in COMBINED.

${placesOf(facts)}
The whole procedure with its reasons is docs/format.md of Holdfast.
`
}

function fullText(facts: RestoreTextFacts): string {
  const { title, serverVersionText, major } = facts
  return `${title}
PostgreSQL ${serverVersionText}

HOW TO RESTORE THIS BY HAND
You need zstd, tar and PostgreSQL ${major} on this kind of machine. Do it as the user that shall own the database, not as root.
FILE is this file, TARGET a directory that does not exist yet, PORT a free port.

1. zstd -t FILE
2. mkdir -m 700 TARGET; zstd -dc FILE | tar -x -f - -C TARGET --no-same-owner; chmod 700 TARGET/data
3. Tablespaces must lie inside the target before the first start, or the server looks for the source's own directories:
   cd TARGET
   for OID in $(ls tablespaces 2>/dev/null); do ln -s "$PWD/tablespaces/$OID" data/pg_tblspc/$OID; done
   for OID in $(ls tablespaces 2>/dev/null); do echo "$OID $PWD/tablespaces/$OID"; done > data/tablespace_map
   If there are none: rm -f data/tablespace_map
4. pg_verifybackup -q -i tablespace_map data
5. rm -f data/standby.signal data/recovery.signal data/backup_label.old      (never delete data/backup_label)
6. Start it apart from the server it came from: a postgresql.conf that names data_directory, hba_file or ident_file, or is
   missing (Debian keeps it in /etc), must be replaced first; then
   pg_ctl -D TARGET/data -w start -o "-p PORT -c listen_addresses=127.0.0.1 -c unix_socket_directories=TARGET \\
     -c archive_mode=off -c primary_conninfo= -c primary_slot_name= -c synchronous_standby_names= \\
     -c max_logical_replication_workers=0"

${placesOf(facts)}
The whole procedure with its reasons is docs/format.md of Holdfast.
`
}
