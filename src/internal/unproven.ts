const concealed = new WeakMap<object, unknown>();

/** Keeps what a verified token says out of reach until a proof of possession was checked (WIT-SVID section 7.1). */
export function concealUntilProven<T>(token: object, contents: T): void {
  concealed.set(token, contents);
}

/** What was concealed for this very object. Only code that has just verified a proof may call it. */
export function revealProven<T>(token: object): T {
  if (!concealed.has(token)) throw new TypeError('this token was not verified by svidkit');
  return concealed.get(token) as T;
}
