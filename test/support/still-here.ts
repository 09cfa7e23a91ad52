/**
 * Says `still here` and closes the source, if something other than this timer keeps the process alive until then: soon
 * where that is what the test expects, else as late as a process that ends by itself may take on a busy machine.
 */
export function sayWhetherStillHere(source: { close(): Promise<void> }, expected: boolean): void {
  const timer = setTimeout(
    () => {
      console.log('still here');
      void source.close();
    },
    expected ? 200 : 30_000,
  );
  timer.unref();
}
