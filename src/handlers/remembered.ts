/**
 * Names made by hashing are asked for several times while one notification is worked on; these answers are
 * kept. Forgets all of them when there are `answersMax`: to keep the most recent ones costs more.
 */
export const remembered = (
  answersMax: number,
  make: (app: string, name: string) => string,
): ((app: string, name: string) => string) => {
  const answers = new Map<string, string>()
  return (app, name) => {
    // No name of an app holds a NUL.
    const key = `${app}\u0000${name}`
    const known = answers.get(key)
    if (known !== undefined) return known
    if (answers.size >= answersMax) answers.clear()
    const answer = make(app, name)
    answers.set(key, answer)
    return answer
  }
}
