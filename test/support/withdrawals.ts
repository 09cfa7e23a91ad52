import { type Side, theirBundle } from './mtls.js';
import { bundleOf, makeAuthority, NOW, sourceOf } from './x509.js';

const HOUR = 3_600_000;

type Withdrawal = readonly [what: string, change: (side: Side) => void, code: string, status: number];

/** What withdraws the peer of a side, the code that a client then refuses with, and the status that a server answers. */
export const PEER_WITHDRAWALS: readonly Withdrawal[] = [
  ['the bundle is withdrawn', (side) => (side.bundleSource = sourceOf(theirBundle)), 'peer_refused', 421],
  [
    'the authority is replaced',
    (side) => (side.bundleSource = sourceOf(bundleOf('example.org', makeAuthority('new')))),
    'peer_refused',
    421,
  ],
  ['the authorizer changes its mind', (side) => (side.decide = () => false), 'not_authorized', 403],
];

/** What leaves a client without a connection to use: its own identity is gone, or its peer is withdrawn. */
export const CLIENT_CHANGES: ReadonlyArray<readonly [what: string, change: (side: Side) => void, code: string]> = [
  ['our SVID is withdrawn', (side) => (side.current = new Error('withdrawn')), 'no_identity'],
  ['our SVID expires', (side) => (side.now = NOW + HOUR), 'identity_expired'],
  ...PEER_WITHDRAWALS.map(([what, change, code]) => [what, change, code] as const),
];
