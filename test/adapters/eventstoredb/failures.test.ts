import { ErrorType } from '@eventstore/db-client'
import { expect, test } from 'vitest'
import { certainFailure } from '#adapters/eventstoredb/failures.ts'
import { EventTooLarge } from '#ports/errors.ts'

test('an event larger than a newer server takes is too large, not of unknown fate', () => {
  const message =
    '3 INVALID_ARGUMENT: Event with Id: 1, Size: 5000, exceeds Maximum Append Event Size of 4096.'
  const unknown = Object.assign(new Error(message), { type: ErrorType.UNKNOWN })
  expect(certainFailure(unknown, 'notification-1')).toBeInstanceOf(EventTooLarge)
  expect(certainFailure(new Error('13 INTERNAL'), 'notification-1')).toBeUndefined()
})
