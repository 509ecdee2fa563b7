/** What the client said this request is for, in a field that the provider echoes. */
export interface Reference {
  /** `<notificationId>.<deliveryId>`: the same for every attempt of a delivery. */
  correlation: string
  /** Undefined when the reference had another form; then the correlation is all of it. */
  attempt: number | undefined
}

export const attemptsMax = 0xfffe

/** Reads `<notificationId>.<deliveryId>.<attempt>[.<signature>]` without a regular expression: this is the hot path. */
export const parseReference = (ref: string): Reference => {
  const first = ref.indexOf('.')
  const second = first > 0 ? ref.indexOf('.', first + 1) : -1
  if (second <= first + 1) return { correlation: ref, attempt: undefined }
  const third = ref.indexOf('.', second + 1)
  const text = third < 0 ? ref.slice(second + 1) : ref.slice(second + 1, third)
  const attempt = Number(text)
  return String(attempt) === text && Number.isInteger(attempt) && attempt <= attemptsMax
    ? { correlation: ref.slice(0, second), attempt }
    : { correlation: ref, attempt: undefined }
}
