import { inspect } from 'node:util';

/** Every form in which an object ends up in logs, messages and files by accident. */
export function visibleForms(value: unknown): string[] {
  const all = { depth: Number.POSITIVE_INFINITY, showHidden: true, getters: false, maxStringLength: null } as const;
  return [
    `${value}`,
    JSON.stringify(value) ?? '',
    inspect(value, all),
    inspect(cloned(value), all),
    inspect({ value }, all),
  ];
}

function cloned(value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch (error) {
    return error;
  }
}
