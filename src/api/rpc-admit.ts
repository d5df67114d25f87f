import type { Catalog, Once } from '../catalog/catalog.ts'
import type { Clock, Moment } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Sealer } from '../lib/seal.ts'
import { parseIso } from '../lib/time.ts'
import type { Action } from './action.ts'
import { lastingCaller, requireRights, secretsOf, temporaryCaller, type Caller } from './caller.ts'
import { RdsError } from './errors.ts'
import type { Nonces } from './nonces.ts'
import type { Request } from './request.ts'
import { required, type Claim } from './rpc-claim.ts'
import { createKeyRing, type KeyRing } from './rpc-keys.ts'
import { openTemporaryKey } from './temporary-key.ts'
import type { Throttle } from './throttle.ts'
import type { CallParameters } from './rpc-parameters.ts'

/** How far the timestamp of a call may be from our time, either way. */
export const WINDOW_MS = 15 * 60_000

/** Longer nonces than anybody sends would fill the catalog, which keeps those of changes. */
const LONGEST_NONCE = 256

export interface DoorDeps {
  readonly catalog: Pick<Catalog, 'signingKey'>
  readonly sealer: Sealer
  readonly throttle: Throttle
  readonly clock: Clock
  readonly log: Log
  readonly nonces: Nonces
  /** Host and port that clients are told to call. */
  readonly publicHost: string
}

/** Is told whose call it is as soon as that is sure, also of one that is refused after that. */
export type Known = (caller: Caller) => void

/** Lets in calls that a key holder made just now and never before. */
export interface Door {
  /**
   * Whose call it is, and its nonce for the catalog. Judged in this order: timestamp, key, signature, nonce, throttle, rights. The
   * nonce of a call whose signature does not hold is not remembered, or anybody could spend another's.
   */
  admit(request: Request, claim: Claim, parameters: CallParameters, action: Action, known: Known): Promise<Once>
  /** Keys may have changed. */
  forgetKeys(): void
}

/** The door of one process. */
export function createDoor(deps: DoorDeps): Door {
  const { clock, nonces } = deps
  const keys = createKeyRing(deps.catalog, clock)
  const readTimestamp = rememberingLast((text) => (text.length === 20 ? parseIso(text) : undefined))

  return {
    forgetKeys: () => keys.forget(),

    async admit(request, claim, parameters, action, known) {
      const now = clock.now()
      const until = windowEnd(readTimestamp(required(claim.timestamp, 'MissingTimestamp')), now)
      const keyId = claim.keyId()
      const nonce = required(claim.nonce, 'MissingSignatureNonce')
      if (nonce.length > LONGEST_NONCE) {
        throw new RdsError('InvalidParameter', `SignatureNonce must have at most ${LONGEST_NONCE} characters.`)
      }
      const { caller, secrets } = await whose(deps, keys, keyId, claim.securityToken, now)
      const checked = secrets.map((secret) => claim.check(secret))
      if (!checked.some(({ good }) => good)) {
        const stringToSign = checked[0]?.stringToSign ?? ''
        logMismatch(deps, request, claim, keyId)
        const shown = holdsSecret(parameters, action) ? '[not shown, since it holds secrets]' : stringToSign
        throw new RdsError('SignatureDoesNotMatch', `${MISMATCH} server string to sign is:${shown}`)
      }

      const spent = nonces.spend(keyId, nonce, until, now)
      if (spent === 'used') throw new RdsError('SignatureNonceUsed')
      if (spent === 'full') {
        deps.log.warn({ keyId, remoteAddress: request.remoteAddress }, 'over limits.noncesPerKey, call refused')
        throw new RdsError('Throttling.User')
      }
      known(caller)
      if (!deps.throttle.take(keyId)) {
        deps.log.warn({ keyId, action: action.name }, 'over limits.callsPerSecond, call refused')
        throw new RdsError('Throttling.User')
      }
      requireRights(caller, action, request.remoteAddress, now)
      return { keyId, nonce, expiresAt: until }
    },
  }
}

/** Clients read what follows the colon of this message, and one of them fails where there is none. */
const MISMATCH = 'Specified signature is not matched with our calculation.'

/** The last moment at which a call of this timestamp is let in. */
function windowEnd(timestamp: Moment | undefined, now: Moment): Moment {
  if (timestamp === undefined) throw new RdsError('InvalidTimeStamp.Format')
  if (Math.abs(timestamp - now) > WINDOW_MS) throw new RdsError('InvalidTimeStamp.Expired')
  return timestamp + WINDOW_MS
}

/** Calls of one second all carry the same timestamp. */
function rememberingLast<T>(read: (text: string) => T): (text: string) => T {
  let last: { readonly text: string; readonly value: T } | undefined
  return (text) => {
    if (last?.text !== text) last = { text, value: read(text) }
    return last.value
  }
}

/** Whose key it is, and what it may be signed with. The limits of a temporary key are in its token. */
async function whose(
  { sealer }: DoorDeps,
  keys: KeyRing,
  keyId: string,
  securityToken: string,
  now: Moment,
): Promise<{ readonly caller: Caller; readonly secrets: readonly string[] }> {
  if (!keyId.startsWith('STS.')) {
    if (securityToken !== '') throw new RdsError('InvalidSecurityToken.MismatchWithAccessKey')
    const key = await keys.find(keyId)
    if (key === undefined) throw new RdsError('InvalidAccessKeyId.NotFound')
    return { caller: lastingCaller(keyId, key), secrets: secretsOf(key, now) }
  }
  if (securityToken === '') throw new RdsError('MissingSecurityToken')
  const { secret, parent, rights } = openTemporaryKey(sealer, keyId, securityToken)
  if (now >= rights.expiresAt) throw new RdsError('InvalidSecurityToken.Expired')
  const key = await keys.find(parent)
  // It ends with the key that made it.
  if (key === undefined) throw new RdsError('InvalidAccessKeyId.NotFound')
  return { caller: temporaryCaller(keyId, rights, { keyId: parent, key }), secrets: [secret] }
}

/** What was signed is told to the caller, whose logs may keep it. */
function holdsSecret({ all }: CallParameters, { parameters }: Action): boolean {
  const secrets = Object.entries(parameters).filter(([, parameter]) => parameter.secret)
  return [...all.keys()].some((name) => secrets.some(([secret]) => name === secret || name.startsWith(`${secret}.`)))
}

function logMismatch({ log, publicHost }: DoorDeps, request: Request, claim: Claim, keyId: string): void {
  const host = request.headers.host ?? ''
  const rewritten = claim.signatureVersion === 'V3' && host !== publicHost
  const hint = rewritten
    ? 'Signature V3 covers Host. Does a proxy change it on the way? See docs/guide/proxy.md.'
    : undefined
  log.warn(
    { keyId, action: claim.action, remoteAddress: request.remoteAddress, ...(rewritten && { host, publicHost, hint }) },
    'signature does not match',
  )
}
