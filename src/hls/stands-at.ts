/** Whether `what` stands in a text at this place. `startsWith` costs V8 half as much again. */
export const standsAt = (text: string, what: string, place: number): boolean =>
  text.slice(place, place + what.length) === what;
