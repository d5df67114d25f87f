import type { ParameterCodec } from './parameters.ts'

/** The grammar of a documented parameter that no value is right for, refused with a code of its own. */
export const refused: ParameterCodec<never> = { form: 'absent', parse: () => undefined }
