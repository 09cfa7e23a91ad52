import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { onTestFinished } from 'vitest';

/** What was published on some channels of svidkit until the test is over, in order. */
export interface HeardEvents<Events> {
  /** The last word of each channel's name, in the order of the events. */
  readonly kinds: readonly string[];
  readonly all: readonly Events[keyof Events][];
  on<Name extends keyof Events>(name: Name): readonly Events[Name][];
}

export function hearEvents<Events>(...names: readonly (keyof Events & string)[]): HeardEvents<Events> {
  const heard: { readonly name: string; readonly event: unknown }[] = [];
  const listen = (event: unknown, name: string | symbol): void => void heard.push({ name: String(name), event });
  for (const name of names) subscribe(name, listen);
  onTestFinished(() => {
    for (const name of names) unsubscribe(name, listen);
  });
  const events = (wanted?: unknown): unknown[] =>
    heard.filter(({ name }) => wanted === undefined || name === wanted).map(({ event }) => event);
  return {
    get kinds() {
      return heard.map(({ name }) => name.split(':').at(-1) ?? '');
    },
    get all() {
      return events() as Events[keyof Events][];
    },
    on: (name) => events(name) as never[],
  };
}
