/** What an examination of one dependency says, for `./pabal doctor` and for the start. */
export interface Finding {
  /** `log`, `queue`, `documents`, `clock` or a provider. */
  readonly subject: string
  /** `wrong`: the service must not start like this. `warning`: it may, and somebody should know. */
  readonly level: 'ok' | 'warning' | 'wrong'
  /** Stable code, listed in docs/errors.md unless the level is `ok`. */
  readonly code: string
  /** In words: what was seen, and what to do about it. Never a secret. */
  readonly message: string
}
