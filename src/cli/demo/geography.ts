export interface Place {
  readonly lat: number
  readonly lon: number
}

const earthDiameterKm = 12_742
const kmPerDegree = 111.2
const latMax = 85

const radians = (degrees: number): number => (degrees * Math.PI) / 180

/** Along the surface of a round earth: half a per cent off at most, which no alert minds. */
export const distanceKm = (a: Place, b: Place): number => {
  const lat = Math.sin(radians(b.lat - a.lat) / 2) ** 2
  const lon = Math.sin(radians(b.lon - a.lon) / 2) ** 2
  const haversine = lat + Math.cos(radians(a.lat)) * Math.cos(radians(b.lat)) * lon
  return earthDiameterKm * Math.asin(Math.sqrt(Math.min(1, haversine)))
}

/** `km` away in the direction of `turn` (0 to 1, from north by east); never at a pole. */
export const placeNear = (from: Place, km: number, turn: number): Place => {
  const angle = turn * 2 * Math.PI
  const north = from.lat + (km * Math.cos(angle)) / kmPerDegree
  const lat = Math.max(-latMax, Math.min(latMax, north))
  const east = from.lon + (km * Math.sin(angle)) / kmPerDegree / Math.cos(radians(lat))
  return { lat, lon: ((((east + 180) % 360) + 360) % 360) - 180 }
}
