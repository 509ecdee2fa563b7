import type { ApiClient } from './api-client.ts'
import type { Person } from './people.ts'
import { templateBody, templateName } from './template.ts'

const atOnce = 32

const registerOne = async (api: ApiClient, person: Person): Promise<void> => {
  const { locale, phone, email, devices, preferences } = person
  const path = `/v1/recipients/${person.userId}`
  const profile = { locale, ...(phone && { phone }), ...(email && { email }) }
  await api.call('PUT', path, profile)
  // Before the devices: nobody is told in between who has said no.
  if (preferences) await api.call('PUT', `${path}/preferences`, preferences)
  for (const { deviceId, platform, token } of devices) {
    await api.call('PUT', `${path}/devices/${deviceId}`, { platform, token })
  }
}

/** All people with their devices and wishes, and the texts of the alerts. */
export const register = async (
  api: ApiClient,
  people: readonly Person[],
  onProgress: (registered: number) => void,
): Promise<void> => {
  await api.call('PUT', `/v1/templates/${templateName}`, templateBody)
  const left = people.values()
  let registered = 0
  const worker = async (): Promise<void> => {
    // All workers draw from the same iterator.
    for (const person of left) {
      await registerOne(api, person)
      registered += 1
      onProgress(registered)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}
