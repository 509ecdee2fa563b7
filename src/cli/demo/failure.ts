/** The demo cannot go on; the message says why and what to do next. */
export class DemoFailure extends Error {
  override readonly name = 'DemoFailure'
}

/** It was not tried: a program of the cluster is not on this machine. */
export class DemoSkipped extends DemoFailure {
  readonly exitCode: number

  constructor(message: string, exitCode: number) {
    super(message)
    this.exitCode = exitCode
  }
}
