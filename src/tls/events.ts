import { type Channel, channel } from 'node:diagnostics_channel';
import { TlsError, type TlsErrorCode } from '../errors/index.js';
import type { VerifiedX509Svid } from '../x509-svid/index.js';

/**
 * The names of the `node:diagnostics_channel` channels on which mutual TLS tells whom it lets in, for metrics, logs and
 * alarms. What is published on each is in {@link TlsEvents}. Without a subscriber, nothing is done.
 */
export const TLS_CHANNELS: { readonly accept: 'svidkit:tls:accept'; readonly refuse: 'svidkit:tls:refuse' } =
  Object.freeze({ accept: 'svidkit:tls:accept', refuse: 'svidkit:tls:refuse' });

/**
 * What is published, by the name of the channel. Every event is a frozen object of its own and holds names, rules and
 * times: never a key or a certificate.
 */
export interface TlsEvents {
  /** The peer of a new connection was verified and authorized. */
  readonly 'svidkit:tls:accept': TlsAcceptEvent;
  /** A connection, or a request on one, was refused by svidkit. A connection that Node or the peer broke off is not. */
  readonly 'svidkit:tls:refuse': TlsRefuseEvent;
}

/** Which end of the connection we are. */
export type TlsSide = 'client' | 'server';

export interface TlsAcceptEvent {
  readonly side: TlsSide;
  /** The verified identifier of the peer. */
  readonly peerId: string;
  /** When the first certificate on the peer's path expires. */
  readonly peerExpiresAt: Date;
}

export interface TlsRefuseEvent {
  readonly side: TlsSide;
  readonly code: TlsErrorCode;
  /** For people. */
  readonly message: string;
  /** As in `TlsError`: the rule beneath the code, such as the one that an X.509-SVID broke. */
  readonly rule: string | undefined;
  /** As in `TlsError`: what the peer claims to be, not always verified. */
  readonly claimedId: string | undefined;
}

const accepted: Channel = channel(TLS_CHANNELS.accept);
const refused: Channel = channel(TLS_CHANNELS.refuse);

export function publishAccept(side: TlsSide, { id, expiresAt }: VerifiedX509Svid): void {
  if (!accepted.hasSubscribers) return;
  const event: TlsAcceptEvent = { side, peerId: id.toString(), peerExpiresAt: new Date(expiresAt) };
  accepted.publish(Object.freeze(event));
}

/** An error that is not svidkit's own is not published: it refused nobody. */
export function publishRefuse(side: TlsSide, error: unknown): void {
  if (!refused.hasSubscribers || !(error instanceof TlsError)) return;
  const { code, message, rule, claimedId } = error;
  const event: TlsRefuseEvent = { side, code, message, rule, claimedId };
  refused.publish(Object.freeze(event));
}
