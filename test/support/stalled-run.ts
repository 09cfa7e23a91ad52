import type { TestCase, TestProject } from 'vitest/node';

/** The exit code of a run that stalled: not a verdict about the code, so that whoever called may run it again. */
export const STALLED_EXIT_CODE = 75;

/** How long at least; otherwise a minute above the time that a test may take. */
const LIMIT_MS = 6 * 60_000;

/**
 * A worker that stops answering lets vitest wait for ever, because only tests and hooks have a timeout. This ends a run
 * in which no test has finished for so long, and names the files that had begun.
 */
export default function watchForStall({ vitest, config }: TestProject): () => void {
  const limit = Math.max(LIMIT_MS, config.testTimeout + 60_000);
  let finished = 0;
  let since = Date.now();
  const timer = setInterval(() => {
    const modules = vitest.state.getTestModules();
    const count = modules.reduce((sum, { children }) => sum + [...children.allTests()].filter(isFinished).length, 0);
    if (count !== finished) {
      finished = count;
      since = Date.now();
    }
    if (Date.now() - since < limit) return;
    const begun = modules.filter((module) => ['queued', 'pending'].includes(module.state()));
    const names = begun.map(({ relativeModuleId }) => relativeModuleId).join(', ');
    console.error(`No test has finished for ${limit / 60_000} minutes, so this run ends here. Begun: ${names}`);
    clearInterval(timer);
    process.once('exit', () => {
      process.exitCode = STALLED_EXIT_CODE;
    });
    // The second time, vitest kills its workers instead of asking them.
    void vitest.cancelCurrentRun('keyboard-input');
    void vitest.cancelCurrentRun('keyboard-input');
  }, 5_000);
  timer.unref();
  return () => clearInterval(timer);
}

function isFinished(test: TestCase): boolean {
  return test.result().state !== 'pending';
}
