import ipaddr from 'ipaddr.js'
import { Fault } from '../core/fault.ts'

/** Who asks, and how they came: told by the connection, or by a proxy that is trusted. */
export interface Client {
  readonly address: string
  readonly secure: boolean
}

/** What is known of the connection that a request came by. */
export interface Connection {
  readonly address: string
  readonly secure: boolean
  readonly forwardedFor: string | undefined
  readonly forwardedProto: string | undefined
}

type Address = ipaddr.IPv4 | ipaddr.IPv6
type Block = [Address, number]

/**
 * Finds the client of a request. X-Forwarded-For is believed from its end on, as long as each hop is a trusted proxy; what
 * a client wrote there itself is never reached. Fault 'invalid' for what is neither an address nor a CIDR block.
 */
export function createClientFinder(trustedProxies: readonly string[]): (connection: Connection) => Client {
  const blocks = trustedProxies.map(parseBlock)
  if (blocks.length === 0) return ({ address, secure }) => ({ address: plain(address), secure })
  const trusted = (address: string) => isIn(address, blocks)

  return ({ address, secure, forwardedFor, forwardedProto }) => {
    if (!trusted(address)) return { address: plain(address), secure }
    const hops = (forwardedFor ?? '').split(',').map((hop) => hop.trim())
    const client = hops.findLast((hop) => !trusted(hop)) ?? hops[0] ?? ''
    const proto = forwardedProto?.split(',').at(-1)?.trim().toLowerCase()
    return {
      address: plain(ipaddr.isValid(client) ? client : address),
      secure: proto === undefined ? secure : proto === 'https',
    }
  }
}

/** An address or CIDR block of a list. */
export function parseBlock(text: string): Block {
  try {
    if (text.includes('/')) return ipaddr.parseCIDR(text)
    const address = ipaddr.process(text)
    return [address, address.kind() === 'ipv4' ? 32 : 128]
  } catch (cause) {
    throw new Fault('invalid', `read trusted proxy ${text}`, {
      cause,
      hint: 'api.trustedProxies takes addresses and CIDR blocks, as 10.0.0.0/8.',
    })
  }
}

/** Whether an address lies in one of the blocks. */
export function isIn(text: string, blocks: readonly Block[]): boolean {
  if (!ipaddr.isValid(text)) return false
  const address = ipaddr.process(text)
  return blocks.some(([range, bits]) => address.kind() === range.kind() && address.match(range, bits))
}

/** IPv4 as such, also where a socket of both families shows it as IPv6. */
const plain = (text: string) => (/^::ffff:[\d.]+$/.test(text) ? text.slice('::ffff:'.length) : text)
