export { lowerCase, normalizeAudience, withoutQuery } from '../internal/audience.js';
