import type { Role } from '#src/config.ts'
import type { LogLine } from './open-service.ts'

/** What the processes of a cluster are called in `docs/operations.md`: workers and singletons. */
export const worker: readonly Role[] = ['api', 'router', 'channels']
export const singleton: readonly Role[] = ['relay', 'projector', 'timekeeper']

/** Which of them has a role now. */
export const holders = (
  role: Role,
  processes: readonly { readonly lines: readonly LogLine[] }[],
): readonly boolean[] =>
  processes.map(({ lines }) => {
    const last = lines.findLast((line) => line.fields.role === role)
    return last?.message === 'This process has a role.'
  })
