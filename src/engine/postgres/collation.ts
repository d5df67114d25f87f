import pg from 'pg'
import type { PostgresFacts } from '../../core/manifest.ts'

/**
 * What to tell of a cluster whose text was sorted by another version of the C library than this machine's: the order of
 * its indexes may be wrong, and queries may miss rows. One warning, with the statements that mend it; empty when the
 * versions agree or one is not known.
 */
export function libcWarnings(facts: PostgresFacts, libcVersion: string | undefined): string[] {
  if (libcVersion === undefined) return []
  const other = facts.collations.filter(
    ({ provider, version }) => provider === 'libc' && version !== '' && version !== libcVersion,
  )
  if (other.length === 0) return []
  const databases = [...new Set(other.map(({ database }) => database))]
  const versions = [...new Set(other.map(({ version }) => version))]
  return [
    `the source sorted text with the C library's version ${versions.join(', ')}, this machine with ${libcVersion}: ` +
      `indexes on text may be in the wrong order, and queries may miss rows, until you run in each database: ` +
      databases.map((database) => mend(database, facts.serverVersion)).join(' '),
  ]
}

/** The statements that bring one database's text indexes into this machine's order, to be run in it. Only 15 and newer keep a version of the whole database. */
export function mend(database: string, serverVersion: number): string {
  const name = pg.escapeIdentifier(database)
  const refresh = serverVersion >= 150_000 ? ` ALTER DATABASE ${name} REFRESH COLLATION VERSION;` : ''
  return `REINDEX DATABASE ${name};${refresh}`
}

/** What to tell of locales that databases of the set need and this machine does not have: those databases refuse connections. */
export function localeWarnings(facts: PostgresFacts, hasLocale: (name: string) => boolean | undefined): string[] {
  const missing = facts.collations.filter(({ provider, locale }) => provider === 'libc' && hasLocale(locale) === false)
  const locales = [...new Set(missing.map(({ locale }) => locale))]
  return locales.map((locale) => {
    const databases = missing
      .filter((one) => one.locale === locale)
      .map(({ database }) => pg.escapeIdentifier(database))
    return (
      `this machine does not have the locale ${locale}: ${[...new Set(databases)].join(', ')} cannot be used ` +
      `until it is made (on Debian: add it to /etc/locale.gen and run locale-gen)`
    )
  })
}

/** What to tell of extensions that the set uses and this machine does not have. */
export function extensionWarnings(facts: PostgresFacts, hasExtension: (name: string) => boolean | undefined): string[] {
  const missing = facts.extensions.filter(({ name }) => hasExtension(name) === false)
  const names = [...new Set(missing.map(({ name }) => name))]
  return names.map((name) => {
    const databases = missing.filter((one) => one.name === name).map(({ database }) => pg.escapeIdentifier(database))
    const major = Math.floor(facts.serverVersion / 10_000)
    return (
      `the extension ${name}, used in ${databases.join(', ')}, is not installed here: what needs it fails ` +
      `until you install its package (on Debian often postgresql-${major}-NAME)`
    )
  })
}
