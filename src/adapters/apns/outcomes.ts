import { type Row, unsendableRow, wireRows } from '../wire/outcome-table.ts'

const gone = 'This token is no longer registered for the app.'
const wrongToken = 'This token is not one of this app in this environment.'
const credentials = 'APNs does not accept our credentials.'
const topic = 'APNs does not accept our topic.'
const wrongRequest = 'APNs does not accept this notification.'

const config = (status: number, code: string, reason: string): Row => ({
  when: { status, code },
  is: 'config',
  reason,
})
const permanent = (code: string): Row => ({
  when: { status: 400, code },
  is: 'permanent',
  reason: wrongRequest,
})

/** `code` is the `reason` of Apple's answer, but for the two in lower case, which the channel finds out. */
export const apnsRows: readonly Row[] = [
  {
    when: { status: 200, code: 'unparsable' },
    is: 'ambiguous',
    reason: 'A 200 with a body: APNs sends none, so somebody else may have answered.',
  },
  { when: { status: 200 }, is: 'delivered', reason: 'APNs took it.' },

  { when: { status: 410, code: 'Unregistered' }, is: 'endpoint-invalid', reason: gone },
  { when: { status: 410, code: 'ExpiredToken' }, is: 'endpoint-invalid', reason: gone },
  { when: { status: 400, code: 'BadDeviceToken' }, is: 'endpoint-invalid', reason: wrongToken },
  {
    when: { status: 400, code: 'DeviceTokenNotForTopic' },
    is: 'endpoint-invalid',
    reason: wrongToken,
  },

  {
    when: { status: 403, code: 'ExpiredProviderToken' },
    is: 'retry',
    reason: 'Our provider token was too old; there is a new one.',
  },
  {
    when: { status: 403, code: 'expired-when-new' },
    is: 'config',
    code: 'ExpiredProviderToken',
    reason: 'APNs finds a provider token too old that was just made: is our clock right?',
  },
  config(403, 'InvalidProviderToken', credentials),
  config(403, 'MissingProviderToken', credentials),
  config(403, 'Forbidden', credentials),
  config(403, 'BadCertificate', credentials),
  config(403, 'BadCertificateEnvironment', credentials),
  config(403, 'BadEnvironmentKeyIdInToken', credentials),
  config(403, 'BadEnvironmentKeyInToken', credentials),
  config(403, 'UnrelatedKeyIdInToken', credentials),
  config(400, 'TopicDisallowed', topic),
  config(400, 'BadTopic', topic),
  config(400, 'MissingTopic', topic),
  config(404, 'BadPath', 'What answers at our address for APNs does not know the path.'),
  config(405, 'MethodNotAllowed', 'What answers at our address for APNs does not take a POST.'),

  { when: { status: 413 }, is: 'permanent', reason: 'The payload is over 4,096 bytes.' },
  permanent('PayloadEmpty'),
  permanent('BadCollapseId'),
  permanent('BadExpirationDate'),
  permanent('BadMessageId'),
  permanent('BadPriority'),
  permanent('DuplicateHeaders'),
  permanent('InvalidPushType'),
  permanent('MissingDeviceToken'),

  {
    when: { status: 429, code: 'TooManyRequests' },
    is: 'retry',
    reason: 'Too many notifications to this device.',
  },
  {
    when: { status: 429, code: 'TooManyProviderTokenUpdates' },
    is: 'retry',
    reason: 'Our provider token was renewed too often.',
    afterMs: 60_000,
  },
  { when: { status: 400, code: 'IdleTimeout' }, is: 'retry', reason: 'The connection was idle.' },
  { when: { status: 503 }, is: 'retry', reason: 'APNs is overloaded or shutting down.' },
  {
    // Apple says "try again later" and not that the notification was not taken.
    when: { status: 500 },
    is: 'ambiguous',
    reason: 'An error inside APNs: the notification may have been taken.',
  },
  unsendableRow,
  ...wireRows,
]
