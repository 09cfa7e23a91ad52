/** A process that mints proofs, so that signing takes no time from verifying. Started by `flood.ts`. */
import { openMint, type SenderMaterial } from '../../test/support/proof-senders.js';

export interface MintOrder {
  /** Whose proofs to mint. Sent once, before the first batch. */
  readonly materials?: readonly SenderMaterial[];
  /** Milliseconds since the epoch at which the proofs are made. */
  readonly now: number;
  /** The sender of each proof and its lifetime in seconds. */
  readonly proofs: readonly (readonly [sender: number, lifetimeSeconds: number])[];
}

let mint = openMint([]);

process.on('message', async ({ materials, now, proofs }: MintOrder) => {
  if (materials !== undefined) mint = openMint(materials);
  process.send?.(await Promise.all(proofs.map(([sender, lifetime]) => mint(sender, lifetime, () => now))));
});
