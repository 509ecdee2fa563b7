/** A fixed English sentence and fields. Ids may be logged; addresses, names and message bodies may not. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined | Error>>

/** `error`: someone must act. `warn`: we coped. */
export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}
