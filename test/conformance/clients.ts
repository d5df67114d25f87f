import openapi from '@alicloud/openapi-core'
import PopCore from '@alicloud/pop-core'
import rds from '@alicloud/rds20140815'

export interface Key {
  readonly id: string
  readonly secret: string
  /** Of a temporary key. */
  readonly token?: string
}

/** The official SDK of RDS, told nothing but endpoint and key. `v2` makes it sign with V1. */
export function sdkClient(url: string, key: Key, options: { signatureAlgorithm?: 'v2' } = {}) {
  const { host, protocol } = new URL(url)
  return new rds.default(
    new openapi.$OpenApiUtil.Config({
      accessKeyId: key.id,
      accessKeySecret: key.secret,
      ...(key.token !== undefined && { securityToken: key.token, type: 'sts' }),
      endpoint: host,
      protocol: protocol.replace(':', ''),
      regionId: 'cn-hangzhou',
      ...options,
    }),
  )
}

export type Sdk = ReturnType<typeof sdkClient>

/** A reply as pop-core gives it: parsed JSON. */
export interface Json {
  readonly [name: string]: unknown
}

/** The official client that calls actions by name, signing with V1. Gives the reply, or throws with `code` and `data`. */
export function popClient(url: string, key: Key, method: 'GET' | 'POST') {
  const client = new PopCore({
    accessKeyId: key.id,
    accessKeySecret: key.secret,
    ...(key.token !== undefined && { securityToken: key.token }),
    endpoint: url,
    apiVersion: '2014-08-15',
    opts: { method, timeout: 30_000 },
  })
  return {
    // It gives objects without a prototype, which are equal to no others.
    call: async (action: string, parameters: Json = {}) =>
      JSON.parse(JSON.stringify(await client.request<Json>(action, parameters))) as Json,
  }
}

/** What a client threw: the RDS code and status that it says the service answered with. */
export interface Refusal {
  readonly code: string
  readonly statusCode: number | undefined
}

/** The code of the error that `call` ends with. Fails when it does not end with one. */
export async function refusalOf(call: Promise<unknown>): Promise<Refusal> {
  try {
    await call
  } catch (error) {
    const { code, statusCode, data } = error as { code?: string; statusCode?: number; data?: { Code?: string } }
    return { code: data?.Code ?? code ?? String(error), statusCode }
  }
  throw new Error('the call was answered')
}
