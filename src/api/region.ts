import { RdsError } from './errors.ts'

/** Refuses a region that is not the one this service answers for. */
export function requireRegion(wanted: string, own: string): void {
  if (wanted === own) return
  throw new RdsError('InvalidRegionId.NotFound', `RegionId ${wanted} does not exist: this service is region ${own}.`)
}
