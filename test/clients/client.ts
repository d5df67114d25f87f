/** A parameter as the typed requests of SDKs take it. */
export type Parameters = Readonly<Record<string, string | number>>

export type Format = 'JSON' | 'XML'

export interface Credentials {
  readonly id: string
  readonly secret: string
}

/** What a client made of a reply: its fields, or the error it threw, as far as it tells; `absent` when it has no such action. */
export type Answer =
  | { readonly kind: 'reply'; readonly reply: unknown }
  | {
      readonly kind: 'refused'
      readonly code: string
      readonly message: string
      readonly requestId?: string | undefined
      readonly status?: number | undefined
    }
  | { readonly kind: 'absent' }
  /** Its types cannot hold what it was told to send. */
  | { readonly kind: 'unsendable'; readonly reason: string }

/** One official client, as it is published, told nothing but where the service is and its key. */
export interface Client {
  /** Its package, and what sets this way of using it apart. */
  readonly name: string
  readonly version: string
  readonly language: 'Node.js' | 'Python' | 'Java' | 'Go'
  /** What it can read replies in. */
  readonly formats: readonly Format[]
  /** What its errors do not tell their caller; `codeInXml`: it reads codes and messages only from errors in JSON. */
  readonly hides?: readonly ('requestId' | 'status' | 'codeInXml')[]
  call(action: string, parameters: Parameters, key: Credentials, format: Format): Promise<Answer>
  close?(): void
}

/** Every value that a reply has under this name, at any depth, as text. SDKs differ in the case of names and in what wraps a list. */
export function valuesOf(reply: unknown, name: string): string[] {
  if (Array.isArray(reply)) return reply.flatMap((item) => valuesOf(item, name))
  if (typeof reply !== 'object' || reply === null) return []
  return Object.entries(reply).flatMap(([key, value]) =>
    key.toLowerCase() === name.toLowerCase() && scalars(value).length > 0 ? scalars(value) : valuesOf(value, name),
  )
}

const scalars = (value: unknown): string[] =>
  [value]
    .flat()
    .filter((item) => ['string', 'number', 'boolean'].includes(typeof item))
    .map(String)
