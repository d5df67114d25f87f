import { askIfAllowed, type Ask, type InDatabase } from './ask.ts'

/** A page whose checksum does not fit its content, as the server's warning names it. */
export interface BadPage {
  /** `base/5/16384.1`, below the data directory. */
  readonly file: string
  /** Counted from the start of that file. */
  readonly block: number
}

/** The page that a warning of BASE_BACKUP is about; undefined for another warning. */
export function badPageIn(warning: string): BadPage | undefined {
  const match = /checksum verification failed in file "(?:\.\/)?([^"]+)", block (\d+)/.exec(warning)
  return match ? { file: match[1] ?? '', block: Number(match[2]) } : undefined
}

/** `public.orders: block 7 of base/5/16384` for each; without the relation where the server cannot be asked for it. */
export async function nameBadPages(pages: readonly BadPage[], ask: Ask, inDatabase: InDatabase): Promise<string[]> {
  const names: string[] = []
  for (const { file, block } of pages) {
    const relation = await relationOf(file, ask, inDatabase).catch(() => undefined)
    names.push(`${relation ? `${relation}: ` : ''}block ${block} of ${file}`)
  }
  return names
}

interface FilePlace {
  /** Undefined: shared by all databases. */
  readonly database: string | undefined
  /** 0: the default one of the database. */
  readonly tablespace: string
  readonly fileNode: string
}

const SHARED_TABLESPACE = '1664'

/** Where a relation's file belongs to, by its path; undefined when it is none. */
function placeOf(file: string): FilePlace | undefined {
  const [, place, fileNode] = /^(.+)\/(\d+)(?:_[a-z]+)?(?:\.\d+)?$/.exec(file) ?? []
  if (place === undefined || fileNode === undefined) return undefined
  if (place === 'global') return { database: undefined, tablespace: SHARED_TABLESPACE, fileNode }
  const [, inDefault, tablespace, elsewhere] = /^(?:base\/(\d+)|pg_tblspc\/(\d+)\/[^/]+\/(\d+))$/.exec(place) ?? []
  const database = inDefault ?? elsewhere
  return database === undefined ? undefined : { database, tablespace: tablespace ?? '0', fileNode }
}

async function relationOf(file: string, ask: Ask, inDatabase: InDatabase): Promise<string | undefined> {
  const place = placeOf(file)
  if (!place) return undefined
  const inside = async (its: Ask) => {
    const sql = 'select pg_filenode_relation($1::oid, $2::oid)::regclass::text as name'
    const rows = await askIfAllowed<{ name: string | null }>(its, sql, [place.tablespace, place.fileNode])
    return rows?.[0]?.name ?? undefined
  }
  if (place.database === undefined) return inside(ask)
  const [row] = await ask<{ name: string }>('select datname as name from pg_database where oid = $1', [place.database])
  if (!row) return undefined
  const relation = await inDatabase(row.name, inside)
  return relation === undefined ? undefined : `${relation} in ${row.name}`
}
