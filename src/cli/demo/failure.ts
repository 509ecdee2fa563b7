/** The demo cannot go on; the message says why and what to do next. */
export class DemoFailure extends Error {
  override readonly name = 'DemoFailure'
}
