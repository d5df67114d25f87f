import { randomUUID } from 'node:crypto'
import type { Once } from '../catalog/catalog.ts'
import { Fault } from '../core/fault.ts'
import type { Log } from '../lib/log.ts'
import type { Action, ActionContext } from './action.ts'
import { auditEntryOf } from './audit.ts'
import type { ReadAudit } from './audit-reads.ts'
import { requireInstances, type Caller } from './caller.ts'
import { repeatedReply, tokenUseOf } from './client-token.ts'
import { RdsError, type RdsErrorCode } from './errors.ts'
import { createNonces } from './nonces.ts'
import { createPageCache, REQUEST_ID_PLACE, type PageCache } from './page-cache.ts'
import { parseParameters } from './parse-parameters.ts'
import { CONTENT_TYPES, renderError, renderReply, type Format } from './render.ts'
import type { Pieces, Reply, Request } from './request.ts'
import { createDoor, type Door } from './rpc-admit.ts'
import { createThrottle } from './throttle.ts'
import { claimV1, claimV3, isV3, required, type Claim } from './rpc-claim.ts'
import { rdsErrorOf } from './rpc-errors.ts'
import { readParameters, type CallParameters } from './rpc-parameters.ts'

export const API_VERSION = '2014-08-15'

export interface RpcDeps {
  readonly actions: readonly Action[]
  /** What every handler gets, but for what is of one call. */
  readonly context: Omit<ActionContext, 'caller' | 'once' | 'signal'>
  readonly log: Log
  readonly limits: {
    readonly parameters: number
    readonly noncesPerKey: number
    readonly cacheBytes: number
    readonly callsPerSecond: number
    readonly callsBurst: number
  }
  /** Notes who read what; nothing does when absent. */
  readonly reads?: ReadAudit | undefined
  /** Host and port that clients are told to call; `HostId` of errors. */
  readonly hostId: string
}

/** The answer to a call, and the action it was answered as: '' when it named none of ours. */
export interface Answer {
  readonly reply: Reply
  readonly action: string
}

/** The RPC surface: reads a call, lets it in, does its action, renders the reply. Never rejects. */
export interface Rpc {
  answer(request: Request, query: string): Promise<Answer>
  readonly figures: { readonly cacheBytes: number; readonly nonces: number; readonly nonceBytes: number }
}

interface Surface extends RpcDeps {
  readonly byName: ReadonlyMap<string, Action>
  readonly door: Door
  readonly cache: PageCache
}

/** One call on its way through. */
interface Call {
  readonly request: Request
  readonly requestId: string
  format: Format
  action: Action | undefined
  parameters: CallParameters | undefined
  /** Set once the caller is known for sure. */
  caller: Caller | undefined
  /** What it was refused with; '' while it is not. */
  code: string
}

/** The RPC surface of one process. */
export function createRpc(deps: RpcDeps): Rpc {
  const nonces = createNonces(deps.limits)
  const cache = createPageCache(deps.limits.cacheBytes)
  const { catalog, clock, sealer } = deps.context
  const { callsPerSecond: perSecond, callsBurst: burst } = deps.limits
  const throttle = createThrottle({ perSecond, burst }, clock)
  const door = createDoor({ catalog, clock, sealer, throttle, log: deps.log, nonces, publicHost: deps.hostId })
  const byName = new Map(deps.actions.map((action) => [action.name, action]))
  const surface: Surface = { ...deps, byName, door, cache }

  return {
    get figures() {
      return { cacheBytes: cache.bytes, nonces: nonces.size, nonceBytes: nonces.bytes }
    },

    async answer(request, query) {
      const requestId = randomUUID().toUpperCase()
      const call: Call = {
        request,
        requestId,
        format: isV3(request) ? 'JSON' : 'XML',
        action: undefined,
        parameters: undefined,
        caller: undefined,
        code: '',
      }
      const reply = await answer(surface, call, query).catch((error: unknown) => refuse(surface, call, error))
      if (deps.reads) noteRead(deps.reads, call)
      return { reply, action: call.action?.name ?? '' }
    },
  }
}

async function answer(surface: Surface, call: Call, query: string): Promise<Reply> {
  const { request } = call
  if (request.method !== 'GET' && request.method !== 'POST') throw new RdsError('UnsupportedHTTPMethod')
  const parameters = readParameters(request, query, surface.limits, surface.log)
  call.parameters = parameters
  const claim = (isV3(request, parameters) ? claimV3 : claimV1)(request, parameters)
  call.format = formatOf(claim, parameters) ?? call.format
  const action = requireAction(surface, claim)
  call.action = action
  requireFormat(claim, parameters)
  const admitted = await surface.door.admit(request, claim, parameters, action, (caller) => {
    call.caller = caller
  })
  const once = action.mutates ? audited(surface, call, admitted) : admitted
  const values = parseParameters(action, parameters.all, {
    method: request.method,
    fromBody: (name) => parameters.fromBody(name),
  })
  if (call.caller) requireInstances(call.caller, action, values)
  return toReply(call, 200, await perform(surface, call, action, values, once))
}

type ParsedValues = Parameters<Action['handle']>[0]

async function perform(surface: Surface, call: Call, action: Action, values: ParsedValues, once: Once) {
  const { request, requestId, format, caller } = call
  if (!caller) throw new Error('a call is performed whose caller is not known')
  const context: ActionContext = {
    ...surface.context,
    caller,
    once,
    get signal() {
      return request.signal
    },
  }
  const key = await action.cacheKey?.(values, context)
  if (key !== undefined) {
    const shared = { ...surface.context, caller, once, signal: NEVER }
    return surface.cache.page(`${action.name} ${format} ${key}`, requestId, async () =>
      renderReply(format, action.name, REQUEST_ID_PLACE, await action.handle(values, shared)),
    )
  }
  const fields = await handled(action, values, context)
  if (action.mutates) noteChange(surface, call, action, once)
  return renderReply(format, action.name, requestId, fields)
}

/** A call with a client token that was used already, by this one or while it ran, is answered as it was then. */
async function handled(action: Action, values: ParsedValues, context: ActionContext): Promise<Record<string, unknown>> {
  const { catalog, once } = context
  const use = once.token
  if (use === undefined) return action.handle(values, context)
  const earlier = async () => {
    const used = await catalog.usedToken(once.keyId, use.action, use.token, use.at)
    return used && repeatedReply(use, used)
  }
  const reply = await earlier()
  if (reply) return reply
  return action.handle(values, context).catch(async (error: unknown) => {
    const now = Fault.is(error, 'repeated') ? await earlier() : undefined
    if (now === undefined) throw error
    return now
  })
}

/** What a change is given for the catalog. */
function audited(surface: Surface, call: Call, once: Once): Once {
  const { action, parameters, caller, request, requestId } = call
  if (!action || !parameters || !caller) return once
  const at = surface.context.clock.now()
  const given = parameters.all
  const token = tokenUseOf(action, given, at)
  const { keyId, parentKeyId } = caller
  const audit = auditEntryOf({ request, requestId, action, keyId, parentKeyId, parameters: given }, at)
  return { ...once, audit, ...(token && { token }) }
}

function noteRead(reads: ReadAudit, { action, parameters, caller, code, request, requestId }: Call): void {
  if (!action || action.mutates || !parameters || !caller) return
  const { keyId, parentKeyId } = caller
  reads.call({ request, requestId, action, keyId, parentKeyId, parameters: parameters.all }, code)
}

/** Tells the audit of a change that was refused to a known caller. It is refused all the same when the catalog does not take that. */
async function noteRefusal(surface: Surface, call: Call, code: RdsErrorCode): Promise<void> {
  const { action, parameters, caller, request, requestId } = call
  if (!action || !parameters || !caller || code === 'SignatureNonceUsed') return
  const { catalog, clock } = surface.context
  const { keyId, parentKeyId } = caller
  const asked = { request, requestId, action, keyId, parentKeyId, parameters: parameters.all }
  const entry = auditEntryOf(asked, clock.now())
  try {
    await catalog.addAuditRecord({ ...entry, outcome: 'refused', code, taskIds: [], setIds: [] })
  } catch (error) {
    surface.log.error({ err: error, action: action.name, requestId, code }, 'a refusal is not in the audit')
  }
}

/** A page that several callers wait for is not given up because the first of them goes. */
const NEVER = new AbortController().signal

function noteChange({ door, log }: Surface, { request, requestId }: Call, { name }: Action, { keyId }: Once): void {
  door.forgetKeys()
  log.info({ action: name, keyId, requestId, remoteAddress: request.remoteAddress }, 'changed something')
}

/** The form that a call asks for, if it asks for one there is: V3 for JSON, V1 by `Format`. */
function formatOf({ signatureVersion }: Claim, { all }: CallParameters): Format | undefined {
  if (signatureVersion === 'V3') return 'JSON'
  const asked = (all.get('Format') ?? '').toUpperCase()
  return asked === 'JSON' || asked === 'XML' ? asked : undefined
}

function requireFormat(claim: Claim, parameters: CallParameters): void {
  const asked = parameters.all.get('Format') ?? ''
  if (asked !== '' && formatOf(claim, parameters) === undefined) throw new RdsError('InvalidParameter.Format')
}

function requireAction({ byName }: Surface, { action: name, version }: Claim): Action {
  const action = byName.get(required(name, 'MissingAction'))
  if (action === undefined) {
    throw new RdsError(
      'InvalidAction.NotFound',
      `The action ${name.slice(0, 64)} is not found. See docs/reference/api.md.`,
    )
  }
  if (required(version, 'MissingVersion') !== API_VERSION) throw new RdsError('InvalidVersion')
  return action
}

async function refuse(surface: Surface, call: Call, error: unknown): Promise<Reply> {
  const { code, status, message } = rdsErrorOf(error, { ...call, log: surface.log })
  call.code = code
  if (call.action?.mutates) await noteRefusal(surface, call, code)
  const { requestId, format } = call
  return toReply(call, status, renderError(format, { requestId, hostId: surface.hostId, code, message }))
}

function toReply({ requestId, format }: Call, status: number, body: string | Pieces): Reply {
  const headers = {
    'content-type': CONTENT_TYPES[format],
    'content-length': String(lengthOf(body)),
    'x-acs-request-id': requestId,
    'cache-control': 'no-store',
  }
  return { status, headers, body }
}

function lengthOf(body: string | Pieces): number {
  if (typeof body === 'string') return Buffer.byteLength(body)
  return body.reduce((sum, piece) => sum + piece.length, 0)
}
