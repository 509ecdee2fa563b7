/** The value of an option; throws when it is none. */
export const wholeNumber = (name: string, text: string): number => {
  const value = Number(text)
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= 0) return value
  throw new RangeError(`--${name} must be a whole number, not "${text}".`)
}

/** For people: one line on stderr, with the time since the start. */
export const say = (line: string): void => {
  const seconds = (performance.now() / 1_000).toFixed(1).padStart(6)
  process.stderr.write(`${seconds} s  ${line}\n`)
}
