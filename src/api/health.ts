/** Whether this process can do its work, and what keeps it from it. */
export interface Health {
  readonly ready: boolean
  readonly problems: readonly {
    readonly code: string
    readonly message: string
    readonly provider?: string
  }[]
}
