import { normalizeAudience } from '../wpt/index.js';

const ORIGIN = /^https?:\/\/[^/?#@]+\/$/;

/**
 * Says which audiences a proof in a request may have, by its target: the configured ones and, for each that is an origin without a
 * path, the target URI of the request under that origin. Scheme and authority come from configuration only; of the
 * request nothing but the path is used, and only of a target in origin form, so that neither `Host` nor an absolute-form
 * target names the audience (draft-ietf-wimse-wpt, "Audience validation").
 */
export function acceptedAudiences(configured: readonly string[]): (target: string | undefined) => readonly string[] {
  const origins = configured.map(normalizeAudience).filter((audience) => ORIGIN.test(audience));
  return (target) => {
    const path = target?.startsWith('/') === true ? target.replace(/[?#].*$/s, '') : '/';
    return path === '/' ? configured : [...configured, ...origins.map((origin) => origin.slice(0, -1) + path)];
  };
}
