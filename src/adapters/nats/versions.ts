/** Whether a server's version is this one or newer; `2.12.0-beta` counts as `2.12.0`. */
export const isAtLeast = (version: string | undefined, least: string): boolean => {
  const numbers = (text: string) => text.split(/[.-]/).map(Number)
  const [left, right] = [numbers(version ?? '0'), numbers(least)]
  for (let at = 0; at < 3; at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0)
    if (difference !== 0) return difference > 0
  }
  return true
}
