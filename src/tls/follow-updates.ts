/** A source that tells of its updates, as all sources of svidkit do. */
interface UpdatingSource {
  updates(options: { readonly onLost: () => void }): AsyncIterable<unknown>;
}

/**
 * Calls back whenever a source has something else to give, has lost what it had, or gives nothing more. Nothing happens
 * with a source that has no `updates()`. The returned function ends it.
 */
export function followUpdates(source: object, onUpdate: () => void): () => void {
  if (!isUpdating(source)) return () => {};
  let ended = false;
  const update = (): void => {
    if (!ended) onUpdate();
  };
  const iterator = source.updates({ onLost: update })[Symbol.asyncIterator]();
  void followIterator(iterator, update);
  return () => {
    ended = true;
    iterator.return?.().catch(() => {});
  };
}

async function followIterator(iterator: AsyncIterator<unknown>, update: () => void): Promise<void> {
  try {
    while ((await iterator.next()).done !== true) update();
  } catch {
    // The source says why when it is read.
  }
  update();
}

function isUpdating(source: object): source is UpdatingSource {
  return 'updates' in source && typeof source.updates === 'function';
}
