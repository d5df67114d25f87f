import { timingSafeEqual } from 'node:crypto'
import type { Clock, Moment } from '../lib/clock.ts'
import { hmacSha256 } from '../lib/hmac.ts'
import type { Sealer } from '../lib/seal.ts'

/** The path below which links live. */
export const LINK_PREFIX = '/link/'

/** What a link is made of. */
export interface LinkedSet {
  readonly id: string
  readonly fileName: string
  /** How often the set's links were revoked before; absent for never. */
  readonly round?: number | undefined
  /** The name of the one object of it that the link leads to; absent for the whole set. */
  readonly part?: string | undefined
}

/** Makes the download links of one service. */
export interface LinkMaker {
  /** The configured base that clients outside use: scheme, host and port, no path. */
  readonly publicUrl: string
  /** When a link made now ends. Stays the same for a step, so that the links of an unchanged set do too. */
  expiry(): Moment
  /** The link of one set. The intranet base is the public one where none is configured. */
  make(set: LinkedSet, base: 'public' | 'intranet'): { url: string; expiresAt: Moment }
}

/** What a request target says about a link, before anything is looked up. */
export type LinkCheck =
  | { readonly kind: 'malformed' | 'forged' }
  | { readonly kind: 'expired'; readonly expiresAt: Moment }
  | {
      readonly kind: 'good'
      readonly setId: string
      readonly fileName: string
      readonly round: number
      /** The name of the one object that it leads to; absent for the whole set. */
      readonly part?: string
      readonly expiresAt: Moment
    }

export interface Links extends LinkMaker {
  /** Judges a raw request target: its form first, then its expiry, then its signature. */
  check(target: string): LinkCheck
}

export interface LinkSettings {
  readonly publicUrl: string
  readonly intranetUrl?: string | undefined
  readonly lifetimeSeconds: number
}

interface LinkKey {
  readonly id: string
  readonly hmac: (text: string) => string
  readonly until: Moment
}

const PURPOSE = 'links'
const LONGEST_STEP = 300
const TARGET = /^\/link\/(\d{1,16})\/([A-Za-z0-9._~-]{1,255})\?([^#]{1,400})$/
const PART = /^[A-Za-z0-9][A-Za-z0-9._-]{0,160}$/
const SIGNATURE = /^[A-Za-z0-9_-]{43}$/

function linkKey(secret: Buffer, until: Moment): LinkKey {
  const hmac = hmacSha256(secret)
  return { id: hmac('key id').slice(0, 8), hmac, until }
}

/** The key that signs first, then those before it, good until the last links that they signed have ended. */
function linkKeys(sealer: Sealer, longestMs: number, now: Moment): readonly [LinkKey, ...LinkKey[]] {
  const { keys, until } = sealer.earlier(PURPOSE)
  const end = Math.min(until, now) + longestMs
  return [linkKey(sealer.derive(PURPOSE), Infinity), ...keys.map((secret) => linkKey(secret, end))]
}

/**
 * Links signed with a key derived from the key file, so that every process that has the file signs and checks alike. After a
 * new first line in that file, links of the old key stay good for one lifetime.
 */
export function createLinks(sealer: Sealer, clock: Clock, settings: LinkSettings): Links {
  const lifetime = settings.lifetimeSeconds
  const step = Math.min(LONGEST_STEP, Math.max(1, Math.floor(lifetime / 12)))
  const bases = { public: settings.publicUrl, intranet: settings.intranetUrl ?? settings.publicUrl }
  const keys = linkKeys(sealer, (lifetime + step) * 1000, clock.now())
  const [key] = keys
  // A set's two links are asked for in turn and share their signature, the one costly thing in them.
  let last = { path: '', expires: 0, round: 0, part: undefined as string | undefined, query: '' }

  const expirySeconds = () => Math.ceil((Math.floor(clock.now() / 1000) + lifetime) / step) * step

  return {
    publicUrl: settings.publicUrl,
    expiry: () => expirySeconds() * 1000,

    make(set, base) {
      const expires = expirySeconds()
      const path = `${LINK_PREFIX}${set.id}/${set.fileName}`
      const { round = 0, part } = set
      if (last.path !== path || last.expires !== expires || last.round !== round || last.part !== part) {
        const signature = sign(key, path, expires, { round, part })
        const named = `${part === undefined ? '' : `&Part=${part}`}${round === 0 ? '' : `&Round=${round}`}`
        const query = `?Expires=${expires}&KeyId=${key.id}${named}&Signature=${signature}`
        last = { path, expires, round, part, query }
      }
      return { url: bases[base] + path + last.query, expiresAt: expires * 1000 }
    },

    check: (target) => check(target, keys, clock.now()),
  }
}

interface Signed {
  readonly round: number
  readonly part: string | undefined
}

/** A part's line cannot be a round's: it begins with a letter. */
const sign = ({ id, hmac }: LinkKey, path: string, expires: number, { round, part }: Signed) =>
  hmac(`${path}\n${expires}\n${id}${round === 0 ? '' : `\n${round}`}${part === undefined ? '' : `\npart ${part}`}`)

function check(target: string, keys: readonly LinkKey[], now: Moment): LinkCheck {
  const [, setId, fileName, query] = TARGET.exec(target) ?? []
  if (setId === undefined || fileName === undefined || query === undefined) return { kind: 'malformed' }
  const values = readQuery(query)
  if (values === undefined || !/^\d{1,10}$/.test(values.Expires)) return { kind: 'malformed' }
  if (values.Round !== undefined && !/^[1-9]\d{0,14}$/.test(values.Round)) return { kind: 'malformed' }
  if (values.Part !== undefined && !PART.test(values.Part)) return { kind: 'malformed' }

  const expires = Number(values.Expires)
  const expiresAt = expires * 1000
  if (now >= expiresAt) return { kind: 'expired', expiresAt }

  const key = keys.find(({ id, until }) => id === values.KeyId && until > now)
  if (key === undefined || !SIGNATURE.test(values.Signature)) return { kind: 'forged' }
  const round = Number(values.Round ?? 0)
  const part = values.Part
  const expected = sign(key, `${LINK_PREFIX}${setId}/${fileName}`, expires, { round, part })
  // The text is compared, not the bytes it stands for: base64 has several spellings of the same bytes.
  const same = timingSafeEqual(Buffer.from(expected), Buffer.from(values.Signature))
  // `Expires=0001…` reads as the same number: what was signed is its plain form.
  if (!same || values.Expires !== String(expires)) return { kind: 'forged' }
  return { kind: 'good', setId, fileName, round, expiresAt, ...(part !== undefined && { part }) }
}

interface LinkQuery {
  readonly Expires: string
  readonly KeyId: string
  readonly Part: string | undefined
  readonly Round: string | undefined
  readonly Signature: string
}

/**
 * Exactly the parameters of a link, each once; undefined for anything more or less. Those of a set's first links have no Round,
 * those of whole sets no Part.
 */
function readQuery(query: string): LinkQuery | undefined {
  const parameters = new URLSearchParams(query)
  const { Expires, KeyId, Part, Round, Signature } = Object.fromEntries(parameters)
  const optional = [Part, Round].filter((value) => value !== undefined).length
  if (!Expires || !KeyId || !Signature || parameters.size !== 3 + optional) return undefined
  return { Expires, KeyId, Part, Round, Signature }
}
