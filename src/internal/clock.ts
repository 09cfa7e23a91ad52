/** Milliseconds since the epoch, as `Date.now` counts them. */
export type Clock = () => number;

export const systemClock: Clock = () => Date.now();
