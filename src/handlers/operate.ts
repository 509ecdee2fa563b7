import type { Command } from '#domain/notification/commands.ts'
import { cancellable } from '#domain/notification/decide.ts'
import { statusOf } from '#domain/notification/status.ts'
import { Refusal } from '#domain/recorded-fact.ts'
import { VersionConflict } from '#ports/errors.ts'
import {
  conflictRetriesMax,
  type Loaded,
  type Notifications,
  UnreadableStream,
} from './notifications.ts'

export interface CancelAnswer {
  readonly status: string
  /** Deliveries that were stopped before they left. */
  readonly cancelled: readonly string[]
  /** Deliveries that a provider has taken. */
  readonly left: readonly string[]
  /** Deliveries whose last attempt is under way, or whose fate is unknown. */
  readonly mayHaveLeft: readonly string[]
}

/** A person's orders about one notification. Another app's notification is unknown to him. */
export const createOperations = (notifications: Notifications) => {
  const load = (id: string): Promise<Loaded> =>
    notifications.load(id).catch((error: unknown) => {
      if (!(error instanceof UnreadableStream)) throw error
      throw new Refusal(
        'notification/unreadable',
        'The notification holds an event that this version cannot read. It is kept as it is.',
      )
    })

  const order = async (app: string, id: string, command: Command, actor: string) => {
    for (let tries = 0; ; tries += 1) {
      const before = await load(id)
      if (before.state?.app !== app) {
        throw new Refusal('notification/not-found', 'Nothing was requested under this id.')
      }
      try {
        return { before, after: await notifications.change(before, [command], actor) }
      } catch (error) {
        if (!(error instanceof VersionConflict) || tries >= conflictRetriesMax) throw error
      }
    }
  }
  const changed = (before: Loaded, after: Loaded): boolean => after.revision > before.revision

  return {
    async cancel(app: string, id: string, actor: string): Promise<CancelAnswer> {
      const { before, after } = await order(app, id, { do: 'cancel', reason: 'requested' }, actor)
      const { left, mayHaveLeft } = cancellable(after.state!)
      const cancelled = changed(before, after) ? cancellable(before.state!).stoppable : []
      return { status: statusOf(after.state!), cancelled, left, mayHaveLeft }
    },

    async redrive(app: string, id: string, force: boolean, actor: string) {
      const command = { do: 'redrive', reason: 'requested', force } as const
      const { before, after } = await order(app, id, command, actor)
      return { status: statusOf(after.state!), redriven: changed(before, after) }
    },
  }
}

export type Operations = ReturnType<typeof createOperations>
