import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import type { Clock } from '../lib/clock.ts'

/** Knows which connections of a server have a request that was taken and not answered to its end. */
export interface Connections {
  /** Notes a taken request; what it gives notes its end. */
  take(socket: Socket): () => void
  /** Takes no more connections, closes those without a request, lets the others end for `ms`, and cuts what is left. */
  drain(clock: Clock, ms: number): Promise<void>
}

/** How soon a connection is closed after its last request has ended. */
const LOOK_MS = 20

export function trackConnections(server: Server): Connections {
  const raw = new Set<Socket>()
  const ready = new Set<Socket>()
  const busy = new Map<Socket, number>()
  const keepIn = (sockets: Set<Socket>) => (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  }
  server.on('connection', keepIn(raw))
  server.on(server instanceof TlsServer ? 'secureConnection' : 'connection', keepIn(ready))

  const closeIdle = () => {
    for (const socket of ready) if (!busy.has(socket)) socket.destroySoon()
  }

  return {
    take(socket) {
      busy.set(socket, (busy.get(socket) ?? 0) + 1)
      return () => {
        const left = (busy.get(socket) ?? 1) - 1
        if (left > 0) busy.set(socket, left)
        else busy.delete(socket)
      }
    },

    async drain(clock, ms) {
      let closed = false
      const done = new Promise<void>((resolve) => server.close(() => resolve())).then(() => {
        closed = true
      })
      const end = clock.monotonic() + ms
      while (!closed && clock.monotonic() < end) {
        closeIdle()
        await Promise.race([done, clock.sleep(LOOK_MS)])
      }
      for (const socket of raw) socket.destroy()
      await done
    },
  }
}
