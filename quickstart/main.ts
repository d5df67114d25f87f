import { databaseAccount } from './account.ts'
import { embeddedPostgres } from './embedded-postgres.ts'
import { createNarrator } from './narrator.ts'
import { parseOptions, type QuickstartOptions, USAGE } from './options.ts'
import { proofJson, proofText, whatNext } from './proof.ts'
import { tour, type TourDeps } from './tour.ts'
import { makeWorkplace } from './workplace.ts'

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args)
  if (options === undefined) return 2
  if (options.help) {
    process.stdout.write(USAGE)
    return 0
  }
  const stop = stopSignal()
  const narrator = createNarrator(options.json ? process.stderr : process.stdout, stop)
  const cleanUp = new AsyncDisposableStack()
  try {
    const verified = await show(options, { narrator, cleanUp, signal: stop })
    if (!options.once) await aborted(stop)
    return verified ? 0 : 1
  } catch (error) {
    if (stop.aborted) return 130
    console.error(`\nerror: ${error instanceof Error ? error.message : String(error)}`)
    return 1
  } finally {
    narrator.say('\nStopping.')
    await cleanUp.disposeAsync()
  }
}

/** Runs the tour and tells what it came to. Gives whether everything restored is as it was. */
async function show(
  options: QuickstartOptions,
  deps: Pick<TourDeps, 'narrator' | 'cleanUp' | 'signal'>,
): Promise<boolean> {
  const { narrator, cleanUp } = deps
  const account = await databaseAccount()
  const workplace = await makeWorkplace(options.data, account)
  // What a person gave a place to is kept, unless all is to be cleaned up.
  if (options.once || options.data === undefined) cleanUp.defer(() => workplace.remove())
  const postgres = cleanUp.use(await embeddedPostgres(account))
  narrator.say(`Holdfast: a real PostgreSQL backed up, listed, downloaded and brought back. Below ${workplace.base}`)
  const toured = await tour({ ...deps, postgres, account, workplace, port: options.port })
  const seconds = narrator.seconds()
  narrator.say(`\n${proofText(toured, seconds)}`)
  if (!options.once) narrator.say(`\n${whatNext(toured)}`)
  if (options.json) process.stdout.write(`${proofJson(toured, seconds)}\n`)
  return toured.differences.length === 0
}

function readOptions(args: readonly string[]): QuickstartOptions | undefined {
  try {
    return parseOptions(args)
  } catch (error) {
    console.error(`error: ${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`)
    return undefined
  }
}

/** Aborts at the first signal; a second one ends us at once, and what we started ends with us. */
function stopSignal(): AbortSignal {
  const controller = new AbortController()
  const heard = () => {
    if (controller.signal.aborted) process.exit(130)
    controller.abort(new Error('interrupted'))
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, heard)
  return controller.signal
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
