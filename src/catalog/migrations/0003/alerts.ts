import type { Flavour } from '../flavour.ts'

export const alerts = (_flavour: Flavour): readonly string[] => []
