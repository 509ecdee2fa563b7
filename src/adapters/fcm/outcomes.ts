import { type Row, unsendableRow, wireRows } from '../wire/outcome-table.ts'

const credentials = 'FCM does not accept our credentials.'

const config = (status: number, code: string, reason: string): Row => ({
  when: { status, code },
  is: 'config',
  reason,
})

/** `code` is FCM's `errorCode`; where the answer has none, Google's `status`. */
export const fcmRows: readonly Row[] = [
  {
    when: { status: 200, code: 'unparsable' },
    is: 'ambiguous',
    reason: 'FCM said 200 and not what it took.',
  },
  { when: { status: 200 }, is: 'delivered', reason: 'FCM took it.' },

  {
    when: { status: 404, code: 'UNREGISTERED' },
    is: 'endpoint-invalid',
    reason: 'The app was uninstalled, or the token was not used for 270 days.',
  },
  {
    when: { status: 400, code: 'INVALID_ARGUMENT', field: 'message.token' },
    is: 'endpoint-invalid',
    reason: 'This is not a registration token.',
  },
  {
    when: { status: 400, code: 'INVALID_ARGUMENT' },
    is: 'permanent',
    reason: 'FCM does not accept this message.',
  },

  // Without FCM's own code a 404 speaks of the project, not of the token.
  config(404, 'NOT_FOUND', 'FCM does not know our project.'),
  config(401, 'UNAUTHENTICATED', credentials),
  config(
    401,
    'THIRD_PARTY_AUTH_ERROR',
    'The APNs or Web Push key in the Firebase project is wrong.',
  ),
  config(403, 'SENDER_ID_MISMATCH', 'This token belongs to another Firebase project.'),
  config(403, 'PERMISSION_DENIED', credentials),

  {
    when: { status: 429 },
    is: 'retry',
    reason: 'The quota is used up.',
    afterMs: 60_000,
  },
  { when: { status: 503 }, is: 'retry', reason: 'FCM is overloaded.', afterMs: 10_000 },
  {
    // Google asks to try again and does not say that nothing was sent: a duplicate is possible.
    when: { status: 500 },
    is: 'ambiguous',
    reason: 'An error inside FCM: the message may have been taken.',
  },

  {
    when: { token: 'unavailable' },
    is: 'retry',
    reason: 'Nothing was sent: there is no access token, its server did not answer.',
  },
  {
    when: { token: 'refused' },
    is: 'config',
    reason: 'The token server does not accept our service account.',
  },
  unsendableRow,
  ...wireRows,
]
