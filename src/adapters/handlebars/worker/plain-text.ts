import type { Field } from '../protocol.ts'

/**
 * Characters that could end a header line, drive a terminal or turn the text around. Line separators count
 * as control characters where there is only one line.
 */
const stripped: Readonly<Record<Field, RegExp>> = {
  title: /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu,
  subject: /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu,
  body: /[^\P{Cc}\n]|\p{Bidi_Control}/gu,
  html: /[^\P{Cc}\n\r\t]|\p{Bidi_Control}/gu,
}

/** Half a surrogate pair becomes U+FFFD here rather than in some driver, so that hashes agree. */
export const clean = (field: Field, text: string): string =>
  text.replace(stripped[field], '').toWellFormed()
