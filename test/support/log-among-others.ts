import type { EventStore, LogPage } from '#ports/event-store.ts'

/** Events of these streams were not written by us. */
export const foreignStream = 'stats-of-the-server'

/**
 * A log as EventStoreDB shows it where other programs write as well: their events are left out, and a page of
 * nothing else is empty though it is not at the head. Who asks for the same empty page again would do so for ever.
 */
export const amongOthers = (events: EventStore): EventStore => {
  let lastEmpty: { readonly after: string | undefined } | undefined
  const readAll = async (options: Parameters<EventStore['readAll']>[0]): Promise<LogPage> => {
    const page = await events.readAll(options)
    const own = page.events.filter(({ stream }) => stream !== foreignStream)
    if (lastEmpty && lastEmpty.after === options.after) throw new Error('An endless loop.')
    lastEmpty = own.length === 0 && !page.atHead ? { after: options.after } : undefined
    return { ...page, events: own, checkpoint: own.at(-1)?.position ?? page.checkpoint }
  }
  const head = async (): Promise<string | undefined> => {
    const { events: all } = await events.readAll({ limit: 10_000 })
    return all.findLast(({ stream }) => stream !== foreignStream)?.position
  }
  return Object.create(events, { readAll: { value: readAll }, head: { value: head } })
}
