import { registerHooks } from 'node:module'

// Preloaded: the store's calls of the file system pass through a counter. They are the real calls, and the program is not changed.
const COUNTED = new URL('counted-files.ts', import.meta.url).href
const COUNTED_PARTS = /\/src\/(store|lib|engine\/fake)\//

registerHooks({
  resolve: (specifier, context, next) =>
    next(
      specifier === 'node:fs/promises' && COUNTED_PARTS.test(context.parentURL ?? '') ? COUNTED : specifier,
      context,
    ),
})
