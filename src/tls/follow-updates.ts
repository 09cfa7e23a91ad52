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
  const iterator = iterate(source, update);
  const follow = async (): Promise<void> => {
    for (let isOver = false; !isOver; update()) isOver = await endsWithNext(iterator);
  };
  void follow();
  return () => {
    ended = true;
    void endEarly(iterator);
  };
}

/** What goes wrong with the iteration, the source says when it is read. */
function iterate(source: UpdatingSource, onLost: () => void): AsyncIterator<unknown> | undefined {
  try {
    return source.updates({ onLost })[Symbol.asyncIterator]();
  } catch {
    return undefined;
  }
}

async function endsWithNext(iterator: AsyncIterator<unknown> | undefined): Promise<boolean> {
  try {
    return iterator === undefined || (await iterator.next()).done === true;
  } catch {
    return true;
  }
}

async function endEarly(iterator: AsyncIterator<unknown> | undefined): Promise<void> {
  try {
    await iterator?.return?.();
  } catch {
    // There is nothing left to end.
  }
}

function isUpdating(source: object): source is UpdatingSource {
  return 'updates' in source && typeof source.updates === 'function';
}
