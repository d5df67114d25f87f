/** What the text that opens a set must tell of it. */
export interface RestoreTextFacts {
  readonly title: string
  /** `15.18 (Debian 15.18-0+deb12u1)` */
  readonly serverVersionText: string
  readonly major: number
  readonly tablespaces: readonly { readonly oid: string; readonly location: string }[]
}

/** `RESTORE.txt`: how a person brings the database back from this one file, with no part of Holdfast. */
export function restoreText({ title, serverVersionText, major, tablespaces }: RestoreTextFacts): string {
  const places = tablespaces.map(({ oid, location }) => `  ${oid}  was at ${JSON.stringify(location)}\n`).join('')
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

${places === '' ? 'This set has no tablespaces.\n' : `Tablespaces of this set:\n${places}`}
The whole procedure with its reasons is docs/format.md of Holdfast.
`
}
