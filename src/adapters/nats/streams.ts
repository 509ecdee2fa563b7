import type { JetStreamManager, StreamConfig, StreamInfo } from 'nats'
import { StorageType } from 'nats'
import { isApiError, nameInUse, streamNotFound } from './api-errors.ts'

type Wanted = Partial<StreamConfig> & { readonly name: string }

const differs = ({ config }: StreamInfo, wanted: Wanted): boolean =>
  Object.entries(wanted).some(
    ([key, value]) =>
      JSON.stringify((config as unknown as Record<string, unknown>)[key]) !== JSON.stringify(value),
  )

const read = async (manager: JetStreamManager, name: string): Promise<StreamInfo | undefined> => {
  try {
    return await manager.streams.info(name)
  } catch (error) {
    if (isApiError(error, streamNotFound)) return undefined
    throw error
  }
}

/** Makes a stream on disk, or changes what differs; answers when it was made. */
export const ensureStream = async (
  manager: JetStreamManager,
  config: Wanted,
): Promise<{ readonly created: string; readonly changed: boolean }> => {
  const wanted = { storage: StorageType.File, ...config }
  const there = await read(manager, wanted.name)
  if (there !== undefined) {
    const info = differs(there, wanted) ? await manager.streams.update(wanted.name, wanted) : there
    return { created: String(info.created), changed: false }
  }
  try {
    return { created: String((await manager.streams.add(wanted)).created), changed: true }
  } catch (error) {
    // Another process was first, with settings of its own.
    if (!isApiError(error, nameInUse)) throw error
    return { created: String((await manager.streams.info(wanted.name)).created), changed: true }
  }
}
