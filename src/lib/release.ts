/**
 * Gives the memory of a buffer back now instead of at a later garbage collection, which comes too late where a megabyte
 * is made and dropped every millisecond. The caller is the only one who ever held it or a view of it. Nothing happens to memory that the
 * runtime shares out among small buffers.
 */
export function release({ buffer, byteLength }: Uint8Array): void {
  if (!(buffer instanceof ArrayBuffer) || byteLength <= Buffer.poolSize) return
  // What is moved out of an ArrayBuffer leaves it without memory; of nothing moved, all is freed.
  buffer.transfer(0)
}
