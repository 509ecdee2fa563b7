/** What folding needs of a recorded event; the log's own envelope satisfies it. */
export interface RecordedFact {
  readonly type: string
  readonly schemaVersion: number
  readonly data: Readonly<Record<string, unknown>>
  readonly personal?: Readonly<Record<string, unknown>>
  readonly revision: number
  readonly metadata: { readonly at: string }
}

/** A newer Pabal wrote this. Folding on would decide on half the truth, so everything stops here. */
export class UnknownEvent extends Error {
  override readonly name = 'UnknownEvent'

  constructor(type: string, schemaVersion: number) {
    super(
      `This version of Pabal does not know ${type} in version ${schemaVersion}; start a newer one.`,
    )
  }
}

/** The domain says no. `code` is stable and listed in docs/errors.md; `pointer` names the field (RFC 6901). */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: RefusalCode
  readonly pointer: string | undefined

  constructor(code: RefusalCode, message: string, pointer?: string) {
    super(message)
    this.code = code
    this.pointer = pointer
  }
}

/** Each has a status in api/problems.ts and a paragraph in docs/errors.md. Never reused. */
export const refusalCodes = [
  'app/exists',
  'app/invalid',
  'app/key-not-found',
  'event-id/reused',
  'event/too-large',
  'log/not-empty',
  'log/other-source',
  'log/sealed',
  'log/unfinished-copy',
  'notification/category-unknown',
  'notification/data-missing',
  'notification/expired-before-sent',
  'notification/not-found',
  'notification/not-routed',
  'notification/unreadable',
  'recipient/not-found',
  'recipient/too-many-devices',
  'template/forbidden-construct',
  'template/invalid',
  'template/not-found',
  'template/too-large',
  'template/version-not-found',
] as const
export type RefusalCode = (typeof refusalCodes)[number]
