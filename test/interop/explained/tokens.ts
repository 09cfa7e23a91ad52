import type { ExchangeDifference } from '../signatures/exchange.js';
import type { TokenPeer } from '../signatures/token-exchanges.js';

/** Every difference in signed tokens. One that is not here fails the suite, and so does one that is over. */
export const TOKEN_DIFFERENCES: readonly ExchangeDifference<TokenPeer>[] = [
  {
    peers: ['go-jose', 'PyJWT'],
    cases: ['WIT as signed', 'WIT with a changed claim', 'WPT as signed', 'WPT with a changed claim'],
    algorithms: ['Ed25519'],
    verdict: 'unsupported',
    departs: 'offer',
    clause: 'RFC 9864 section 2.2',
    because: 'Both packages know the algorithm by its older name EdDSA only.',
  },
];
