import { createRequire } from 'node:module'
import { z } from 'zod'
import type { Answer, Client, Credentials, Parameters } from '../client.ts'

const require = createRequire(import.meta.url)

/** How each SDK of rds20140815 is told its endpoint differs only in the class that takes it. */
interface Model {
  toMap(): Record<string, unknown>
}
type Typed = Record<string, (request: unknown) => Promise<Model & { body?: Model }>>
interface Sdk {
  readonly default: new (config: unknown) => Typed
  readonly [request: string]: unknown
}
interface RequestClass {
  new (fields: object): unknown
  names(): Record<string, string>
}

const versionOf = (name: string) =>
  z.object({ version: z.string() }).parse(require(require.resolve(`${name}/package.json`))).version

const thrown = z.looseObject({
  code: z.string().optional(),
  message: z.string().default(''),
  statusCode: z.number().optional(),
  data: z
    .looseObject({
      Code: z.string().optional(),
      Message: z.string().optional(),
      RequestId: z.string().optional(),
      statusCode: z.number().optional(),
    })
    .nullish(),
})

/** An error that an answer of the service became. What else is thrown is no answer, and goes on. */
function refused(error: unknown): Answer {
  const { code, message, statusCode, data } = thrown.parse(error)
  if (code === undefined && data?.Code === undefined) throw error
  return {
    kind: 'refused',
    code: data?.Code ?? code ?? '',
    message: data?.Message ?? message,
    requestId: data?.RequestId,
    // The RPC client tells the status in its message only.
    status: statusCode ?? data?.statusCode ?? (Number(/\bcode: (\d+), /.exec(message)?.[1]) || undefined),
  }
}

const answering = async (call: () => Promise<unknown>): Promise<Answer> => {
  try {
    return { kind: 'reply', reply: await call() }
  } catch (error) {
    return refused(error)
  }
}

function typedRequest(sdk: Sdk, action: string, parameters: Parameters): unknown {
  const Request = sdk[`${action}Request`] as RequestClass | undefined
  if (!Request) return undefined
  const properties = new Map(Object.entries(Request.names()).map(([property, wire]) => [wire, property]))
  const fields = Object.entries(parameters).map(([wire, value]) => {
    const property = properties.get(wire)
    if (property === undefined) throw new Error(`${action}Request has no parameter ${wire}`)
    return [property, value]
  })
  return new Request(Object.fromEntries(fields))
}

const endpointOf = (url: string) => {
  const { host, protocol } = new URL(url)
  return { endpoint: host, protocol: protocol.replace(':', ''), regionId: 'cn-hangzhou' }
}

type Config = new (fields: object) => unknown

/** An SDK of rds20140815, which takes the `Config` of the package `core`. */
function sdk(url: string, name: string, core: string, signature: { signatureAlgorithm?: 'v2' } = {}): Client {
  const module = require(name) as Sdk
  const { Config, $OpenApiUtil } = require(core) as { Config: Config; $OpenApiUtil?: { Config: Config } }
  const TheConfig = $OpenApiUtil?.Config ?? Config
  return {
    name: `@alicloud/rds20140815${name === 'rds-1' || signature.signatureAlgorithm ? ', signature V1' : ', signature V3'}`,
    version: versionOf(name),
    language: 'Node.js',
    formats: ['JSON'],
    async call(action, parameters, key) {
      const keys = { accessKeyId: key.id, accessKeySecret: key.secret }
      const client = new module.default(new TheConfig({ ...endpointOf(url), ...keys, ...signature }))
      const request = typedRequest(module, action, parameters)
      const method = action.charAt(0).toLowerCase() + action.slice(1)
      if (request === undefined || client[method] === undefined) return { kind: 'absent' }
      return answering(async () => {
        const response = await client[method]?.(request)
        return (response?.body ?? response)?.toMap()
      })
    },
  }
}

interface PopCore {
  request(action: string, parameters: object): Promise<unknown>
}

function pop(url: string, method: 'GET' | 'POST'): Client {
  const Pop = require('@alicloud/pop-core') as new (config: object) => PopCore
  return {
    name: `@alicloud/pop-core, ${method}`,
    version: versionOf('@alicloud/pop-core'),
    language: 'Node.js',
    formats: ['JSON'],
    hides: ['status'],
    call: (action, parameters, { id, secret }) =>
      answering(async () =>
        new Pop({
          accessKeyId: id,
          accessKeySecret: secret,
          endpoint: url,
          apiVersion: '2014-08-15',
          opts: { method, timeout: 30_000 },
        }).request(action, parameters),
      ),
  }
}

interface Rpc {
  readonly Config: new (fields: object) => unknown
  readonly default: new (config: unknown) => {
    doRequest(...call: readonly unknown[]): Promise<unknown>
  }
}

function rpc(url: string): Client {
  const module = require('@alicloud/rpc-client') as Rpc
  const { RuntimeOptions } = require('@alicloud/tea-util') as { RuntimeOptions: new (fields: object) => unknown }
  const { protocol, ...config } = endpointOf(url)
  const call = (action: string, parameters: Parameters, { id, secret }: Credentials) =>
    new module.default(new module.Config({ ...config, accessKeyId: id, accessKeySecret: secret })).doRequest(
      action,
      protocol,
      'POST',
      '2014-08-15',
      'AK',
      parameters,
      {},
      new RuntimeOptions({}),
    )
  return {
    name: '@alicloud/rpc-client',
    version: versionOf('@alicloud/rpc-client'),
    language: 'Node.js',
    formats: ['JSON'],
    call: (action, parameters, key) => answering(async () => call(action, parameters, key)),
  }
}

/** The official clients for Node.js, pointed at `url`. */
export function nodeClients(url: string): readonly Client[] {
  return [
    sdk(url, '@alicloud/rds20140815', '@alicloud/openapi-core'),
    sdk(url, '@alicloud/rds20140815', '@alicloud/openapi-core', { signatureAlgorithm: 'v2' }),
    sdk(url, 'rds-2', '@alicloud/openapi-client'),
    sdk(url, 'rds-2', '@alicloud/openapi-client', { signatureAlgorithm: 'v2' }),
    sdk(url, 'rds-1', '@alicloud/rpc-client'),
    pop(url, 'GET'),
    pop(url, 'POST'),
    rpc(url),
  ]
}
