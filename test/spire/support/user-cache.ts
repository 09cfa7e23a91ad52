import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** Where what is built or downloaded for the tests is kept between runs, outside the checkout: `~/.cache/svidkit`. */
export function userCache(...segments: readonly string[]): string {
  const base = process.env['XDG_CACHE_HOME'];
  return join(base !== undefined && isAbsolute(base) ? base : join(homedir(), '.cache'), 'svidkit', ...segments);
}
