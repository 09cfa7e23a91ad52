import type { ClientHttp2Session } from 'node:http2';
import { limitTimer } from '../internal/timers.js';
import { type Http2Connection, hasEnded } from './http2-connect.js';

/** A session of a pool: how much of it is taken, and when it goes. */
export class KeptSession {
  readonly opened: Http2Connection;
  readonly #idleTimeoutMs: number;
  #streams = 0;
  /** Handed out in this turn of the event loop, with the request still to come. */
  #promised = 0;
  #retired = false;
  #drained = false;
  #idle: NodeJS.Timeout | undefined;

  constructor(opened: Http2Connection, idleTimeoutMs: number) {
    this.opened = opened;
    this.#idleTimeoutMs = idleTimeoutMs;
    this.#countRequests();
    this.session.once('close', () => clearTimeout(this.#idle));
    opened.connection.use({ isIdle: () => this.#taken === 0, drain: () => this.#drain() });
    this.#rest();
  }

  get session(): ClientHttp2Session {
    return this.opened.session;
  }

  get #taken(): number {
    return this.#streams + this.#promised;
  }

  /** Reserves the stream of one request. `false` when the server allows no more of them at present. */
  take(): boolean {
    const most = this.session.remoteSettings.maxConcurrentStreams ?? Number.POSITIVE_INFINITY;
    // A server may allow none for a while (RFC 9113 section 5.1.2): then one request waits on the session.
    if (this.#taken > 0 && this.#taken >= most) return false;
    if (this.#promised === 0) setImmediate(() => this.#forgetPromises());
    this.#promised += 1;
    return true;
  }

  /** Closes the session when the last of its requests has ended. It must not be handed out any more. */
  retire(): void {
    this.#retired = true;
    this.#rest();
  }

  /** As {@link retire}, and takes no request any more from those who still hold the session. */
  #drain(): void {
    this.#drained = true;
    this.retire();
  }

  #countRequests(): void {
    const { session } = this;
    const request = session.request.bind(session);
    session.request = (headers, options) => {
      const stream = request(headers, options);
      if (this.#promised > 0) this.#promised -= 1;
      if (this.#streams === 0) session.ref();
      this.#streams += 1;
      clearTimeout(this.#idle);
      stream.once('close', () => {
        this.#streams -= 1;
        this.#rest();
      });
      return stream;
    };
  }

  #forgetPromises(): void {
    this.#promised = 0;
    this.#rest();
  }

  #rest(): void {
    const { session } = this;
    if (this.#drained && this.#promised === 0) session.close();
    if (this.#taken > 0 || hasEnded(session)) return;
    session.unref();
    clearTimeout(this.#idle);
    if (this.#retired) session.close();
    else this.#idle = limitTimer(this.#idleTimeoutMs, () => session.close())?.unref();
  }
}
