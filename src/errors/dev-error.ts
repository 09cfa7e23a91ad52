import { SvidkitError } from './svidkit-error.js';

/**
 * Why the development endpoint refuses.
 *
 * - `bad_address`: not an address that can be listened on; TCP is served on loopback only.
 * - `address_too_long`: a socket path of 100 bytes or more, which some systems cut.
 * - `address_in_use`: somebody serves there already, or the path holds something that is not a socket.
 * - `listen_failed`: the operating system refused; `cause` says why.
 * - `bad_hint`: a hint over 1024 bytes, or given to two identities (Workload API sections 5.2.1 and 8).
 * - `own_trust_domain`: a bundle of the endpoint's own trust domain cannot be federated with.
 * - `closed`: the endpoint or the workload is closed.
 */
export type DevErrorCode =
  | 'bad_address'
  | 'address_too_long'
  | 'address_in_use'
  | 'listen_failed'
  | 'bad_hint'
  | 'own_trust_domain'
  | 'closed';

/** Something that the development endpoint cannot serve. */
export class DevError extends SvidkitError<DevErrorCode> {}
